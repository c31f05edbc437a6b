import { once } from "node:events";
import type { Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Mem0Unanswered } from "../../src/mem0/errors.ts";
import { createOrganization, listOrganizations } from "../../src/mem0/organizations.ts";
import type { Mem0 } from "../../src/mem0/request.ts";
import { failureOf, openClient, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";
import { startTcpServer } from "./tcp-server.ts";

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

describe("a call whose connection cannot be made", () => {
  test("has not happened when the port refuses", async () => {
    const tcp = await startTcpServer(() => undefined);
    tcp.server.close();
    await once(tcp.server, "close");
    const failure = await failureOf(create(open(server, { baseUrl: `http://127.0.0.1:${tcp.port}` })));
    expect(failure).toBeInstanceOf(Mem0Unanswered);
    expect(failure).toMatchObject({
      name: "Mem0Unanswered",
      reason: "connect",
      status: null,
      retryable: true,
      mayHaveHappened: false,
      method: "POST",
      path: "/api/v1/orgs/organizations/",
      message:
        "Mem0 did not answer POST organizations: no connection could be made, before the request left.",
      cause: { code: "ECONNREFUSED" },
    });
  });

  test("has not happened when connecting takes longer than connectTimeoutMs", async () => {
    // A server that never says a word of TLS: to the client, a connection that is never finished.
    const tcp = await startTcpServer(() => undefined);
    const client = open(server, { baseUrl: `https://127.0.0.1:${tcp.port}`, connectTimeoutMs: 50 });
    expect(await failureOf(create(client))).toMatchObject({
      reason: "connect",
      retryable: true,
      mayHaveHappened: false,
      cause: { code: "UND_ERR_CONNECT_TIMEOUT" },
    });
    tcp.server.close();
  });

  test("ends at once by its signal and by its time-out, has not happened, and does not hold up the closing", async () => {
    const abort = new AbortController();
    const sockets: Socket[] = [];
    const tcp = await startTcpServer((socket) => {
      sockets.push(socket);
      abort.abort();
    });
    const client = openClient(server, { baseUrl: `https://127.0.0.1:${tcp.port}`, connectTimeoutMs: 20_000 });
    const startedMs = performance.now();
    const { signal } = abort;
    expect(await failureOf(createOrganization(client, { name: "Acme" }, { signal }))).toMatchObject({
      reason: "aborted",
      mayHaveHappened: false,
    });
    expect(await failureOf(createOrganization(client, { name: "Acme" }, { timeoutMs: 30 }))).toMatchObject({
      reason: "timeout",
      mayHaveHappened: false,
    });
    await client.close();
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    for (const socket of sockets) socket.destroy();
    tcp.server.close();
  });
});

describe("a call whose connection breaks", () => {
  test("may have happened when the reset comes before the answer, and is not sent again", async () => {
    server.react((_response, socket) => socket.resetAndDestroy());
    expect(await failureOf(create())).toMatchObject({
      reason: "reset",
      status: null,
      retryable: true,
      mayHaveHappened: true,
      message: "Mem0 did not answer POST organizations: the connection broke, after the request had left.",
    });
    server.answer(201, created);
    await create();
    expect(server.seen).toHaveLength(2);
  });

  test("may have happened when a kept-alive connection is reset under it", async () => {
    const sockets: Socket[] = [];
    server.react((response, socket) => {
      sockets.push(socket);
      response.writeHead(201).end(JSON.stringify(created));
    });
    server.react((_response, socket) => {
      sockets.push(socket);
      socket.destroy();
    });
    await create();
    // Undici takes a connection for free again one turn of the event loop after the answer.
    await nextTurn();
    expect(await failureOf(create())).toMatchObject({
      reason: "reset",
      retryable: true,
      mayHaveHappened: true,
    });
    expect(sockets[1]).toBe(sockets[0]);
    expect(server.seen).toHaveLength(2);
  });

  test("may have happened when the answer breaks off in its body", async () => {
    server.react((response, socket) => {
      response.writeHead(201, { "content-length": "1000" });
      response.write('{"org_id":', () => socket.destroy());
    });
    expect(await failureOf(create())).toMatchObject({ reason: "reset", status: 201, mayHaveHappened: true });
  });

  test("may have happened when a chunked answer breaks off", async () => {
    server.react((response, socket) => {
      response.writeHead(201);
      response.write(JSON.stringify(created), () => socket.destroy());
    });
    expect(await failureOf(create())).toMatchObject({ reason: "reset", status: 201, mayHaveHappened: true });
  });

  test("has not happened when it is a GET, and a GET is not sent again either", async () => {
    server.react((_response, socket) => socket.resetAndDestroy());
    expect(await failureOf(listOrganizations(mem0))).toMatchObject({
      reason: "reset",
      mayHaveHappened: false,
    });
    expect(server.seen).toHaveLength(1);
  });
});

describe("a call whose time is up", () => {
  test("may have happened when no answer came", async () => {
    server.react(() => undefined);
    expect(await failureOf(createOrganization(mem0, { name: "Acme" }, { timeoutMs: 50 }))).toMatchObject({
      reason: "timeout",
      status: null,
      retryable: true,
      mayHaveHappened: true,
      message:
        "Mem0 did not answer POST organizations: no whole answer came within 50 ms, after the request had left.",
    });
  });

  test("may have happened when the body is slow, even if it never pauses", async () => {
    server.react((response, socket) => {
      response.writeHead(201, { "content-type": "application/json" });
      const drip = setInterval(() => response.write(" "), 5);
      socket.on("close", () => clearInterval(drip));
    });
    const client = open(server, { timeoutMs: 60 });
    expect(await failureOf(create(client))).toMatchObject({
      reason: "timeout",
      status: 201,
      mayHaveHappened: true,
    });
  });

  test("has not happened when it never got a connection, and then never leaves", async () => {
    const client = open(server, { connections: 1 });
    let release = (): void => undefined;
    server.react((response) => {
      release = () => void response.writeHead(201).end(JSON.stringify(created));
    });
    const first = create(client);
    await server.seenAtLeast(1);
    expect(await failureOf(createOrganization(client, { name: "second" }, { timeoutMs: 30 }))).toMatchObject({
      reason: "timeout",
      mayHaveHappened: false,
    });
    server.answer(201, { org_id: "org_3" });
    release();
    expect(await first).toEqual({ orgId: "org_1" });
    expect(await createOrganization(client, { name: "third" })).toEqual({ orgId: "org_3" });
    expect(server.seen.map(({ body }) => JSON.parse(body).name)).toEqual(["Acme", "third"]);
  });

  test("is a 408 too, with its status", async () => {
    server.answerText(408, "");
    expect(await failureOf(create())).toMatchObject({
      reason: "timeout",
      status: 408,
      retryable: true,
      mayHaveHappened: true,
      message: "Mem0 failed at POST organizations: 408 Request Timeout.",
    });
  });
});
