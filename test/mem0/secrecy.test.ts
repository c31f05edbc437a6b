import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { createOrganization, getOrganization } from "../../src/mem0/organizations.ts";
import { mem0Path } from "../../src/mem0/path.ts";
import { ping } from "../../src/mem0/ping.ts";
import { type Mem0, type Mem0Call, openMem0 } from "../../src/mem0/request.ts";
import {
  canaryKey,
  failureOf,
  openClient,
  type ScriptedServer,
  startScriptedServer,
} from "./scripted-server.ts";
import { startTcpServer } from "./tcp-server.ts";

let server: ScriptedServer;
let mem0: Mem0;
let calls: Mem0Call[];

beforeEach(async () => {
  server = await startScriptedServer();
  calls = [];
  mem0 = openClient(server, { onCall: (call) => calls.push(call) });
});

afterEach(async () => {
  await mem0.close();
  await server.close();
});

/** Everything that a log or a console could show of a value. */
function shown(value: unknown): string {
  const texts = [
    inspect(value, { depth: Number.POSITIVE_INFINITY, showHidden: true, getters: true }),
    String(value),
  ];
  texts.push(JSON.stringify(value) ?? "");
  if (value instanceof Error) texts.push(value.message, value.stack ?? "", shown(value.cause));
  return texts.join("\n");
}

/** Half of the key would be too much too. */
function expectNoKey(value: unknown): void {
  expect(shown(value)).not.toContain(canaryKey.slice(0, 12));
  expect(shown(value)).not.toContain(canaryKey.slice(-12));
}

const create = () => createOrganization(mem0, { name: "Acme" });

describe("the API key", () => {
  test("is sent, or else the rest of this file proves nothing", async () => {
    server.answer(200, { org_id: "o", project_id: "p", user_email: "e" });
    await ping(mem0);
    expect(server.seen[0]?.headers.authorization).toBe(`Token ${canaryKey}`);
  });

  test("is not shown by the client, before, during or after a call", async () => {
    expectNoKey(mem0);
    server.react((response) => {
      expectNoKey(mem0);
      response.writeHead(201).end('{"org_id":"org_1"}');
    });
    await create();
    expectNoKey(mem0);
    expectNoKey(calls);
  });

  test("is not shown by a refusal, wherever the upstream echoes it", async () => {
    const [start, end] = [canaryKey.slice(0, 20), canaryKey.slice(20)];
    const bodies = [
      { detail: `Bad token ${canaryKey}.` },
      { errors: { [canaryKey]: [`${canaryKey}${canaryKey}`] } },
      { detail: `control characters inside ${start}\u0000\u200b${end}` },
      { detail: `${"x".repeat(290)}${canaryKey} across the cut` },
      { detail: `${" ".repeat(5_000)}${"x".repeat(270)}${canaryKey} across the cut, after blanks` },
      { unknown: canaryKey },
      [canaryKey],
    ];
    for (const body of bodies) {
      for (const status of [401, 429, 500]) {
        server.answer(status, body);
        expectNoKey(await failureOf(create()));
        server.answerText(status, `<html><title>${canaryKey}</title>${canaryKey}</html>`);
        expectNoKey(await failureOf(create()));
        server.answerText(status, `Token ${canaryKey}`);
        expectNoKey(await failureOf(create()));
      }
    }
  });

  test("is not shown either when it is what stands behind the host of somebody's URL; Mem0's own pages are", async () => {
    server.answer(400, { url: ["https://hooks.test:8443/T00/secret-path?token=1 exists already."] });
    const failure = await failureOf(create());
    expect(failure).toMatchObject({ message: expect.stringContaining("https://hooks.test:8443/… exists") });
    expect(inspect(failure, { depth: null })).not.toContain("secret-path");
    server.answer(401, { detail: "See https://app.mem0.ai/dashboard/api-keys." });
    expect(await failureOf(create())).toMatchObject({
      message: expect.stringContaining("https://app.mem0.ai/dashboard/api-keys."),
    });
  });

  test("is not shown by an answer that cannot be used", async () => {
    server.answerText(200, `${canaryKey} is not JSON`);
    expectNoKey(await failureOf(create()));
    // The names of a record are in the path of what zod complains of.
    server.answer(200, { [canaryKey]: "not a number" });
    const path = mem0Path("/v1/ping/", {});
    const answer = z.record(z.string(), z.number());
    const failure = await failureOf(mem0.send({ method: "GET", path, answer, options: undefined }));
    expect(failure).toMatchObject({ message: expect.stringMatching(/expected shape: \[API key\]: /) });
    expectNoKey(failure);
  });

  test("is not shown by a failure of the connection", async () => {
    server.react((_response, socket) => socket.resetAndDestroy());
    expectNoKey(await failureOf(create()));
    server.react(() => undefined);
    expectNoKey(await failureOf(createOrganization(mem0, { name: "Acme" }, { timeoutMs: 30 })));
    server.react((response, socket, request) => {
      response.writeHead(200, { "content-length": "9999" });
      response.write(request.headers.authorization, () => socket.destroy());
    });
    expectNoKey(await failureOf(create()));
  });

  test("is not shown when a server that speaks no HTTP sends the request back", async () => {
    const echo = await startTcpServer((socket) => socket.on("data", (data) => socket.end(data)));
    const client = openMem0({ baseUrl: `http://127.0.0.1:${echo.port}`, apiKey: canaryKey });
    const failure = await failureOf(createOrganization(client, { name: "Acme" }));
    expect(failure).toMatchObject({ reason: "unexpected-body" });
    expectNoKey(failure);
    await client.close();
    echo.server.close();
  });

  test("is not shown when somebody takes it for an id", async () => {
    server.answer(404, { message: "Organization not found" });
    const failure = await failureOf(getOrganization(mem0, canaryKey));
    expect(failure).toMatchObject({
      message: "Mem0 refused GET organizations/[API key]: 404 Organization not found.",
    });
    expectNoKey(failure);
    expectNoKey(calls);
  });
});
