import { expect } from "vitest";
import { z } from "zod";
import type { Tables } from "../emulator-control.ts";
import type { Placed } from "../memory-access/key-rig.ts";
import { type Target, write, writeCases } from "../schema/mem0-write-cases.ts";
import { ask, change, remember } from "../schema/memory-rig.ts";
import type { World } from "../world.ts";

/** What an operation is tried on: a tenant with a key, and an organization that is nobody's. */
export interface Ground {
  readonly world: World;
  readonly tenant: Placed;
  readonly target: Target;
}

/** What Mem0 is to see. */
export interface Expected {
  /** What stands for the names in the path. */
  readonly ids?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: unknown;
}

/** How an operation is tried. */
export interface OperationCase {
  /** Its field, as docs/operations.md has it. */
  readonly field: string;
  /** What has to be there before; ids for the rest. */
  prepare(ground: Ground): Promise<Prepared>;
  /** Asks for it through the public API. */
  ask(ground: Ground, prepared: Prepared): Promise<unknown>;
  sends(ground: Ground, prepared: Prepared): Expected;
  /** Compares the answer with what is in Mem0. */
  check(answer: unknown, tables: Tables, ground: Ground, prepared: Prepared): void;
}

/** Ids of what was prepared: in GraphQL, and Mem0's own. */
interface Prepared {
  readonly id: string;
  readonly mem0Id: string;
}

/** What is asked of answers, as functions: expectations stand in tests, and these are called from one. */
function matches(actual: unknown, expected: object): void {
  expect(actual).toMatchObject(expected);
}
function equals(actual: unknown, expected: unknown): void {
  expect(actual).toEqual(expected);
}
function contains(actual: string, expected: string): void {
  expect(actual).toContain(expected);
}
function hasNoCode(answer: unknown): void {
  expect(answer).not.toHaveProperty("code");
}

const nothing: Prepared = { id: "", mem0Id: "" };
const text = "Alice plays the cello in Vienna.";
const ofAlice = { user_id: "alice" };
const filter = 'filter: { userId: { eq: "alice" } }';

async function oneMemory({ world, tenant }: Ground): Promise<Prepared> {
  const [id = ""] = await remember(world, tenant, [text]);
  return { id, mem0Id: (await newestMemory(world, tenant)).memory_id };
}

async function newestMemory(world: World, { projectId }: Placed) {
  const { memories } = await world.emulator.tables();
  const found = memories.findLast(({ project_id }) => project_id === projectId);
  if (found === undefined) throw new Error("There is no memory.");
  return found;
}

/** The rows of a table that lie in the tenant's project. */
function of<Row extends { project_id: string }>(rows: readonly Row[], { projectId }: Placed): Row[] {
  return rows.filter(({ project_id }) => project_id === projectId);
}

/** An operation of a tenant's, that reads. */
function reading(
  name: string,
  one: Partial<OperationCase> & {
    readonly args?: (prepared: Prepared) => string;
    readonly selection: string;
    readonly check: OperationCase["check"];
  },
): OperationCase {
  const { args = () => "", selection, ...rest } = one;
  return {
    field: `Tenant.${name}`,
    prepare: oneMemory,
    ask: ({ world, tenant }, prepared) =>
      ask(world, tenant, { field: `${name}${args(prepared)}`, selection }),
    sends: () => ({}),
    ...rest,
  };
}

/** An operation of a tenant's, that changes something. */
function changing(
  mutation: string,
  one: Partial<OperationCase> & {
    readonly input: (prepared: Prepared) => object;
    readonly selection: string;
    readonly check: OperationCase["check"];
  },
): OperationCase {
  const { input, selection, ...rest } = one;
  return {
    field: `Mutation.${mutation}`,
    prepare: oneMemory,
    ask: ({ world, tenant }, prepared) =>
      change(world, tenant, { mutation, input: input(prepared), selection }),
    sends: () => ({}),
    ...rest,
  };
}

const inMemoryPath = (_ground: Ground, { mem0Id }: Prepared): Expected => ({ ids: { memory_id: mem0Id } });
const textNode = { memory: text, userId: "alice" };

const reads: readonly OperationCase[] = [
  reading("entities", {
    args: () => "(first: 10)",
    selection: "... on EntityConnection { edges { node { type name } } totals { users agents } }",
    sends: () => ({ query: "page=1&page_size=10" }),
    check: (answer, tables, { tenant }) => {
      const rows = of(tables.entities, tenant).map(({ type, name }) => ({
        node: { type: type.toUpperCase(), name },
      }));
      equals(rows.length, 1);
      matches(answer, { edges: rows, totals: { users: 1, agents: 0 } });
    },
  }),
  reading("event", {
    prepare: async ({ world, tenant }) => {
      const answer = await change(world, tenant, {
        mutation: "addMemories",
        input: { messages: [{ role: "USER", content: text }], userId: "alice" },
        selection: "... on AddMemoriesPayload { eventId eventMem0Id }",
      });
      const { eventId, eventMem0Id } = z
        .object({ eventId: z.string(), eventMem0Id: z.string() })
        .parse(answer);
      return { id: eventId, mem0Id: eventMem0Id };
    },
    args: ({ id }) => `(id: "${id}")`,
    selection: "... on MemoryEvent { id mem0Id type status results { memory } }",
    sends: (_ground, { mem0Id }) => ({ ids: { event_id: mem0Id } }),
    check: (answer, tables, { tenant }, { id, mem0Id }) => {
      const row = of(tables.events, tenant).find(({ event_id }) => event_id === mem0Id);
      matches(answer, { id, mem0Id, type: row?.event_type });
    },
  }),
  reading("events", {
    selection: "... on MemoryEventConnection { edges { node { mem0Id type } } }",
    sends: () => ({ query: "page=1" }),
    check: (answer, tables, { tenant }) => {
      const rows = of(tables.events, tenant).map(({ event_id, event_type }) => ({
        node: { mem0Id: event_id, type: event_type },
      }));
      equals(rows.length > 0, true);
      matches(answer, { edges: rows });
    },
  }),
  reading("memories", {
    args: () => `(${filter}, first: 10)`,
    selection: "... on MemoryConnection { edges { node { mem0Id memory userId } } }",
    sends: () => ({ query: "page=1&page_size=10", body: { filters: ofAlice } }),
    check: (answer, tables, { tenant }) => {
      const [row] = of(tables.memories, tenant);
      matches(answer, { edges: [{ node: { mem0Id: row?.memory_id, ...textNode } }] });
    },
  }),
  reading("memory", {
    args: ({ id }) => `(id: "${id}")`,
    selection: "... on Memory { id mem0Id memory userId }",
    sends: inMemoryPath,
    check: (answer, _tables, _ground, { id, mem0Id }) => {
      matches(answer, { id, mem0Id, ...textNode });
    },
  }),
  reading("searchMemories", {
    args: () => `(query: "Who plays the cello?", ${filter})`,
    selection: "... on MemorySearch { results { score memory { id memory userId } } }",
    sends: () => ({
      body: { query: "Who plays the cello?", filters: ofAlice, top_k: 10, threshold: 0.1 },
    }),
    check: (answer, _tables, _ground, { id }) => {
      matches(answer, { results: [{ score: expect.any(Number), memory: { id, ...textNode } }] });
    },
  }),
  reading("memoryExport", {
    prepare: async (ground) => {
      await oneMemory(ground);
      const answer = await change(ground.world, ground.tenant, {
        mutation: "createMemoryExport",
        input: { schema: exportSchema, filter: { userId: { eq: "alice" } } },
        selection: "... on CreateMemoryExportPayload { exportId mem0Id }",
      });
      const { exportId, mem0Id } = z.object({ exportId: z.string(), mem0Id: z.string() }).parse(answer);
      return { id: exportId, mem0Id };
    },
    args: ({ id }) => `(id: "${id}")`,
    selection: "... on MemoryExport { data }",
    sends: (_ground, { mem0Id }) => ({ body: { memory_export_id: mem0Id } }),
    check: (answer, tables, { tenant }) => {
      matches(answer, { data: of(tables.exports, tenant)[0]?.result });
    },
  }),
  reading("memoryHistory", {
    args: ({ id }) => `(memoryId: "${id}")`,
    selection: "... on MemoryHistory { entries { event newMemory memoryId } }",
    sends: inMemoryPath,
    check: (answer, _tables, _ground, { id }) => {
      matches(answer, { entries: [{ event: "ADD", newMemory: text, memoryId: id }] });
    },
  }),
  reading("projectHistory", {
    args: () => "(first: 10)",
    selection: "... on MemoryHistoryEntryConnection { edges { node { event newMemory memoryId } } }",
    sends: () => ({ query: "page=1&limit=10" }),
    check: (answer, _tables, _ground, { id }) => {
      matches(answer, { edges: [{ node: { event: "ADD", newMemory: text, memoryId: id } }] });
    },
  }),
  reading("memoryStats", {
    selection: "... on MemoryStats { totalMemories }",
    check: (answer, tables, { tenant }) => {
      matches(answer, { totalMemories: of(tables.memories, tenant).length });
    },
  }),
];

const exportSchema = { type: "object", properties: { texts: { type: "array", items: { type: "string" } } } };

const changes: readonly OperationCase[] = [
  changing("addMemories", {
    prepare: async () => nothing,
    input: () => ({ messages: [{ role: "USER", content: text }], userId: "alice", infer: false }),
    selection: "... on AddMemoriesPayload { results { mem0Id memory } }",
    sends: () => ({ body: { messages: [{ role: "user", content: text }], user_id: "alice", infer: false } }),
    check: (answer, tables, { tenant }) => {
      const [row] = of(tables.memories, tenant);
      matches(row, { memory: text, ...ofAlice });
      matches(answer, { results: [{ mem0Id: row?.memory_id, memory: text }] });
    },
  }),
  changing("updateMemory", {
    input: ({ id }) => ({ id, text: "Alice plays the viola." }),
    selection: "... on UpdateMemoryPayload { memory { id memory } }",
    sends: (ground, prepared) => ({
      ...inMemoryPath(ground, prepared),
      body: { text: "Alice plays the viola." },
    }),
    check: (answer, tables, { tenant }, { id }) => {
      matches(answer, { memory: { id, memory: "Alice plays the viola." } });
      matches(of(tables.memories, tenant), [{ memory: "Alice plays the viola." }]);
    },
  }),
  changing("deleteMemory", {
    input: ({ id }) => ({ id }),
    selection: "... on DeleteMemoryPayload { id }",
    sends: inMemoryPath,
    check: isDeleted,
  }),
  changing("updateMemories", {
    input: ({ id }) => ({ updates: [{ id, text: "Alice plays the viola." }] }),
    selection: "... on UpdateMemoriesPayload { results { id } }",
    sends: (_ground, { mem0Id }) => ({
      body: { memories: [{ memory_id: mem0Id, text: "Alice plays the viola." }] },
    }),
    check: (answer, tables, { tenant }, { id }) => {
      matches(answer, { results: [{ id }] });
      matches(of(tables.memories, tenant), [{ memory: "Alice plays the viola." }]);
    },
  }),
  changing("deleteMemories", {
    input: ({ id }) => ({ ids: [id] }),
    selection: "... on DeleteMemoriesPayload { results { id } }",
    sends: (_ground, { mem0Id }) => ({ body: { memories: [{ memory_id: mem0Id }] } }),
    check: isDeleted,
  }),
  changing("deleteMatchingMemories", {
    input: () => ({ userId: "alice" }),
    selection: "... on DeleteMatchingMemoriesPayload { eventMem0Id }",
    sends: () => ({ query: "user_id=alice" }),
    check: isDeletedByEvent,
  }),
  changing("deleteEntity", {
    input: () => ({ type: "USER", name: "alice" }),
    selection: "... on DeleteEntityPayload { eventMem0Id }",
    sends: () => ({ ids: { entity_type: "user", entity_id: "alice" } }),
    check: isDeletedByEvent,
  }),
  changing("createMemoryExport", {
    input: () => ({ schema: exportSchema, filter: { userId: { eq: "alice" } }, instructions: "Short." }),
    selection: "... on CreateMemoryExportPayload { mem0Id }",
    sends: () => ({
      body: { schema: exportSchema, filters: { AND: [ofAlice] }, export_instructions: "Short." },
    }),
    check: (answer, tables, { tenant }) => {
      const [row] = of(tables.exports, tenant);
      matches(row, { schema: exportSchema, export_instructions: "Short." });
      matches(answer, { mem0Id: row?.export_id });
    },
  }),
  changing("giveMemoryFeedback", {
    input: ({ id }) => ({ memoryId: id, feedback: "NEGATIVE", reason: "Too old." }),
    selection: "... on GiveMemoryFeedbackPayload { mem0Id feedback reason }",
    sends: (_ground, { mem0Id }) => ({
      body: { memory_id: mem0Id, feedback: "NEGATIVE", feedback_reason: "Too old." },
    }),
    check: (answer, tables, { tenant }) => {
      const [row] = of(tables.feedback, tenant);
      matches(row, { feedback: "NEGATIVE", feedback_reason: "Too old." });
      matches(answer, { mem0Id: row?.feedback_id, feedback: "NEGATIVE", reason: "Too old." });
    },
  }),
];

function isDeleted(answer: unknown, tables: Tables, { tenant }: Ground): void {
  hasNoCode(answer);
  equals(living(tables, tenant), []);
}

function isDeletedByEvent(answer: unknown, tables: Tables, ground: Ground): void {
  isDeleted(answer, tables, ground);
  const events = of(tables.events, ground.tenant).filter(({ event_type }) => event_type !== "ADD");
  matches(answer, { eventMem0Id: events[0]?.event_id });
}

/** The tables show what was deleted softly, too, with the time. */
function living(tables: Tables, tenant: Placed): object[] {
  return of(tables.memories, tenant).filter((row) => !("deleted_at" in row) || row.deleted_at === null);
}

/** An admin's field of Mem0's own graph. */
function admin(
  field: string,
  document: (target: Target) => string,
  sends: (target: Target) => Expected,
  check: (answer: unknown, tables: Tables, target: Target) => void,
): OperationCase {
  return {
    field,
    prepare: async () => nothing,
    ask: ({ world, target }) => world.send(document(target)),
    sends: ({ target }) => sends(target),
    check: (answer, tables, { target }) => check(answer, tables, target),
  };
}

const inOrganization = (target: Target, selection: string) =>
  `{ mem0Organization(id: "${target.organizationId}") { __typename ... on Mem0Organization { ${selection} } } }`;
const inProject = (target: Target, selection: string) =>
  inOrganization(
    target,
    `project(id: "${target.projectId}") { __typename ... on Mem0Project { ${selection} } }`,
  );
const orgPath = ({ organizationId }: Target): Expected => ({ ids: { org_id: organizationId } });
const projectPath = ({ organizationId, projectId }: Target): Expected => ({
  ids: { org_id: organizationId, project_id: projectId },
});

const adminReads: readonly OperationCase[] = [
  admin(
    "Query.mem0Organizations",
    () =>
      "{ mem0Organizations(first: 100) { __typename ... on Mem0OrganizationConnection { edges { node { mem0Id } } } } }",
    () => ({}),
    (answer, _tables, { organizationId }) => contains(JSON.stringify(answer), organizationId),
  ),
  admin(
    "Query.mem0Organization",
    (target) => inOrganization(target, "mem0Id name"),
    orgPath,
    (answer, tables, { organizationId }) => {
      const row = tables.organizations.find(({ org_id }) => org_id === organizationId);
      matches(answer, { mem0Organization: { mem0Id: organizationId, name: row?.name } });
    },
  ),
  admin(
    "Mem0Organization.listedMembers",
    (target) =>
      inOrganization(target, "listedMembers { ... on Mem0MemberConnection { edges { node { role } } } }"),
    orgPath,
    (answer, tables, { organizationId }) => {
      const row = tables.organizations.find(({ org_id }) => org_id === organizationId);
      const edges = row?.members.map(({ role }) => ({ node: { role } })) ?? [];
      matches(answer, { mem0Organization: { listedMembers: { edges: expect.arrayContaining(edges) } } });
    },
  ),
  admin(
    "Mem0Organization.projects",
    (target) =>
      inOrganization(target, "projects { ... on Mem0ProjectConnection { edges { node { mem0Id name } } } }"),
    orgPath,
    (answer, tables, { organizationId }) => {
      const rows = tables.projects.filter(({ org_id }) => org_id === organizationId);
      const edges = rows.map(({ project_id, name }) => ({ node: { mem0Id: project_id, name } }));
      matches(answer, { mem0Organization: { projects: { edges } } });
    },
  ),
  admin(
    "Mem0Organization.project",
    (target) => inProject(target, "mem0Id name"),
    projectPath,
    (answer, _tables, { projectId }) =>
      matches(answer, { mem0Organization: { project: { mem0Id: projectId } } }),
  ),
  admin(
    "Mem0Project.listedMembers",
    (target) =>
      inProject(target, "listedMembers { ... on Mem0MemberConnection { edges { node { role } } } }"),
    projectPath,
    (answer, tables, { projectId }) => {
      const row = tables.projects.find(({ project_id }) => project_id === projectId);
      const edges = row?.members.map(({ role }) => ({ node: { role } })) ?? [];
      matches(answer, {
        mem0Organization: { project: { listedMembers: { edges: expect.arrayContaining(edges) } } },
      });
    },
  ),
  admin(
    "Mem0Project.webhooks",
    (target) => inProject(target, "webhooks { ... on Mem0WebhookConnection { edges { node { mem0Id } } } }"),
    projectPath,
    (answer, _tables, { webhookId }) => {
      const edges = [{ node: { mem0Id: webhookId } }];
      matches(answer, { mem0Organization: { project: { webhooks: { edges } } } });
    },
  ),
  admin(
    "Mem0Project.webhook",
    (target) => inProject(target, `webhook(id: "${target.webhookId}") { ... on Mem0Webhook { mem0Id url } }`),
    projectPath,
    (answer, tables, { webhookId }) => {
      const row = tables.webhooks.find(({ webhook_id }) => webhook_id === webhookId);
      const webhook = { mem0Id: webhookId, url: row?.url };
      matches(answer, { mem0Organization: { project: { webhook } } });
    },
  ),
  admin(
    "Query.mem0Ping",
    () => "{ mem0Ping { __typename ... on Mem0Ping { organizationId projectId userEmail } } }",
    () => ({}),
    (answer, tables) => {
      const [key] = tables.keys;
      matches(answer, {
        mem0Ping: { organizationId: key?.org_id, projectId: key?.project_id, userEmail: key?.email },
      });
    },
  ),
];

/** The mutations of Mem0's own graph, whose inputs and requests are written down beside their own tests. */
const adminWrites: readonly OperationCase[] = writeCases.map(({ verb, input, sends, check }) => ({
  field: `Mutation.${verb}`,
  prepare: async () => nothing,
  ask: ({ world, target }) => write(world, verb, input(target)),
  sends: ({ target }) => {
    const { query = "", body = "" } = sends(target);
    const { organizationId, projectId, webhookId } = target;
    return {
      ids: { org_id: organizationId, project_id: projectId, webhook_id: webhookId },
      ...{ query, body: body === "" ? null : JSON.parse(body) },
    };
  },
  check: (answer, tables, { target }) => {
    matches(answer, { __typename: `${verb.charAt(0).toUpperCase()}${verb.slice(1)}Payload` });
    const { organizationId = target.organizationId } = z
      .object({ organizationId: z.string().optional() })
      .parse(answer);
    check(tables, { ...target, organizationId });
  },
}));

/** How every operation of docs/operations.md is tried. */
export const operationCases: readonly OperationCase[] = [...reads, ...changes, ...adminReads, ...adminWrites];
