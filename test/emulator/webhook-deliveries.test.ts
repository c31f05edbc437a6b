import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startEmulator } from "../../src/emulator/emulator.ts";
import { remember } from "./remember.ts";
import { Rig, startRig, until } from "./rig.ts";

const hourMs = 3_600_000;

interface Details {
  readonly id?: string;
  readonly memory_id?: string;
  readonly event: string;
  readonly data?: { readonly memory: string };
  readonly categories?: readonly string[];
}

interface Delivery {
  readonly status: string;
  readonly attempts: number;
  readonly event_type: string;
}

/** Keeps what it is told, and answers with these statuses, the last of them for ever; null never answers. */
class Receiver {
  readonly got: { readonly contentType: string; readonly details: Details }[] = [];
  readonly #server: Server;
  readonly #statuses: (number | null)[] = [200];

  constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const { event_details } = JSON.parse(body) as { event_details: Details };
    this.got.push({ contentType: request.headers["content-type"] ?? "", details: event_details });
    const status = this.#statuses.length > 1 ? this.#statuses.shift() : this.#statuses[0];
    if (typeof status === "number") response.writeHead(status, { location: "/elsewhere" }).end();
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  answers(...statuses: (number | null)[]): void {
    this.#statuses.splice(0, this.#statuses.length, ...statuses);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }

  get events(): readonly string[] {
    return this.got.map(({ details }) => `${details.event} ${details.data?.memory ?? ""}`.trim());
  }
}

const all = ["memory_add", "memory_update", "memory_delete", "memory_categorize"];
let receiver: Receiver;

beforeEach(async () => {
  receiver = new Receiver();
  await receiver.start();
});

afterEach(() => receiver.stop());

async function listen(rig: Rig, event_types: readonly string[] = ["memory_add"], url = receiver.url) {
  const { project_id } = await rig.ping();
  const body = { name: "w", url, event_types };
  return (await rig.call("POST", rig.webhooksPath(project_id), body)).body as { webhook_id: string };
}

async function deliveries(rig: Rig): Promise<readonly Delivery[]> {
  return (await rig.control<{ deliveries: Delivery[] }>("GET", "webhook-deliveries")).deliveries;
}

async function statuses(rig: Rig): Promise<readonly string[]> {
  return (await deliveries(rig)).map(({ status }) => status);
}

/** Waits until nothing waits any more. */
async function settled(rig: Rig, count: number): Promise<readonly string[]> {
  await until(async () => {
    const now = await statuses(rig);
    return now.length >= count && !now.includes("waiting");
  });
  return statuses(rig);
}

/** Waits until the receiver has got so many. */
async function told(rig: Rig, count: number): Promise<void> {
  await until(async () => {
    await rig.ping();
    return receiver.got.length >= count;
  });
}

describe("a webhook", () => {
  it("is told of what it listens to, in the documented bodies, with the right media type", async () => {
    const rig = await startRig();
    await listen(rig, all);
    const id = await remember(rig, "Likes jazz");
    await settled(rig, 2);
    await rig.call("PUT", `/v1/memories/${id}/`, { text: "Likes chess" });
    await settled(rig, 4);
    await rig.call("DELETE", `/v1/memories/${id}/`);
    expect(await settled(rig, 5)).toEqual(Array.from({ length: 5 }, () => "delivered"));
    const got = receiver.got.map(({ details }) => details);
    const categories = expect.arrayContaining(["user_preferences"]);
    expect(got).toHaveLength(5);
    expect(got).toContainEqual({ id, data: { memory: "Likes jazz" }, event: "ADD" });
    expect(got).toContainEqual({ event: "CATEGORIZE", memory_id: id, categories });
    expect(got).toContainEqual({ id, data: { memory: "Likes chess" }, event: "UPDATE" });
    expect(got).toContainEqual({ id, data: { memory: "Likes chess" }, event: "DELETE" });
    expect(new Set(receiver.got.map(({ contentType }) => contentType))).toEqual(
      new Set(["application/json"]),
    );
  });

  it("is told of an extraction after its event is done, and never of one that failed", async () => {
    const rig = await startRig({ switches: { addDelayMs: 100 } });
    await listen(rig);
    const add = async () => {
      const body = { messages: [{ role: "user", content: "Likes tea." }], user_id: "alice" };
      return ((await rig.call("POST", "/v3/memories/add/", body)).body as { event_id: string }).event_id;
    };
    await rig.switches({ addOutcome: "fail" });
    await add();
    await rig.switches({ addOutcome: "succeed" });
    const eventId = await add();
    expect(receiver.got).toEqual([]);
    await told(rig, 1);
    expect((await rig.call("GET", `/v1/event/${eventId}/`)).body).toMatchObject({ status: "SUCCEEDED" });
    await settled(rig, 1);
    expect(receiver.events).toEqual(["ADD Likes tea."]);
  });

  it("is told of categories only when they show", async () => {
    const rig = await startRig({ switches: { categoriesDelayMs: hourMs } });
    await listen(rig, ["memory_categorize"]);
    await remember(rig, "Likes tea");
    expect(await statuses(rig)).toEqual(["waiting"]);
    expect(receiver.got).toEqual([]);
  });

  it("that is another project's, paused, or listens to something else is told nothing", async () => {
    const rig = await startRig();
    const eve = await rig.somebodyElse("eve@else.test");
    await listen(eve);
    await listen(rig, ["memory_delete"]);
    const { project_id } = await rig.ping();
    const paused = { name: "p", url: `${receiver.url}/p`, event_types: ["memory_add"], is_active: false };
    await rig.call("POST", rig.webhooksPath(project_id), paused);
    await remember(rig, "Likes tea");
    expect(await statuses(rig)).toEqual([]);
    await remember(eve, "Likes milk");
    await settled(rig, 1);
    expect(receiver.events).toEqual(["ADD Likes milk"]);
  });

  it("that is deleted before the event is done is told nothing", async () => {
    const rig = await startRig({ switches: { categoriesDelayMs: 150 } });
    const { webhook_id } = await listen(rig, ["memory_categorize"]);
    await remember(rig, "Likes tea");
    await rig.call("DELETE", `/api/v1/webhooks/${webhook_id}/`);
    expect(await settled(rig, 1)).toEqual(["cancelled"]);
    expect(receiver.got).toEqual([]);
  });

  it("is told of what delete-all takes under deleteAllNotifies alone", async () => {
    const rig = await startRig();
    await listen(rig, ["memory_delete"]);
    await remember(rig, "Likes tea");
    await rig.call("DELETE", "/v1/memories/?user_id=alice");
    expect(await statuses(rig)).toEqual([]);
    await rig.switches({ deleteAllNotifies: true });
    await remember(rig, "Likes milk");
    await rig.call("DELETE", "/v2/entities/user/alice/");
    expect(await settled(rig, 1)).toEqual(["delivered"]);
    expect(receiver.events).toEqual(["DELETE Likes milk"]);
  });

  it("on another machine is told nothing but under webhookTargets=any", async () => {
    const rig = await startRig();
    await listen(rig, ["memory_add"], "http://receiver.invalid/hook");
    await remember(rig, "Likes tea");
    expect(await settled(rig, 1)).toEqual(["not_allowed"]);
    await rig.switches({ webhookTargets: "any" });
    await remember(rig, "Likes milk");
    expect(await settled(rig, 2)).toEqual(["not_allowed", "failed"]);
  });
});

describe("a delivery", () => {
  it.each([500, 302])("that is answered %s has failed, and is not tried again by default", async (status) => {
    const rig = await startRig();
    await listen(rig);
    receiver.answers(status);
    await remember(rig, "Likes tea");
    expect(await settled(rig, 1)).toEqual(["failed"]);
    expect(receiver.got).toHaveLength(1);
  });

  it("is tried again webhookRetriesMax times, until it is taken", async () => {
    const rig = await startRig({ switches: { webhookRetriesMax: 2, webhookRetryDelayMs: 5 } });
    await listen(rig);
    receiver.answers(500, 500, 200);
    await remember(rig, "Likes tea");
    await settled(rig, 1);
    expect(await deliveries(rig)).toMatchObject([{ status: "delivered", attempts: 3 }]);
    receiver.answers(500);
    await remember(rig, "Likes milk");
    await settled(rig, 2);
    expect((await deliveries(rig))[1]).toMatchObject({ status: "failed", attempts: 3 });
    expect(receiver.got).toHaveLength(6);
  });

  it("that nobody answers fails after webhookTimeoutMs", async () => {
    const rig = await startRig({ switches: { webhookTimeoutMs: 50 } });
    await listen(rig);
    receiver.answers(null);
    await remember(rig, "Likes tea");
    expect(await settled(rig, 1)).toEqual(["failed"]);
  });

  it("is sent webhookCopies times", async () => {
    const rig = await startRig({ switches: { webhookCopies: 3 } });
    await listen(rig);
    await remember(rig, "Likes tea");
    expect(await settled(rig, 1)).toEqual(["delivered"]);
    expect(receiver.events).toEqual(Array.from({ length: 3 }, () => "ADD Likes tea"));
  });

  it("of every webhookDropEvery is lost, and shown as such", async () => {
    const rig = await startRig({ switches: { webhookDropEvery: 2 } });
    await listen(rig);
    for (const [index, text] of ["one", "two", "three", "four"].entries()) {
      await remember(rig, text);
      await settled(rig, index + 1);
    }
    expect(await statuses(rig)).toEqual(["delivered", "dropped", "delivered", "dropped"]);
    expect(receiver.events).toEqual(["ADD one", "ADD three"]);
  });

  it("is overtaken by the next one under webhookReorder, and comes alone when none follows", async () => {
    const rig = await startRig({ switches: { webhookReorder: true } });
    await listen(rig);
    await remember(rig, "one");
    await remember(rig, "two");
    await settled(rig, 2);
    expect(receiver.events).toEqual(["ADD two", "ADD one"]);
    await remember(rig, "three");
    await settled(rig, 3);
    expect(receiver.events).toEqual(["ADD two", "ADD one", "ADD three"]);
  });

  it("is called off by a reset", async () => {
    const rig = await startRig({ switches: { categoriesDelayMs: 100 } });
    await listen(rig, ["memory_categorize"]);
    await remember(rig, "Likes tea");
    await rig.control("POST", "reset");
    await listen(rig, ["memory_categorize"]);
    // Due after the one that was called off.
    const id = await remember(rig, "Likes milk");
    await settled(rig, 1);
    expect(receiver.got.map(({ details }) => details.memory_id)).toEqual([id]);
  });
});

describe("a reset", () => {
  it("leaves nothing behind of a delivery that was on its way", async () => {
    const rig = await startRig({ switches: { webhookTimeoutMs: 80 } });
    receiver.answers(null);
    await listen(rig);
    await remember(rig, "Likes tea");
    await told(rig, 1);
    await rig.control("POST", "reset");
    await listen(rig);
    // It is given up after the one that the reset called off would have been.
    await remember(rig, "Likes milk");
    expect(await settled(rig, 1)).toEqual(["failed"]);
    expect(receiver.events).toEqual(["ADD Likes tea", "ADD Likes milk"]);
  });
});

describe("with a journal", () => {
  it("what waited at the end, and what was on its way, is delivered after the next start; what was taken is not again", async () => {
    const journalPath = path.join(tmpdir(), `emulator-${randomUUID()}.jsonl`);
    const first = await startEmulator({ journalPath, switches: { categoriesDelayMs: 150 } });
    const before = new Rig(first.url, first.apiKey);
    await listen(before, ["memory_add", "memory_categorize"]);
    await remember(before, "Likes tea");
    await until(async () => (await statuses(before)).includes("delivered"));
    receiver.answers(null, 200);
    await remember(before, "Likes milk");
    await told(before, 2);
    await first.close();
    const second = await startEmulator({ journalPath });
    try {
      const after = new Rig(second.url, second.apiKey);
      expect(await settled(after, 4)).toEqual(Array.from({ length: 4 }, () => "delivered"));
      expect([...receiver.events].toSorted()).toEqual([
        "ADD Likes milk",
        "ADD Likes milk",
        "ADD Likes tea",
        "CATEGORIZE",
        "CATEGORIZE",
      ]);
    } finally {
      await second.close();
      rmSync(journalPath);
    }
  });
});
