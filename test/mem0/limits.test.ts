import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Mem0Limited } from "../../src/mem0/errors.ts";
import { createOrganization } from "../../src/mem0/organizations.ts";
import type { Mem0 } from "../../src/mem0/request.ts";
import { failureOf, openClient, type ScriptedServer, startScriptedServer } from "./scripted-server.ts";

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

async function limitOf(body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Mem0Limited> {
  server.answer(429, body, headers);
  const failure = await failureOf(createOrganization(mem0, { name: "Acme" }));
  if (failure instanceof Mem0Limited) return failure;
  throw new Error("Another error was expected.", { cause: failure });
}

const quota = {
  error: "Usage quota exceeded for this billing period.",
  event_type: "SEARCH",
  quota_limit: 1000,
  quota_used: 1000,
  quota_reset: "2026-12-01T00:00:00+00:00",
};
const throttled = { detail: "Request was throttled. Expected available in 3 seconds." };

describe("a 429 with quota_reset", () => {
  test("is a spent quota: not retryable, with the date of its renewal", async () => {
    const limit = await limitOf(quota, { "retry-after": "3" });
    expect(limit).toMatchObject({
      name: "Mem0Limited",
      status: 429,
      retryable: false,
      mayHaveHappened: false,
      retryAfterMs: null,
      messages: [quota.error],
      message:
        "Mem0 limited POST organizations: the quota is spent until 2026-12-01T00:00:00.000Z, " +
        "429 Usage quota exceeded for this billing period.",
    });
    expect(limit.quotaResetAt).toEqual(new Date("2026-12-01T00:00:00Z"));
  });

  test("is a spent quota even if its date cannot be read", async () => {
    for (const quota_reset of [null, "soon", 17]) {
      const limit = await limitOf({ ...quota, quota_reset });
      expect(limit).toMatchObject({ retryable: false, quotaResetAt: null, retryAfterMs: null });
    }
  });
});

describe("any other 429", () => {
  test("is throttling: retryable, after as many seconds as Retry-After says", async () => {
    expect(await limitOf(throttled, { "retry-after": "3" })).toMatchObject({
      retryable: true,
      mayHaveHappened: false,
      retryAfterMs: 3_000,
      quotaResetAt: null,
      messages: [throttled.detail],
    });
  });

  test("reads a date in Retry-After by the upstream's clock, not by ours", async () => {
    const date = "Tue, 01 Jan 2030 00:00:00 GMT";
    const later = "Tue, 01 Jan 2030 00:01:30 GMT";
    expect(await limitOf(throttled, { date, "retry-after": later })).toMatchObject({ retryAfterMs: 90_000 });
    expect(await limitOf(throttled, { date: later, "retry-after": date })).toMatchObject({ retryAfterMs: 0 });
  });

  test("says null when Retry-After is absent or makes no sense", async () => {
    expect(await limitOf(throttled)).toMatchObject({ retryAfterMs: null, retryable: true });
    for (const nonsense of ["-1", "1.5", "soon", "9".repeat(30), ""]) {
      expect(await limitOf(throttled, { "retry-after": nonsense })).toMatchObject({ retryAfterMs: null });
    }
  });

  test("may have any body", async () => {
    server.answerText(429, "<html><title>Slow down</title></html>");
    expect(await failureOf(createOrganization(mem0, { name: "Acme" }))).toMatchObject({
      name: "Mem0Limited",
      retryable: true,
      messages: ["Slow down"],
    });
  });
});
