import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Mem0Refused, Mem0Unanswered } from "../../src/mem0/errors.ts";
import { ping } from "../../src/mem0/ping.ts";
import type { Mem0 } from "../../src/mem0/request.ts";
import {
  canaryKey,
  failureOf,
  openClient,
  type ScriptedServer,
  startScriptedServer,
} from "./scripted-server.ts";

let server: ScriptedServer;
let mem0: Mem0;

beforeEach(async () => {
  server = await startScriptedServer();
  mem0 = openClient(server);
});

afterEach(async () => {
  await mem0.close();
  await server.close();
});

const good = { status: "ok", org_id: "org_1", project_id: "proj_1", user_email: "dev@example.com" };

describe("ping", () => {
  test("is GET /v1/ping/ with the key as a Token and without a body, and says what the key stands for", async () => {
    server.answer(200, { ...good, mem0_notice: "Claim your account" });
    expect(await ping(mem0)).toEqual({ orgId: "org_1", projectId: "proj_1", userEmail: "dev@example.com" });
    expect(server.seen).toHaveLength(1);
    expect(server.seen[0]).toMatchObject({ method: "GET", url: "/v1/ping/", body: "" });
    expect(server.seen[0]?.headers).toMatchObject({
      authorization: `Token ${canaryKey}`,
      accept: "application/json",
    });
    expect(server.seen[0]?.headers).not.toHaveProperty("content-type");
  });

  test("takes an answer without a status", async () => {
    server.answer(200, { ...good, status: undefined });
    expect(await ping(mem0)).toMatchObject({ orgId: "org_1" });
  });

  test("does not take a status that is not ok", async () => {
    server.answer(200, { ...good, status: "degraded" });
    expect(await failureOf(ping(mem0))).toBeInstanceOf(Mem0Unanswered);
  });

  test("does not take an answer that lacks a part of the identity", async () => {
    for (const part of ["org_id", "project_id", "user_email"]) {
      server.answer(200, { ...good, [part]: null });
      expect(await failureOf(ping(mem0))).toMatchObject({
        reason: "unexpected-body",
        mayHaveHappened: false,
      });
    }
  });

  test("is refused with Mem0's own words when the key is not valid", async () => {
    server.answer(401, { detail: "Invalid API key. You can find your API key on the dashboard." });
    const failure = await failureOf(ping(mem0));
    expect(failure).toBeInstanceOf(Mem0Refused);
    expect(failure).toMatchObject({
      status: 401,
      retryable: false,
      message: "Mem0 refused GET ping: 401 Invalid API key. You can find your API key on the dashboard.",
    });
  });
});
