import { randomUUID } from "node:crypto";
import {
  type GraphQLInputType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from "graphql";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hiddenInputs, plainTexts } from "../../src/schema/auditable-input.ts";
import { schema } from "../../src/schema/schema.ts";
import { freshKey, offboard, settled, signUp, tenantOf } from "../main-job.ts";
import { place } from "../memory-access/key-rig.ts";
import { createWorld, type World } from "../world.ts";
import { tenantWithMemories } from "./memory-rig.ts";

let world: World;

beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world?.close());

/** A value that GraphQL takes for this type: every field is given, so that whatever an input can hold is there. */
function sampleOf(type: GraphQLInputType, secret: string, depth = 0): unknown {
  const named = getNullableType(type);
  if (isListType(named)) return [sampleOf(named.ofType, secret, depth)];
  if (isEnumType(named)) return named.getValues()[0]?.name;
  if (isInputObjectType(named)) {
    const fields = Object.values(named.getFields()).filter((field) => depth < 4 || isNonNullType(field.type));
    return Object.fromEntries(fields.map(({ name, type: of }) => [name, sampleOf(of, secret, depth + 1)]));
  }
  const values: Readonly<Record<string, unknown>> = {
    ...{ Int: 1, Float: 1, Boolean: true, DateTime: "2026-01-01T00:00:00.000Z", ID: "VGVuYW50OnRudF8x" },
    ...{ JSON: { [secret]: secret }, MetadataValue: secret },
  };
  return values[named.name] ?? secret;
}

const mutations = Object.values(schema.getMutationType()?.getFields() ?? {});

async function call(token: string, name: string, input: unknown) {
  const type = mutations.find((field) => field.name === name)?.args[0]?.type;
  const response = await fetch(`${world.url}/graphql`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({
      query: `mutation ($input: ${String(type)}) { ${name}(input: $input) { __typename } }`,
      variables: { input },
    }),
  });
  const body = (await response.json()) as {
    data?: Record<string, { __typename: string }> | null;
    errors?: { extensions?: { code?: string } }[];
  };
  return { body, requestId: response.headers.get("x-request-id") };
}

const eventsOf = (correlationId: string | null) =>
  world.prisma.auditEvent.findMany({
    where: { correlationId: correlationId ?? "none" },
    orderBy: { id: "asc" },
  });

async function auditor(): Promise<string> {
  const { createApiToken } = await world.send<{ createApiToken: { token: string } }>(
    `mutation { createApiToken(input: { kind: AUDITOR, label: "a", reason: "test" }) {
      ... on ApiTokenPayload { token } } }`,
  );
  return createApiToken.token;
}

describe("every mutation", () => {
  it.each(mutations.map(({ name }) => name))("leaves its trace whatever becomes of it: %s", async (name) => {
    const secret = `5ecret-${randomUUID()}`;
    const type = mutations.find((field) => field.name === name)?.args[0]?.type;
    if (type === undefined)
      throw new Error(`${name} takes no input, and this test does not know what to send.`);
    const { body, requestId } = await call(world.token, name, sampleOf(type, secret));
    expect(body.errors).toBeUndefined();
    const events = await eventsOf(requestId);
    expect(new Set(events.map(({ action }) => action))).toEqual(new Set([name]));
    // What got as far as Mem0 has one before, too.
    expect(events.filter(({ outcome }) => outcome !== "ASKED")).toHaveLength(1);
    expect(events[0]).toMatchObject({ actor: "admin", callId: expect.any(String) });
  });

  it("is audited when its scope refuses it, with what was asked for", async () => {
    const token = await auditor();
    for (const { name, args } of mutations) {
      const input = args[0] === undefined ? {} : sampleOf(args[0].type, "any");
      const { body, requestId } = await call(token, name, input);
      expect([name, body.errors?.[0]?.extensions?.code]).toEqual([name, "FORBIDDEN"]);
      const events = await eventsOf(requestId);
      expect(events).toMatchObject([
        { action: name, decision: "REFUSED", refusal: "FORBIDDEN", outcome: "NOT_DONE" },
      ]);
    }
  });

  it("keeps of its input no text but those that are listed, and no JSON", async () => {
    for (const { name, args } of mutations) {
      const type = args[0]?.type;
      if (type === undefined) continue;
      const { requestId } = await call(world.token, name, sampleOf(type, "5ecret-of-anybody"));
      for (const { details } of await eventsOf(requestId)) {
        for (const [field, value] of leavesOf(details)) {
          const isListed = plainTexts.has(field) || ownDetails.has(`${name}.${field}`);
          expect([name, field, isListed || !String(value).includes("5ecret")]).toEqual([name, field, true]);
        }
      }
    }
    for (const hidden of ["apiKey", "url", "text", "content", "metadata", "instructions", "contains"]) {
      expect(plainTexts).not.toContain(hidden);
    }
    expect([...hiddenInputs].every((input) => schema.getType(input) !== undefined)).toBe(true);
  });
});

/** What events that say more than the input hold of its texts besides: none of them is a secret. */
const ownDetails: ReadonlySet<string> = new Set([
  "createMem0Project.description",
  "updateMem0Project.description",
]);

/** Every value that is no object, by the nearest name above it. */
function leavesOf(value: unknown, name = ""): (readonly [string, unknown])[] {
  if (value === null || typeof value !== "object") return [[name, value]];
  if (Array.isArray(value)) return value.flatMap((item) => leavesOf(item, name));
  return Object.entries(value).flatMap(([key, item]) => leavesOf(item, key));
}

describe("an event", () => {
  it("of a sign-up is in its transaction, says what was asked for with masked e-mails, and a repeat says so", async () => {
    const input = {
      ...{ key: "audited", idempotencyKey: freshKey() },
      members: [{ email: "ada.lovelace@acme.test", role: "READER" }],
      webhooks: [{ url: "https://acme.test/5ecret-path", eventTypes: ["MEMORY_ADD"] }],
    };
    const { operation } = await signUp(world, input);
    expect((await signUp(world, input)).operation?.id).toBe(operation?.id);
    const events = await world.prisma.auditEvent.findMany({
      where: { action: "signUpTenant", tenantId: { not: null } },
      orderBy: { id: "asc" },
    });
    const tenantId = Buffer.from((await tenantOf(world, "audited")).id, "base64")
      .toString()
      .split(":")[1];
    const operationId = Buffer.from(operation?.id ?? "", "base64")
      .toString()
      .split(":")[1];
    const ours = events.filter((event) => event.tenantId === tenantId);
    expect(ours).toMatchObject([
      { decision: "ALLOWED", outcome: "DONE", tenantId, operationId, actor: "admin" },
      { decision: "ALLOWED", outcome: "REPEATED", tenantId, operationId, actor: "admin" },
    ]);
    expect(ours[0]?.details).toMatchObject({
      ...{
        key: "audited",
        members: [{ email: expect.stringMatching(/^a…@acme\.test \([0-9a-f]{8}\)$/), role: "READER" }],
      },
      webhooks: [{ url: "[29 characters]", eventTypes: ["MEMORY_ADD"] }],
    });
    expect(JSON.stringify(events)).not.toContain("lovelace");
    expect(JSON.stringify(events)).not.toContain("5ecret-path");
  });

  it("of one winner is there once when ten sign the same key up at once, and nine say that they were refused", async () => {
    await Promise.all(Array.from({ length: 10 }, () => signUp(world, { key: "raced" })));
    const { id } = await tenantOf(world, "raced");
    const tenantId = Buffer.from(id, "base64").toString().split(":")[1] ?? "";
    const events = await world.prisma.auditEvent.findMany({ where: { tenantId, action: "signUpTenant" } });
    expect(events.filter(({ outcome }) => outcome === "DONE")).toHaveLength(1);
    expect(events.filter(({ refusal }) => refusal === "TENANT_KEY_TAKEN")).toHaveLength(9);
    expect(events).toHaveLength(10);
  });

  it("of an off-boarding is in its transaction, and of ten at once one says that it was started", async () => {
    await signUp(world, { key: "leaving" });
    const { id } = await settled(world, "leaving");
    const idempotencyKey = freshKey();
    await Promise.all(Array.from({ length: 10 }, () => offboard(world, { key: "leaving", idempotencyKey })));
    const tenantId = Buffer.from(id, "base64").toString().split(":")[1] ?? "";
    const events = await world.prisma.auditEvent.findMany({ where: { tenantId, action: "offboardTenant" } });
    expect(events.map(({ outcome }) => String(outcome)).toSorted()).toEqual([
      "DONE",
      ...Array.from({ length: 9 }, () => "REPEATED"),
    ]);
  });

  it("of a memory write is there before the call, and another after it says what came of it", async () => {
    const tenant = await tenantWithMemories(world);
    const input = {
      ...{ tenantKey: tenant.key, userId: "ada", infer: false },
      messages: [{ role: "USER", content: "5ecret memory" }],
    };
    const { requestId } = await call(world.token, "addMemories", input);
    const events = await eventsOf(requestId);
    expect(events).toMatchObject([
      { outcome: "ASKED", tenantId: tenant.tenantId, details: { userId: "#fdee430d", messages: "[1 item]" } },
      { outcome: "DONE", tenantId: tenant.tenantId, callId: events[0]?.callId },
    ]);
    expect(JSON.stringify(events)).not.toContain("5ecret");
  });

  it.each([
    ["fail-500", "UNKNOWN"],
    ["do-then-drop", "UNKNOWN"],
  ] as const)("of a memory write that Mem0 did not answer (%s) says %s", async (kind, outcome) => {
    const tenant = await tenantWithMemories(world);
    await world.emulator.failNext({ match: { path: "/v3/memories/add/" }, fault: { kind } });
    const messages = [{ role: "USER", content: "any" }];
    const { requestId } = await call(world.token, "addMemories", {
      ...{ tenantKey: tenant.key, userId: "ada", messages },
    });
    const events = await eventsOf(requestId);
    expect(events.map((event) => event.outcome)).toEqual(["ASKED", outcome]);
    expect(events[1]?.details).toEqual({ error: "Mem0Unanswered" });
  });

  it("of a memory write through a closed door says that it was refused, and none that it was asked of Mem0", async () => {
    const { key, tenantId } = await place(world);
    const input = { tenantKey: key, memoryId: "TWVtb3J5OmFueQ==", feedback: "POSITIVE" };
    const { requestId } = await call(world.token, "giveMemoryFeedback", input);
    expect(await eventsOf(requestId)).toMatchObject([
      { decision: "REFUSED", refusal: "MEMORY_ACCESS_MISSING", outcome: "NOT_DONE", tenantId },
    ]);
  });
});

interface EventsAnswer {
  readonly auditEvents: {
    readonly edges: readonly {
      readonly cursor: string;
      readonly node: { readonly action: string; readonly at: string };
    }[];
    readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
  };
}

/** The page of a list of events. */
async function list(args: string, variables: object = {}, declarations = "") {
  const { auditEvents } = await world.send<EventsAnswer>(
    `query ${declarations} { auditEvents(${args}) { edges { cursor node {
      id at actor action decision outcome refusal reason tenantId operationId callId correlationId details { name value } } }
      pageInfo { hasNextPage endCursor } } }`,
    variables,
  );
  return { ...auditEvents, nodes: auditEvents.edges.map(({ node }) => node) };
}

describe("auditEvents", () => {
  it("answers all events once over pages, the newest first, forwards as backwards", async () => {
    const all = await world.prisma.auditEvent.findMany({ orderBy: [{ at: "desc" }, { id: "desc" }] });
    const expected = all.map(({ action, at }) => `${action} ${at.toISOString()}`);
    const seen: string[] = [];
    for (let after: string | null = ""; after !== null; ) {
      const page = await list(`first: 40${after === "" ? "" : `, after: "${after}"`}`);
      seen.push(...page.nodes.map(({ action, at }) => `${action} ${at}`));
      after = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    }
    expect(seen).toEqual(expected);
    const last = await list("last: 5");
    expect(last.nodes.map(({ action, at }) => `${action} ${at}`)).toEqual(expected.slice(-5));
  });

  it("filters by who, what, decision, tenant and time", async () => {
    await signUp(world, { key: "filtered" });
    const { id } = await tenantOf(world, "filtered");
    const [event] = (await list('filter: { tenantKey: "filtered" }')).nodes;
    expect(event).toMatchObject({
      action: "signUpTenant",
      tenantId: id,
      decision: "ALLOWED",
      outcome: "DONE",
    });
    expect((await list('filter: { action: "signUpTenant", decision: REFUSED }, first: 100')).nodes).toSatisfy(
      (nodes: readonly { action: string; refusal?: string | null }[]) =>
        nodes.length > 0 &&
        nodes.every(({ action, refusal }) => action === "signUpTenant" && refusal !== null),
    );
    expect((await list('filter: { actor: "nobody" }')).nodes).toEqual([]);
    expect((await list('filter: { tenantKey: "nobody" }')).nodes).toEqual([]);
    const at = event?.at;
    const since = (await list("filter: { since: $at }", { at }, "($at: DateTime)")).nodes;
    expect(since.length).toBeGreaterThan(0);
    expect(since.every((one) => one.at >= String(at))).toBe(true);
    const until = (await list("filter: { until: $at }, first: 100", { at }, "($at: DateTime)")).nodes;
    expect(until.length).toBeGreaterThan(0);
    expect(until.every((one) => one.at < String(at))).toBe(true);
  });

  it("takes no cursor of another list, and looks for no text that cannot be there", async () => {
    const foreign = Buffer.from("tenant:tnt_01jd0000000000000000000000").toString("base64url");
    await expect(list(`after: "${foreign}"`)).rejects.toMatchObject({
      response: { errors: [{ extensions: { code: "BAD_CURSOR" } }] },
    });
    expect(
      (await list("filter: { actor: $actor }", { actor: "a\u0000b" }, "($actor: String)")).nodes,
    ).toEqual([]);
  });
});
