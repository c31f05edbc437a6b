import { expect } from "vitest";
import { bothWays, type Way } from "./both-ways.ts";
import { newPlace, newReader } from "./place.ts";
import { remember } from "./remember.ts";
import type { Rig } from "./rig.ts";

const hourMs = 3_600_000;
const url = "https://acme.test/hook";
const given = { name: "w", url, event_types: ["memory_add"] };

/** Makes a webhook in a new project; its object, and the path of its list. */
async function newWebhook(rig: Rig, over: object = {}) {
  const { webhooks: path } = await newPlace(rig);
  const reply = await rig.call("POST", path, { ...given, ...over });
  const made = reply.body as { readonly webhook_id: string | number; readonly url: string };
  return { path, reply, made, single: `/api/v1/webhooks/${made.webhook_id}/` };
}

const longUrl = (length: number): string => `${url}/`.padEnd(length, "x");
const bounded = (max: number): Way => [
  `takes ${max} characters and no more`,
  async (rig) => {
    expect((await newWebhook(rig, { url: longUrl(max) })).reply.status).toBe(201);
    expect((await newWebhook(rig, { url: longUrl(max + 1) })).reply.body).toEqual({
      url: [`Ensure this field has no more than ${max} characters.`],
    });
  },
];
bothWays("webhookUrlLengthMax", { 2000: bounded(2000), 40: bounded(40) });

const written = "HTTPS://Acme.test:443?a=B";
const keeping = (kept: string): Way => [
  `keeps ${kept}`,
  async (rig) => {
    const { path, made, single } = await newWebhook(rig, { url: written });
    expect(made.url).toBe(kept);
    expect(await rig.call("POST", path, { ...given, url: written })).toMatchObject({ status: 400 });
    await rig.call("PUT", single, { url: `${written}C` });
    expect((await rig.call("GET", path)).body).toMatchObject([{ url: `${kept}C` }]);
  },
];
bothWays("webhookUrlKept", { "as-sent": keeping(written), normalised: keeping("https://acme.test/?a=B") });

const withoutTls = (status: number): Way => [
  `answers ${status} to http:, and takes https:`,
  async (rig) => {
    expect((await newWebhook(rig, { url: "http://acme.test/" })).reply.status).toBe(status);
    expect((await newWebhook(rig)).reply.status).toBe(201);
  },
];
bothWays("webhookUrlMustBeHttps", { true: withoutTls(400), false: withoutTls(201) });

const identified = (id: unknown): Way => [
  "shows the same id when it is made, listed and named",
  async (rig) => {
    const { path, made, single } = await newWebhook(rig);
    expect(made.webhook_id).toEqual(id);
    expect((await rig.call("GET", path)).body).toMatchObject([{ webhook_id: made.webhook_id }]);
    expect(await rig.call("DELETE", single)).toMatchObject({ status: 200 });
  },
];
bothWays("webhookIds", {
  text: identified(expect.stringMatching(/^wh_[A-Za-z0-9]{24}$/)),
  number: identified(expect.any(Number)),
});

const listed = (count: number): Way => [
  `lists ${count} of a new one`,
  async (rig) => {
    const { path } = await newWebhook(rig);
    expect((await rig.call("GET", path)).body).toHaveLength(count);
    expect(await rig.call("POST", path, given)).toMatchObject({ status: 400 });
    await rig.switches({ webhookListLagMs: 0 });
    expect((await rig.call("GET", path)).body).toHaveLength(1);
  },
];
bothWays("webhookListLagMs", { 0: listed(1), [hourMs]: listed(0) });

bothWays("webhookReadById", {
  true: [
    "shows it to readers of its project, and 403 to strangers",
    async (rig) => {
      const place = await newPlace(rig);
      const { body } = await rig.call("POST", place.webhooks, given);
      const single = `/api/v1/webhooks/${(body as { webhook_id: string }).webhook_id}/`;
      expect(await rig.call("GET", single)).toMatchObject({ status: 200, body: body as object });
      expect(await (await newReader(rig, place)).call("GET", single)).toMatchObject({ status: 200 });
      expect(await (await rig.somebodyElse("eve@else.test")).call("GET", single)).toMatchObject({
        status: 403,
      });
      expect(await rig.call("GET", "/api/v1/webhooks/wh_no/")).toMatchObject({ status: 404 });
    },
  ],
  false: [
    "answers 405",
    async (rig) => {
      const { single } = await newWebhook(rig);
      const reply = await rig.call("GET", single);
      expect(reply.status).toBe(405);
      expect(reply.headers.get("allow")?.split(", ").toSorted()).toEqual(["DELETE", "PUT"]);
    },
  ],
});

const pausing = (isActive: boolean): Way => [
  `has is_active ${isActive} after a PUT of false`,
  async (rig) => {
    const { path, single } = await newWebhook(rig);
    expect(await rig.call("PUT", single, { is_active: false })).toMatchObject({ status: 200 });
    expect((await rig.call("GET", path)).body).toMatchObject([{ is_active: isActive }]);
    const wrong = await rig.call("PUT", single, { is_active: "off" });
    expect(wrong.status).toBe(isActive ? 200 : 400);
  },
];
bothWays("webhookPutPauses", { true: pausing(false), false: pausing(true) });

const listeningToNothing = (status: number): Way => [
  `answers ${status} to no event types`,
  async (rig) => {
    expect((await newWebhook(rig, { event_types: [] })).reply.status).toBe(status);
    const { single } = await newWebhook(rig);
    expect((await rig.call("PUT", single, { event_types: [] })).status).toBe(status === 201 ? 200 : 400);
  },
];
bothWays("webhookMayListenToNothing", { true: listeningToNothing(201), false: listeningToNothing(400) });

const strange = (status: number): Way => [
  `answers a stranger ${status}`,
  async (rig) => {
    const { path, single } = await newWebhook(rig);
    const eve = await rig.somebodyElse("eve@else.test");
    expect(await eve.call("GET", path)).toMatchObject({ status });
    expect(await eve.call("POST", path, given)).toMatchObject({ status });
    expect(await eve.call("PUT", single, { name: "x" })).toMatchObject({ status });
    expect(await eve.call("DELETE", single)).toMatchObject({ status });
    expect(await rig.call("GET", rig.webhooksPath("proj_no"))).toMatchObject({ status: 403 });
  },
];
bothWays("webhookStrangerSees", { "403": strange(403), "404": strange(404) });

const nowhere = (status: number): Way => [
  `answers ${status}, and a stranger 403`,
  async (rig) => {
    expect(await rig.call("GET", rig.webhooksPath("proj_no"))).toMatchObject({ status });
    expect(await rig.call("POST", rig.webhooksPath("proj_no"), given)).toMatchObject({ status });
    const { path } = await newWebhook(rig);
    const eve = await rig.somebodyElse("eve@else.test");
    expect(await eve.call("GET", path)).toMatchObject({ status: 403 });
  },
];
bothWays("webhooksOfUnknownProject", { "403": nowhere(403), "404": nowhere(404) });

/** What the webhook of the key's own project is told of, in order; nothing leaves this machine. */
async function told(rig: Rig, deed: (id: string) => Promise<unknown>): Promise<readonly object[]> {
  const path = rig.webhooksPath((await rig.ping()).project_id);
  await rig.call("POST", path, { ...given, event_types: ["memory_add", "memory_update", "memory_delete"] });
  await deed(await remember(rig, "Alice likes tea"));
  const { deliveries } = await rig.control<{
    deliveries: readonly { payload: { event_details: { event: string; data: object } } }[];
  }>("GET", "webhook-deliveries");
  return deliveries
    .map(({ payload }) => payload.event_details)
    .map(({ event, data }) => ({ event, ...data }));
}

const updating = (events: readonly string[]): Way => [
  `tells ${events.join(", ")}`,
  async (rig) => {
    const seen = await told(rig, async (id) => {
      await rig.call("PUT", `/v1/memories/${id}/`, { metadata: { a: 1 } });
      await rig.call("PUT", `/v1/memories/${id}/`, { text: "Alice likes coffee" });
    });
    expect(seen.map((one) => (one as { event: string }).event)).toEqual(events);
  },
];
bothWays("webhookTellsMetadataUpdates", {
  true: updating(["ADD", "UPDATE", "UPDATE"]),
  false: updating(["ADD", "UPDATE"]),
});

const deleting = (memory: string | null): Way => [
  `tells ${memory} of a deletion`,
  async (rig) => {
    const seen = await told(rig, (id) => rig.call("DELETE", `/v1/memories/${id}/`));
    expect(seen).toEqual([
      { event: "ADD", memory: "Alice likes tea" },
      { event: "DELETE", memory },
    ]);
  },
];
bothWays("webhookDeletionTells", { text: deleting("Alice likes tea"), null: deleting(null) });
