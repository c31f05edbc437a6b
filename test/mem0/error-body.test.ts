import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Mem0Refused } from "../../src/mem0/errors.ts";
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

async function refusalOf(status: number, body: unknown): Promise<Mem0Refused> {
  if (typeof body === "string") server.answerText(status, body);
  else server.answer(status, body);
  const failure = await failureOf(createOrganization(mem0, { name: "Acme" }));
  if (failure instanceof Mem0Refused) return failure;
  throw new Error("Another error was expected.", { cause: failure });
}

interface Shape {
  readonly shape: string;
  readonly body: unknown;
  readonly messages: readonly string[];
  readonly fields: Readonly<Record<string, readonly string[]>>;
  readonly said: string;
}

const shapes: readonly Shape[] = [
  {
    shape: "detail",
    body: { detail: "Not found." },
    messages: ["Not found."],
    fields: {},
    said: "Not found.",
  },
  { shape: "error", body: { error: "No access" }, messages: ["No access"], fields: {}, said: "No access." },
  {
    shape: "error with details",
    body: { error: "400 Bad Request", details: { message: "One filter is required" } },
    messages: ["400 Bad Request", "One filter is required"],
    fields: {},
    said: "400 Bad Request One filter is required.",
  },
  {
    shape: "message, beside an attribute",
    body: { message: "Unauthorized", code: "denied", mem0_notice: ["Claim me"] },
    messages: ["Unauthorized"],
    fields: {},
    said: "Unauthorized.",
  },
  {
    shape: "errors by field",
    body: { errors: { name: ["This field is required."], role: "Bad role" } },
    messages: ["This field is required.", "Bad role"],
    fields: { name: ["This field is required."], role: ["Bad role"] },
    said: "name: This field is required. role: Bad role.",
  },
  {
    shape: "bare fields, nested",
    body: { name: ["Too long", "Too odd"], event_types: { 0: ["Not a valid choice."] } },
    messages: ["Not a valid choice.", "Too long", "Too odd"],
    fields: { name: ["Too long", "Too odd"], "event_types.0": ["Not a valid choice."] },
    said: "",
  },
  { shape: "bare array", body: ["One", "Two"], messages: ["One", "Two"], fields: {}, said: "One Two." },
  {
    shape: "HTML with a title",
    body: "<!doctype html><html><head><title> Page not\nfound </title></head><body>x</body></html>",
    messages: ["Page not found"],
    fields: {},
    said: "Page not found.",
  },
  { shape: "HTML without a title", body: "<h1>Gone</h1>", messages: ["Gone"], fields: {}, said: "Gone." },
  {
    shape: "plain text",
    body: "no such thing",
    messages: ["no such thing"],
    fields: {},
    said: "no such thing.",
  },
  { shape: "empty", body: "", messages: [], fields: {}, said: "Bad Request." },
  { shape: "JSON string", body: '"nope"', messages: ["nope"], fields: {}, said: "nope." },
  {
    shape: "a JSON object of an unknown shape",
    body: { msg: "nope" },
    messages: ['{"msg":"nope"}'],
    fields: {},
    said: '{"msg":"nope"}.',
  },
];

describe("an error body", () => {
  test.each(shapes)("in the shape $shape gives up its texts", async ({ body, messages, fields, said }) => {
    const refusal = await refusalOf(400, body);
    expect([...refusal.messages].sort()).toEqual([...messages].sort());
    expect(refusal.fields).toEqual(fields);
    if (said !== "") expect(refusal.message).toBe(`Mem0 refused POST organizations: 400 ${said}`);
  });

  test("that names a field as JavaScript names the prototype keeps it a field", async () => {
    const refusal = await refusalOf(400, '{"__proto__":["odd"]}');
    expect(Object.entries(refusal.fields)).toEqual([["__proto__", ["odd"]]]);
  });

  test("of absurd depth or length is read in bounds", async () => {
    const deep = await refusalOf(400, `${'{"a":'.repeat(20_000)}["deep"]${"}".repeat(20_000)}`);
    expect(deep.fields).toEqual({});
    expect(deep.messages).toHaveLength(1);
    const many = await refusalOf(
      400,
      Array.from({ length: 1_000 }, () => "again"),
    );
    expect(many.messages).toHaveLength(50);
  });

  test("is cut to 300 characters in the message, on one line and without control characters", async () => {
    const refusal = await refusalOf(400, { detail: `a\u0000\u001b[31m\r\n\u202eb ${"x".repeat(10_000)}` });
    expect(refusal.message.length).toBeLessThan(350);
    expect(refusal.message).toMatch(/^Mem0 refused POST organizations: 400 a\[31m b x+…$/);
    for (const text of refusal.messages) expect(text.length).toBeLessThanOrEqual(300);
  });

  test("does not change that any 4xx but 408 and 429 is a refusal", async () => {
    for (const status of [400, 401, 403, 404, 405, 409, 413, 418, 422]) {
      const refusal = await refusalOf(status, { detail: "No" });
      expect(refusal).toMatchObject({
        name: "Mem0Refused",
        status,
        retryable: false,
        mayHaveHappened: false,
        method: "POST",
        path: "/api/v1/orgs/organizations/",
      });
    }
  });
});
