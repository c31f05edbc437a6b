import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Mem0Unanswered } from "../../src/mem0/errors.ts";
import { createOrganization } from "../../src/mem0/organizations.ts";
import type { Mem0, Mem0Call, Mem0Options } from "../../src/mem0/request.ts";
import { failureOf, openClient, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";

let server: ScriptedServer;
let clients: Mem0[];

beforeEach(async () => {
  server = await startScriptedServer();
  clients = [];
});

afterEach(async () => {
  await Promise.all(clients.map((client) => client.close()));
  await server.close();
});

const bounds = { failuresInARow: 3, probeAfterMs: 60, probeAfterMaxMs: 200 };

function open(options: Partial<Mem0Options> = {}): Mem0 {
  const client = openClient(server, { breaker: bounds, ...options });
  clients.push(client);
  return client;
}

const created = { org_id: "org_1" };
const create = (client: Mem0, options = {}) => createOrganization(client, { name: "Acme" }, options);

async function fail(client: Mem0, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    server.answer(500, { detail: "Away" });
    expect(await failureOf(create(client))).toMatchObject({ reason: "server-error" });
  }
}

/** A call that is expected not to be made; answers what it is told. */
async function stopped(client: Mem0): Promise<{ retryAfterMs: number }> {
  const failure = await failureOf(create(client));
  if (failure instanceof Mem0Unanswered && failure.reason === "circuit-open") {
    return { retryAfterMs: failure.retryAfterMs ?? Number.NaN };
  }
  throw new Error("The call was expected to be stopped.", { cause: failure });
}

/** Waits until the next probe may be sent. */
async function untilProbe(client: Mem0): Promise<void> {
  await sleep((await stopped(client)).retryAfterMs + 1);
}

describe("the circuit of an origin", () => {
  test("opens after failures in a row: then a call fails at once, was never sent, and says when to ask again", async () => {
    const calls: Mem0Call[] = [];
    const client = open({ onCall: (call) => calls.push(call) });
    await fail(client, 3);
    const failure = await failureOf(create(client));
    expect(failure).toMatchObject({
      name: "Mem0Unanswered",
      reason: "circuit-open",
      status: null,
      retryable: true,
      mayHaveHappened: false,
    });
    const { retryAfterMs } = await stopped(client);
    expect(retryAfterMs).toBeGreaterThanOrEqual(1);
    expect(retryAfterMs).toBeLessThanOrEqual(60);
    expect(server.seen).toHaveLength(3);
    expect(calls.map(({ hasLeft }) => hasLeft)).toEqual([true, true, true, false, false]);
  });

  test("counts connections refused, broken and silent", async () => {
    const client = open({ timeoutMs: 150 });
    server.react((_response, socket) => socket.destroy());
    server.react(() => {});
    expect(await failureOf(create(client))).toMatchObject({ reason: "reset" });
    expect(await failureOf(create(client))).toMatchObject({ reason: "timeout" });
    await fail(client, 1);
    await stopped(client);

    const nobody = open({ baseUrl: "http://127.0.0.1:1" });
    for (const _ of [1, 2, 3]) expect(await failureOf(create(nobody))).toMatchObject({ reason: "connect" });
    await stopped(nobody);
  });

  test.each([
    ["a refusal", 404, { message: "Organization not found" }],
    ["throttling", 429, { detail: "Request was throttled." }],
    ["a spent quota", 429, { error: "Quota", quota_reset: "2030-01-01T00:00:00Z" }],
    ["a success", 201, created],
    ["an answer of another shape", 200, { nothing: true }],
  ])("stays closed where %s comes in between: the origin is alive", async (_, status, body) => {
    const client = open();
    for (const __ of [1, 2, 3]) {
      await fail(client, 2);
      server.answer(status, body);
      await create(client).catch(() => {});
    }
    expect(server.seen).toHaveLength(9);
  });

  test("does not count what the caller broke off", async () => {
    const client = open();
    await fail(client, 2);
    for (const _ of [1, 2, 3]) {
      const failure = await failureOf(create(client, { signal: AbortSignal.abort() }));
      expect(failure).toMatchObject({ reason: "aborted" });
    }
    await fail(client, 1);
    await stopped(client);
  });

  test("lets one probe through when its time has come, whoever else asks; a success closes it", async () => {
    const client = open();
    await fail(client, 3);
    await untilProbe(client);
    let held: ServerResponse | undefined;
    server.react((response) => {
      held = response;
    });
    const probe = create(client);
    await server.seenAtLeast(4);
    const others = await Promise.all([1, 2, 3, 4, 5].map(() => stopped(client)));
    expect(others.every(({ retryAfterMs }) => retryAfterMs === 60)).toBe(true);
    expect(server.seen).toHaveLength(4);
    held?.writeHead(201).end(JSON.stringify(created));
    expect(await probe).toEqual({ orgId: "org_1" });
    server.answer(201, created);
    expect(await create(client)).toEqual({ orgId: "org_1" });
  });

  test("is closed by a probe that is refused", async () => {
    const client = open();
    await fail(client, 3);
    await untilProbe(client);
    server.answer(404, { message: "Organization not found" });
    expect(await failureOf(create(client))).toMatchObject({ status: 404 });
    await fail(client, 1);
  });

  test("stays open twice as long after each probe that fails, up to a bound, and as long as at first once it was closed", async () => {
    const client = open();
    await fail(client, 3);
    for (const [least, most] of [
      [60, 120],
      [120, 200],
      [120, 200],
    ] as const) {
      await untilProbe(client);
      await fail(client, 1);
      const { retryAfterMs } = await stopped(client);
      expect(retryAfterMs).toBeGreaterThan(least);
      expect(retryAfterMs).toBeLessThanOrEqual(most);
    }
    await untilProbe(client);
    server.answer(201, created);
    await create(client);
    await fail(client, 3);
    expect((await stopped(client)).retryAfterMs).toBeLessThanOrEqual(60);
  });

  test("is not closed by a probe that the caller broke off", async () => {
    const client = open();
    await fail(client, 3);
    await untilProbe(client);
    expect(await failureOf(create(client, { signal: AbortSignal.abort() }))).toMatchObject({
      reason: "aborted",
    });
    await stopped(client);
  });

  test("is not opened again by what was sent before it opened", async () => {
    const client = open({ breaker: { ...bounds, failuresInARow: 1 } });
    let destroy = () => {};
    server.react((_response, socket) => {
      destroy = () => void socket.destroy();
    });
    const late = failureOf(create(client));
    await server.seenAtLeast(1);
    await fail(client, 1);
    await untilProbe(client);
    server.answer(201, created);
    await create(client);
    destroy();
    expect(await late).toMatchObject({ reason: "reset" });
    server.answer(201, created);
    expect(await create(client)).toEqual({ orgId: "org_1" });
  });

  test("is each client's own, and none where it is turned off", async () => {
    const [one, other, without] = [open(), open(), open({ breaker: false })];
    await fail(one, 3);
    await stopped(one);
    server.answer(201, created);
    await create(other);
    await fail(without, 12);
  });

  test("opens after 10 failures by default", async () => {
    const client = openClient(server);
    clients.push(client);
    await fail(client, 10);
    expect((await stopped(client)).retryAfterMs).toBeGreaterThan(4_000);
    expect(server.seen).toHaveLength(10);
  });

  test("refuses senseless numbers", () => {
    for (const name of ["failuresInARow", "probeAfterMs", "probeAfterMaxMs"]) {
      for (const value of [0, -1, 1.5, Number.NaN]) {
        expect(() => open({ breaker: { [name]: value } })).toThrow(RangeError);
      }
    }
  });
});
