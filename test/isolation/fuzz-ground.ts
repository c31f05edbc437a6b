import pino from "pino";
import { Pool } from "undici";
import { loadGraphiql } from "../../src/graphiql/page.ts";
import { createGraphqlEndpoint } from "../../src/graphql-endpoint.ts";
import { listen } from "../../src/server.ts";
import { newId } from "../../src/tenants/ids.ts";
import { newToken, sendAs } from "../access/token-rig.ts";
import type { TestCluster } from "../global-setup.ts";
import { freshKey, until } from "../main-job.ts";
import { attachNew, type Placed } from "../memory-access/key-rig.ts";
import { createWorld, type World } from "../world.ts";
import type { FuzzDocument } from "./fuzz-places.ts";
import type { Names } from "./memory-calls.ts";
import { rowsOf } from "./rig.ts";

/** Two tenants of the same shape, tokens of every kind for each, and the API as it is outside of development. */

/** The kinds of callers that try. */
export const askers = ["rw", "ro", "entity", "provisioner", "offboarder"] as const;

/** One of `askers`. */
export type Asker = (typeof askers)[number];

/** One of the two, and all that has a name of it. */
export interface Side extends Placed {
  readonly name: string;
  readonly tag: string;
  readonly apiKey: string;
  readonly names: Names;
  /** Ids of the control plane, by the type of what they are of. */
  readonly ids: Readonly<Record<"Tenant" | "Operation" | "Resource" | "ProjectKey" | "ApiToken", string>>;
  readonly idempotencyKey: string;
  readonly actor: string;
  readonly tokens: Readonly<Record<Asker, string>>;
  /** Of every list that has cursors, one. */
  readonly cursors: Readonly<Record<string, string>>;
  /** A memory of somebody who is not the entity of the token of one entity. */
  readonly siblingMemory: string;
}

/** Where tries are made. */
export interface FuzzGround {
  readonly world: World;
  readonly sides: readonly [Side, Side];
  /**
   * The tenants that try to change something, one on each side. They write down the other's names in their own project, where those
   * who read would find them again.
   */
  readonly scribes: readonly [Side, Side];
  /** What is of the installation, which none of the callers may see. */
  readonly installation: Readonly<Record<"Mem0Account" | "Unaccounted", string>>;
  /** Sends a document, and answers the status and the body as they came. */
  ask(token: string, document: FuzzDocument): Promise<string>;
  close(): Promise<void>;
}

/** Requests under way at once, at most. */
export const inFlightMax = 24;
const answerTimeoutMs = 60_000;

/** Makes it. Without a cluster it is in the one of the run of the tests. */
export async function openFuzzGround(cluster?: TestCluster): Promise<FuzzGround> {
  const world = await createWorld(cluster === undefined ? {} : { cluster });
  // A Mem0 that lets whoever knows an id have the memory: all that keeps the two apart is ours.
  await world.emulator.setSwitches({ foreignMemories: "reachable" });
  const server = await serveFuzz(world);
  const pool = new Pool(server.url, { connections: inFlightMax, bodyTimeout: answerTimeoutMs });
  const sides = [await makeSide(world), await makeSide(world)] as const;
  const scribes = [await makeSide(world), await makeSide(world)] as const;
  const account = await world.prisma.mem0Account.findFirstOrThrow({ where: { role: "PLATFORM" } });
  const unaccounted = newId("una");
  await world.prisma.$executeRaw`
    INSERT INTO unaccounted (id, kind, upstream_id, name, reason, created_at)
    VALUES (${unaccounted}, 'ORGANIZATION', 'org-nobody', 'nobody', 'A test.', now())`;
  return {
    world,
    ...{ sides, scribes },
    installation: { Mem0Account: account.id, Unaccounted: unaccounted },
    ask: async (token, { query, variables }) => {
      const { statusCode, body } = await pool.request({
        method: "POST",
        path: "/graphql",
        headers: {
          ...{ authorization: `Bearer ${token}`, "content-type": "application/json" },
          accept: query.startsWith("subscription") ? "text/event-stream" : "application/json",
        },
        body: JSON.stringify({ query, variables }),
      });
      return `${statusCode} ${await body.text()}`;
    },
    close: async () => {
      await pool.destroy();
      await server.close(100);
      await world.close();
    },
  };
}

/** As it is in earnest, but for how much one caller may ask. */
async function serveFuzz(world: World) {
  const { prisma, provisioning, engine, watch, door, projectKeys, apiTokens, authenticate } = world;
  const log = pino({ level: process.env["TEST_LOG_LEVEL"] ?? "silent" });
  const doorOptions = { isDevelopment: false, ratePerMinute: 1_000_000_000, concurrencyMax: 1_000 };
  const server = await listen("127.0.0.1", 0, log);
  const parts = { prisma, provisioning, engine, watch, door, projectKeys, apiTokens };
  server.serve({
    api: {
      graphql: createGraphqlEndpoint(parts, log, doorOptions),
      graphiql: loadGraphiql({ endpoint: "/graphql", title: "Loci", presets: [] }),
      authenticate,
      door: doorOptions,
    },
    whyNotReady: async () => null,
  });
  return server;
}

let sidesMade = 0;

async function makeSide(world: World): Promise<Side> {
  sidesMade += 1;
  const tag = `Zq${sidesMade}x${crypto.randomUUID().slice(0, 8)}`;
  const [key, idempotencyKey, name] = [freshKey(), `idem-${crypto.randomUUID()}`, `Name of ${tag}`];
  const provisioner = await newToken(world, { kind: "PROVISIONER" });
  const offboarder = await newToken(world, { kind: "OFFBOARDER" });
  await signUpBy(world, provisioner.token, { key, name, idempotencyKey });
  const placed = await placedOf(world, key);
  const { apiKey } = await attachNew(world, placed);
  const names = await fill(world, key, tag);
  const ofTenant = (more: object) => newToken(world, { kind: "TENANT", tenantKey: key, ...more });
  const rw = await ofTenant({});
  const ro = await ofTenant({ isReadOnly: true });
  const entity = await ofTenant({ entity: { type: "USER", name: names.user } });
  const where = { where: { tenantId: placed.tenantId } };
  const { prisma } = world;
  return {
    ...{ ...placed, key, name, tag, apiKey, names, idempotencyKey },
    ids: {
      Tenant: placed.tenantId,
      Operation: (await prisma.operation.findFirstOrThrow(where)).id,
      Resource: (await prisma.resource.findFirstOrThrow(where)).id,
      ProjectKey: (await prisma.projectKey.findFirstOrThrow(where)).id,
      ApiToken: (await prisma.apiToken.findFirstOrThrow(where)).id,
    },
    actor: rw.apiToken.actor,
    tokens: {
      ...{ rw: rw.token, ro: ro.token, entity: entity.token },
      ...{ provisioner: provisioner.token, offboarder: offboarder.token },
    },
    cursors: await cursorsOf(world, key, provisioner.token),
    siblingMemory: await siblingMemoryOf(world, key, tag),
  };
}

async function signUpBy(world: World, token: string, input: object): Promise<void> {
  const { body } = await sendAs(
    ...[world, token, "mutation ($input: SignUpTenantInput!) { signUpTenant(input: $input) { __typename } }"],
    { input: { ...input, waitMs: 20_000 } },
  );
  if (!body.includes("SignUpTenantPayload")) throw new Error(body);
}

async function placedOf(world: World, key: string): Promise<Placed> {
  const settled = () =>
    world.prisma.tenant.findFirst({
      where: { key, status: "ACTIVE", operations: { every: { status: "SUCCEEDED" } } },
      include: { resources: true },
    });
  await until(async () => (await settled()) !== null, "the sign-up is over");
  const tenant = await settled();
  const upstreamOf = (kind: string) =>
    tenant?.resources.find((row) => row.kind === kind && row.name === "main")?.upstreamId;
  const [orgId, projectId] = [upstreamOf("ORGANIZATION"), upstreamOf("PROJECT")];
  if (tenant === null || !orgId || !projectId) throw new Error(`${key} has no place.`);
  return { key, tenantId: tenant.id, orgId, projectId };
}

async function cursorsOf(world: World, key: string, provisioner: string): Promise<Record<string, string>> {
  const page = "{ pageInfo { endCursor } }";
  const lists: readonly (readonly [string, string])[] = [
    [
      "memories",
      `memories(filter: { userId: { eq: "alice" } }, first: 1) { ... on MemoryConnection ${page} }`,
    ],
    ["entities", `entities(first: 1) { ... on EntityConnection ${page} }`],
    ["events", `events(first: 1) { ... on MemoryEventConnection ${page} }`],
    ["projectHistory", `projectHistory(first: 1) { ... on MemoryHistoryEntryConnection ${page} }`],
    ["operations", `operations(first: 1) ${page}`],
  ];
  const found: Record<string, string> = {};
  for (const [name, field] of lists) {
    const token = name === "operations" ? provisioner : world.token;
    const query = `query ($key: String!) { tenant(key: $key) { answer: ${field} } }`;
    const { body } = await sendAs(world, token, query, { key });
    const cursor = /"endCursor":"([^"]+)"/.exec(body)?.[1];
    if (cursor === undefined) throw new Error(`${name}: ${body}`);
    found[name] = cursor;
  }
  return found;
}

/** The end user that both have. */
const user = "alice";

/** Has the side's project hold one of each thing that has an id, and more of what is listed. */
async function fill(world: World, key: string, tag: string): Promise<Names> {
  const contents = ["tea", "coffee", "trains"].map((what) => `${tag} likes ${what}.`);
  const added = await remember(world, key, user, contents);
  const [memory = ""] = added.ids;
  const { exportId } = await change(world, "CreateMemoryExport", "exportId", {
    schema: { type: "object", properties: { likes: { type: "array", items: { type: "string" } } } },
    ...{ tenantKey: key, filter: { userId: { eq: user } }, waitMs: 5_000 },
  });
  await change(world, "GiveMemoryFeedback", "__typename", {
    ...{ tenantKey: key, memoryId: memory, feedback: "POSITIVE", reason: `${tag} said yes.` },
  });
  return { memory, event: added.eventId, export: String(exportId), cursor: null, user, text: tag };
}

async function siblingMemoryOf(world: World, key: string, tag: string): Promise<string> {
  const { ids } = await remember(world, key, "bob", [`${tag} is bob.`]);
  return ids[0] ?? "";
}

async function remember(world: World, tenantKey: string, userId: string, contents: readonly string[]) {
  const messages = contents.map((content) => ({ role: "USER", content }));
  const input = { tenantKey, messages, userId, infer: false, metadata: { note: contents[0] } };
  const added = await change(world, "AddMemories", "eventId results { id }", input);
  const results = added["results"] as { readonly id: string }[];
  return { ids: results.map(({ id }) => id), eventId: String(added["eventId"]) };
}

async function change(world: World, verb: string, fields: string, input: object) {
  const field = `${verb.charAt(0).toLowerCase()}${verb.slice(1)}`;
  const { data, body } = await sendAs<{ answer: Readonly<Record<string, unknown>> }>(
    ...[world, world.token],
    `mutation ($input: ${verb}Input!) { answer: ${field}(input: $input) {
      __typename ... on ${verb}Payload { ${fields} } } }`,
    { input },
  );
  if (data?.answer["__typename"] !== `${verb}Payload`) throw new Error(body);
  return data.answer;
}

/** All that is of a side: in Mem0, and in our own tables but for when its keys and tokens were last used. */
export async function everythingOf({ world }: FuzzGround, side: Side): Promise<string> {
  const { tenantId } = side;
  const [row] = await world.prisma.$queryRaw<{ rows: unknown }[]>`
    SELECT jsonb_build_array(
      (SELECT jsonb_agg(to_jsonb(t) ORDER BY t.id) FROM tenant t WHERE t.id = ${tenantId}),
      (SELECT jsonb_agg(to_jsonb(o) ORDER BY o.id) FROM operation o WHERE o.tenant_id = ${tenantId}),
      (SELECT jsonb_agg(to_jsonb(r) ORDER BY r.id) FROM resource r WHERE r.tenant_id = ${tenantId}),
      (SELECT jsonb_agg(to_jsonb(k) - 'proof_due_at' - 'proved_at' ORDER BY k.id) FROM project_key k
        WHERE k.tenant_id = ${tenantId}),
      (SELECT jsonb_agg(to_jsonb(a) - 'last_used_at' ORDER BY a.id) FROM api_token a WHERE a.tenant_id = ${tenantId})) AS rows`;
  return `${JSON.stringify(row?.rows)}\n${await rowsOf(world, side)}`;
}
