import { expect } from "vitest";
import type { Tables } from "../emulator-control.ts";
import { freshKey } from "../main-job.ts";
import type { World } from "../world.ts";

/** The 14 mutations of Mem0's own graph, as an admin sends them, what Mem0 gets of each, and what it has afterwards. */

/** What the mutations are done to. */
export interface Target {
  readonly organizationId: string;
  readonly projectId: string;
  readonly webhookId: string;
  /** A member of both. */
  readonly email: string;
}

/** A request as the emulator's log shows it. */
export interface Sent {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly body: string;
}

/** One mutation: its input, the request that it is, what it leaves, and the mutation that a tenant's thing needs instead. */
export interface WriteCase {
  readonly verb: string;
  readonly input: (target: Target) => object;
  readonly sends: (target: Target) => Partial<Sent>;
  /**
   * Compares what Mem0 has afterwards with what was asked for. Of what makes an organization `organizationId` is the new
   * one's, as it was answered.
   */
  readonly check: (tables: Tables, target: Target) => void;
  /** Null: it makes something that is nobody's. */
  readonly use: "offboardTenant" | "changePlace" | null;
  /** The lists that it looks at before. */
  readonly looks: readonly ("projects" | "webhooks")[];
}

const orgs = "/api/v1/orgs/organizations/";
const hooks = "/api/v1/webhooks/";
const newcomer = "newcomer@acme.test";
const json = (body: object) => JSON.stringify(body);

/** What is asked of the tables, as functions: expectations stand in tests, and these are called from one. */
function shows(row: object | undefined, expected: object): void {
  expect(row).toMatchObject(expected);
}
function showsNot(row: object | undefined): void {
  expect(row).toBeUndefined();
}

function organizationIn({ organizations }: Tables, { organizationId }: Target) {
  return organizations.find(({ org_id }) => org_id === organizationId);
}
function projectIn({ projects }: Tables, { projectId }: Target) {
  return projects.find(({ project_id }) => project_id === projectId);
}
function webhookIn({ webhooks }: Tables, { webhookId }: Target) {
  return webhooks.find(({ webhook_id }) => webhook_id === webhookId);
}
/** The member of this address in a row that must be there. */
function memberIn(place: Pick<Tables["projects"][number], "members"> | undefined, address: string) {
  if (place === undefined) throw new Error("The place itself is not there.");
  return place.members.find(({ email }) => email === address);
}

function organizationCase(one: Omit<WriteCase, "looks" | "use">): WriteCase {
  return { use: "changePlace", looks: [], ...one };
}

function projectCase(one: Omit<WriteCase, "looks" | "use">): WriteCase {
  return { use: "changePlace", looks: ["projects"], ...one };
}

function webhookCase(one: Omit<WriteCase, "looks" | "use">): WriteCase {
  return { use: "changePlace", looks: ["projects", "webhooks"], ...one };
}

const organizationWrites: readonly WriteCase[] = [
  {
    verb: "createMem0Organization",
    use: null,
    looks: [],
    input: () => ({ name: "By hand" }),
    sends: () => ({ method: "POST", path: orgs, body: json({ name: "By hand" }) }),
    check: (tables, target) =>
      shows(organizationIn(tables, target), { name: "By hand", members: [{ role: "OWNER" }] }),
  },
  organizationCase({
    verb: "addMem0OrganizationMember",
    input: ({ organizationId }) => ({ organizationId, email: newcomer, role: "READER" }),
    sends: ({ organizationId }) => ({
      ...{ method: "POST", path: `${orgs}${organizationId}/members/` },
      body: json({ email: newcomer, role: "READER" }),
    }),
    check: (tables, target) => shows(memberIn(organizationIn(tables, target), newcomer), { role: "READER" }),
  }),
  organizationCase({
    verb: "updateMem0OrganizationMemberRole",
    input: ({ organizationId, email }) => ({ organizationId, email, role: "OWNER" }),
    sends: ({ organizationId, email }) => ({
      ...{ method: "PUT", path: `${orgs}${organizationId}/members/` },
      body: json({ email, role: "OWNER" }),
    }),
    check: (tables, target) =>
      shows(memberIn(organizationIn(tables, target), target.email), { role: "OWNER" }),
  }),
  organizationCase({
    verb: "removeMem0OrganizationMember",
    input: ({ organizationId, email }) => ({ organizationId, email }),
    sends: ({ organizationId, email }) => ({
      ...{ method: "DELETE", path: `${orgs}${organizationId}/members/` },
      body: json({ email }),
    }),
    check: (tables, target) => showsNot(memberIn(organizationIn(tables, target), target.email)),
  }),
  organizationCase({
    verb: "createMem0Project",
    input: ({ organizationId }) => ({ organizationId, name: "Another", description: "By hand" }),
    sends: ({ organizationId }) => ({
      ...{ method: "POST", path: `${orgs}${organizationId}/projects/` },
      body: json({ name: "Another", description: "By hand" }),
    }),
    check: ({ projects }, { organizationId }) => {
      const made = projects.find(({ org_id, name }) => org_id === organizationId && name === "Another");
      shows(made, { description: "By hand", is_default: false });
    },
  }),
  {
    verb: "deleteMem0Organization",
    use: "offboardTenant",
    looks: [],
    input: ({ organizationId }) => ({ organizationId }),
    sends: ({ organizationId }) => ({ method: "DELETE", path: `${orgs}${organizationId}/`, body: "" }),
    check: (tables, target) => showsNot(organizationIn(tables, target)),
  },
];

const projectWrites: readonly WriteCase[] = [
  projectCase({
    verb: "updateMem0Project",
    input: ({ organizationId, projectId }) => ({
      ...{ organizationId, projectId, name: "Renamed" },
      settings: {
        customInstructions: "",
        customCategories: [{ name: "work", description: "What they do" }],
        decay: true,
      },
    }),
    sends: ({ organizationId, projectId }) => ({
      ...{ method: "PATCH", path: `${orgs}${organizationId}/projects/${projectId}/` },
      body: json({
        name: "Renamed",
        custom_instructions: "",
        custom_categories: [{ work: "What they do" }],
        decay: true,
      }),
    }),
    check: (tables, target) =>
      shows(projectIn(tables, target), {
        ...{ name: "Renamed", custom_instructions: "", decay: true },
        custom_categories: [{ work: "What they do" }],
      }),
  }),
  projectCase({
    verb: "addMem0ProjectMember",
    input: ({ organizationId, projectId }) => ({
      organizationId,
      projectId,
      email: newcomer,
      role: "READER",
    }),
    sends: ({ organizationId, projectId }) => ({
      ...{ method: "POST", path: `${orgs}${organizationId}/projects/${projectId}/members/` },
      body: json({ email: newcomer, role: "READER" }),
    }),
    check: (tables, target) => shows(memberIn(projectIn(tables, target), newcomer), { role: "READER" }),
  }),
  projectCase({
    verb: "updateMem0ProjectMemberRole",
    input: ({ organizationId, projectId, email }) => ({ organizationId, projectId, email, role: "OWNER" }),
    sends: ({ organizationId, projectId, email }) => ({
      ...{ method: "PUT", path: `${orgs}${organizationId}/projects/${projectId}/members/` },
      body: json({ email, role: "OWNER" }),
    }),
    check: (tables, target) => shows(memberIn(projectIn(tables, target), target.email), { role: "OWNER" }),
  }),
  projectCase({
    verb: "removeMem0ProjectMember",
    input: ({ organizationId, projectId, email }) => ({ organizationId, projectId, email }),
    sends: ({ organizationId, projectId, email }) => ({
      ...{ method: "DELETE", path: `${orgs}${organizationId}/projects/${projectId}/members/` },
      ...{ query: String(new URLSearchParams({ email })), body: "" },
    }),
    check: (tables, target) => showsNot(memberIn(projectIn(tables, target), target.email)),
  }),
  {
    verb: "deleteMem0Project",
    use: "offboardTenant",
    looks: ["projects"],
    input: ({ organizationId, projectId }) => ({ organizationId, projectId }),
    sends: ({ organizationId, projectId }) => ({
      ...{ method: "DELETE", path: `${orgs}${organizationId}/projects/${projectId}/`, body: "" },
    }),
    check: (tables, target) => showsNot(projectIn(tables, target)),
  },
];

const webhookWrites: readonly WriteCase[] = [
  projectCase({
    verb: "createMem0Webhook",
    input: ({ organizationId, projectId }) => ({
      ...{ organizationId, projectId, name: "Feed", url: "https://feed.test/s3cret" },
      eventTypes: ["MEMORY_DELETE", "MEMORY_ADD"],
    }),
    sends: ({ projectId }) => ({
      ...{ method: "POST", path: `${hooks}projects/${projectId}/` },
      body: json({
        name: "Feed",
        url: "https://feed.test/s3cret",
        event_types: ["memory_delete", "memory_add"],
      }),
    }),
    check: ({ webhooks }, { projectId }) => {
      const made = webhooks.find(
        (row) => row.project_id === projectId && row.url === "https://feed.test/s3cret",
      );
      shows(made, { name: "Feed", event_types: ["memory_delete", "memory_add"], is_active: true });
    },
  }),
  webhookCase({
    verb: "updateMem0Webhook",
    input: ({ email: _email, ...ids }) => ({ ...ids, url: "https://moved.test/s3cret" }),
    sends: ({ webhookId }) => ({
      ...{ method: "PUT", path: `${hooks}${webhookId}/`, body: json({ url: "https://moved.test/s3cret" }) },
    }),
    check: (tables, target) =>
      shows(webhookIn(tables, target), { url: "https://moved.test/s3cret", event_types: ["memory_add"] }),
  }),
  webhookCase({
    verb: "deleteMem0Webhook",
    input: ({ email: _email, ...ids }) => ids,
    sends: ({ webhookId }) => ({ method: "DELETE", path: `${hooks}${webhookId}/`, body: "" }),
    check: (tables, target) => showsNot(webhookIn(tables, target)),
  }),
];

/** Every mutation. */
export const writeCases: readonly WriteCase[] = [...organizationWrites, ...projectWrites, ...webhookWrites];

/** The answer to one of these mutations. */
export interface WriteAnswer {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
  readonly use?: string;
  readonly tenant?: { readonly key: string };
  readonly status?: number;
  readonly mayHaveHappened?: boolean;
  readonly problems?: readonly { readonly field: string; readonly message: string }[];
  readonly organizationId?: string;
  readonly projectId?: string;
  readonly notice?: string;
}

/** Sends one of these mutations. */
export async function write(world: World, verb: string, input: object): Promise<WriteAnswer> {
  const type = `${verb.charAt(0).toUpperCase()}${verb.slice(1)}`;
  const ids = verb === "createMem0Organization" ? "organizationId notice" : "organizationId";
  const fields = verb === "createMem0Webhook" ? "webhook { mem0Id url eventTypes }" : ids;
  const answer = await world.send<Record<string, WriteAnswer>>(
    `mutation ($input: ${type}Input!) { ${verb}(input: $input) { __typename
      ... on ${type}Payload { ${fields} } ... on Error { message code } ... on InvalidInput { problems { field message } }
      ... on Mem0Refused { status } ... on Mem0Unavailable { mayHaveHappened }
      ${verb === "createMem0Organization" ? "" : "... on ManagedByTenant { use tenant { key } }"} } }`,
    { input: { reason: "By hand, and sure of it.", ...input } },
  );
  const found = answer[verb];
  if (found === undefined) throw new Error(`No answer to ${verb}.`);
  return found;
}

/** An organization that somebody made by hand, with a member, a default project and a webhook in it. */
export async function handMade(world: World): Promise<Target> {
  const email = `${freshKey()}@acme.test`;
  const owner = world.provisioning.account.userEmail;
  const made = await world.emulator.putOrganization({ name: "Made by hand", owner_email: owner });
  const organizationId = made.org_id;
  const { projects } = await world.emulator.tables();
  const projectId = projects.find(({ org_id }) => org_id === organizationId)?.project_id ?? "";
  await world.emulator.putMember({ org_id: organizationId, email, role: "READER" });
  await world.emulator.putMember({ org_id: organizationId, project_id: projectId, email, role: "READER" });
  const url = `https://hand.test/${freshKey()}`;
  const hook = { organizationId, projectId, name: "Hook", url, eventTypes: ["MEMORY_ADD"] };
  const answer = await write(world, "createMem0Webhook", hook);
  if (answer.__typename !== "CreateMem0WebhookPayload") throw new Error(JSON.stringify(answer));
  const { webhooks } = await world.emulator.tables();
  const webhookId = webhooks.find((webhook) => webhook.url === url)?.webhook_id ?? "";
  return { organizationId, projectId, webhookId, email };
}

/** What Mem0 got, in order. */
export async function sentRequests(world: World): Promise<Sent[]> {
  const { requests } = await world.emulator.requests();
  // The log's rows have the query, too; `SeenRequest` names only what most tests look at.
  const seen = requests as unknown as Sent[];
  return seen.map(({ method, path, query, body }) => ({ method, path, query, body }));
}
