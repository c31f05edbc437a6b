import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Mem0Refused } from "../../src/mem0/errors.ts";
import { createOrganization, deleteOrganization, listOrganizations } from "../../src/mem0/organizations.ts";
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

describe("an answer that cannot be used", () => {
  test("is a server error for any 5xx, HTML or not, and may have happened", async () => {
    server.answerText(502, "<html><title>502 Bad Gateway</title></html>", { "content-type": "text/html" });
    expect(await failureOf(create())).toMatchObject({
      reason: "server-error",
      status: 502,
      retryable: true,
      mayHaveHappened: true,
      message: "Mem0 failed at POST organizations: 502 502 Bad Gateway.",
    });
    for (const status of [500, 501, 503, 504, 520]) {
      server.answer(status, { error: "boom" });
      expect(await failureOf(deleteOrganization(mem0, "org_1"))).toMatchObject({
        reason: "server-error",
        status,
      });
    }
    server.answerText(500, "");
    expect(await failureOf(listOrganizations(mem0))).toMatchObject({
      reason: "server-error",
      mayHaveHappened: false,
    });
  });

  test("is a 2xx that is not JSON", async () => {
    server.answerText(200, "<html>Welcome to the hotel</html>");
    expect(await failureOf(create())).toMatchObject({
      name: "Mem0Unanswered",
      reason: "unexpected-body",
      status: 200,
      retryable: true,
      mayHaveHappened: true,
    });
  });

  test("is a 2xx of another shape, and the message says which field", async () => {
    server.answer(201, { id: "org_1" });
    expect(await failureOf(create())).toMatchObject({
      reason: "unexpected-body",
      status: 201,
      mayHaveHappened: true,
      message: expect.stringMatching(
        /^Mem0 answered POST organizations with 201, but the body is not in the expected shape: org_id: /,
      ),
    });
    server.answer(200, ["done"]);
    expect(await failureOf(deleteOrganization(mem0, "org_1"))).toMatchObject({ reason: "unexpected-body" });
  });

  test("is an empty body where something was to be answered", async () => {
    server.answerText(201, "");
    expect(await failureOf(create())).toMatchObject({ reason: "unexpected-body", mayHaveHappened: true });
  });

  test("is a body larger than bodyBytesMax by one byte, announced or not", async () => {
    const body = JSON.stringify(created);
    const client = open(server, { bodyBytesMax: body.length });
    server.answerText(201, body, { "content-length": String(body.length) });
    expect(await create(client)).toEqual({ orgId: "org_1" });
    server.answerText(201, `${body} `);
    expect(await failureOf(create(client))).toMatchObject({
      reason: "unexpected-body",
      status: 201,
      retryable: true,
      mayHaveHappened: true,
    });
  });

  test("is an endless body, and its connection is closed", async () => {
    const client = open(server, { bodyBytesMax: 10_000 });
    const closed = new Promise((resolve) =>
      server.react((response, socket) => {
        response.writeHead(200);
        const flood = setInterval(() => response.write("x".repeat(1_000)), 1);
        socket.on("close", () => {
          clearInterval(flood);
          resolve(null);
        });
      }),
    );
    expect(await failureOf(listOrganizations(client))).toMatchObject({
      reason: "unexpected-body",
      mayHaveHappened: false,
    });
    await closed;
  });

  test("is what is not HTTP", async () => {
    const tcp = await startTcpServer((socket) =>
      socket.on("data", () => socket.end("I speak no HTTP\r\n\r\n")),
    );
    const client = open(server, { baseUrl: `http://127.0.0.1:${tcp.port}` });
    expect(await failureOf(create(client))).toMatchObject({
      reason: "unexpected-body",
      mayHaveHappened: true,
    });
    tcp.server.close();
  });
});

describe("a redirect", () => {
  test("is refused and never followed, by GET or by POST", async () => {
    for (const call of [create, listOrganizations]) {
      server.answerText(301, "", { location: `${server.baseUrl}/elsewhere/` });
      const failure = await failureOf(call(mem0));
      expect(failure).toBeInstanceOf(Mem0Refused);
      expect(failure).toMatchObject({ status: 301, retryable: false, mayHaveHappened: false, messages: [] });
    }
    expect(server.seen.map(({ url }) => url)).not.toContain("/elsewhere/");
    expect(server.seen).toHaveLength(2);
  });
});
