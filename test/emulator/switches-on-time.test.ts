import { expect } from "vitest";
import { bothWays } from "./both-ways.ts";
import { remember } from "./remember.ts";
import { type Rig, until } from "./rig.ts";

const hourMs = 3_600_000;

/** Starts an add that extracts, and answers what asks for the status of its event. */
async function beginAdd(rig: Rig): Promise<() => Promise<string>> {
  const body = { messages: [{ role: "user", content: "I like tea." }], user_id: "alice" };
  const { event_id } = (await rig.call("POST", "/v3/memories/add/", body)).body as { event_id: string };
  return async () => ((await rig.call("GET", `/v1/event/${event_id}/`)).body as { status: string }).status;
}

bothWays("addDelayMs", {
  20: [
    "has done an add soon",
    async (rig) => {
      const status = await beginAdd(rig);
      await until(async () => (await status()) === "SUCCEEDED");
      expect((await rig.tables()).memories).toHaveLength(1);
    },
  ],
  [hourMs]: [
    "has an add waiting",
    async (rig) => {
      const status = await beginAdd(rig);
      expect(await status()).toBe("PENDING");
    },
  ],
});

/** Makes a delivery that nobody takes, and answers what asks how it stands. */
async function beginDelivery(rig: Rig): Promise<() => Promise<{ attempts: number; status: string }>> {
  await rig.switches({ webhookRetriesMax: 1 });
  const path = rig.webhooksPath((await rig.ping()).project_id);
  await rig.call("POST", path, { name: "w", url: "http://127.0.0.1:1/", event_types: ["memory_add"] });
  await remember(rig, "Alice likes tea");
  return async () => {
    type Delivery = { attempts: number; status: string };
    const { deliveries } = await rig.control<{ deliveries: Delivery[] }>("GET", "webhook-deliveries");
    return deliveries[0] ?? { attempts: 0, status: "" };
  };
}

bothWays("webhookRetryDelayMs", {
  1000: [
    "tries a delivery again after a second",
    async (rig) => {
      const startedMs = performance.now();
      const delivery = await beginDelivery(rig);
      await until(async () => (await delivery()).status === "failed");
      expect(await delivery()).toMatchObject({ attempts: 2 });
      expect(performance.now() - startedMs).toBeGreaterThanOrEqual(1000);
    },
  ],
  [hourMs]: [
    "has the second try of a delivery waiting",
    async (rig) => {
      const delivery = await beginDelivery(rig);
      await until(async () => (await delivery()).attempts === 1);
      expect(await delivery()).toMatchObject({ status: "waiting" });
    },
  ],
});

/** Orders Alice's profile, and answers what asks how the job stands. */
async function beginProfile(rig: Rig): Promise<() => Promise<string>> {
  await remember(rig, "Full name is Alice Smith");
  await rig.call("POST", "/v2/profiles/settings/", { enabled: true });
  const order = { operation: "trigger", entity_type: "user", entity_id: "alice" };
  const { status_url } = (await rig.call("POST", "/v2/profiles/jobs/", order)).body as { status_url: string };
  return async () => ((await rig.call("GET", status_url)).body as { job: { status: string } }).job.status;
}

bothWays("profileDelayMs", {
  20: [
    "has a profile soon",
    async (rig) => {
      const status = await beginProfile(rig);
      await until(async () => (await status()) === "succeeded");
      expect(await rig.call("GET", "/v2/entities/user/alice/profile/")).toMatchObject({ status: 200 });
    },
  ],
  [hourMs]: [
    "has a profile pending",
    async (rig) => {
      const status = await beginProfile(rig);
      expect(await status()).toBe("pending");
    },
  ],
});
