import { getEventListeners } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createOrganization } from "../../src/mem0/organizations.ts";
import type { Mem0 } from "../../src/mem0/request.ts";
import { failureOf, openClient, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";

let server: ScriptedServer;
let mem0: Mem0;
let others: Mem0[];

beforeEach(async () => {
  server = await startScriptedServer();
  mem0 = openClient(server);
  others = [];
});

afterEach(async () => {
  await Promise.all([mem0, ...others].map((client) => client.close()));
  await server.close();
});

/** Another client, closed after the test. */
function open(...args: Parameters<typeof openClient>): Mem0 {
  const client = openClient(...args);
  others.push(client);
  return client;
}

const create = (client: Mem0 = mem0) => createOrganization(client, { name: "Acme" });
const created = { org_id: "org_1" };

describe("a call that its caller aborts", () => {
  test("does not reach Mem0 when the signal was aborted before", async () => {
    const signal = AbortSignal.abort(new Error("stop"));
    expect(await failureOf(createOrganization(mem0, { name: "Acme" }, { signal }))).toMatchObject({
      reason: "aborted",
      retryable: false,
      mayHaveHappened: false,
      cause: { message: "stop" },
    });
    expect(server.seen).toEqual([]);
  });

  test("may have happened when it had left, and its connection is closed at once", async () => {
    const abort = new AbortController();
    const closed = new Promise((resolve) => server.react((_response, socket) => socket.on("close", resolve)));
    const failure = failureOf(createOrganization(mem0, { name: "Acme" }, { signal: abort.signal }));
    await server.seenAtLeast(1);
    abort.abort();
    expect(await failure).toMatchObject({ reason: "aborted", retryable: false, mayHaveHappened: true });
    await closed;
  });

  test("is aborted in the midst of the body too", async () => {
    const abort = new AbortController();
    server.react((response) => {
      response.writeHead(201, { "content-length": "1000" });
      response.write("{", () => abort.abort());
    });
    expect(
      await failureOf(createOrganization(mem0, { name: "Acme" }, { signal: abort.signal })),
    ).toMatchObject({
      reason: "aborted",
      mayHaveHappened: true,
    });
  });

  test("never leaves when it was still waiting for a connection", async () => {
    const client = open(server, { connections: 1 });
    let release = (): void => undefined;
    server.react((response) => {
      release = () => void response.writeHead(201).end(JSON.stringify(created));
    });
    const first = create(client);
    await server.seenAtLeast(1);
    const abort = new AbortController();
    const failure = failureOf(createOrganization(client, { name: "second" }, { signal: abort.signal }));
    abort.abort();
    expect(await failure).toMatchObject({ reason: "aborted", mayHaveHappened: false });
    release();
    await first;
    server.answer(201, created);
    await createOrganization(client, { name: "third" });
    expect(server.seen.map(({ body }) => JSON.parse(body).name)).toEqual(["Acme", "third"]);
  });

  test("leaves nothing behind on a signal that outlives it", async () => {
    const abort = new AbortController();
    server.answer(201, created);
    server.answer(400, { detail: "No" });
    await createOrganization(mem0, { name: "Acme" }, { signal: abort.signal });
    await failureOf(createOrganization(mem0, { name: "Acme" }, { signal: abort.signal }));
    expect(getEventListeners(abort.signal, "abort")).toEqual([]);
  });
});
