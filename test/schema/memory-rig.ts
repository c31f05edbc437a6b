import { type ProjectThing, projectThingId } from "../../src/schema/memory-ids.ts";
import { attachNew, type Placed, place } from "../memory-access/key-rig.ts";
import type { World } from "../world.ts";

/** What tests of a tenant's memories ask for, and get. */

/** A response of the API, whole. */
export interface Response<Data> {
  readonly data: Data;
  readonly errors?: readonly { readonly message: string; readonly extensions?: Record<string, unknown> }[];
  readonly extensions?: { readonly upstream?: { readonly calls: number; readonly waitedMs: number } };
}

/** An answer of a field: its result, or a refusal; tests look at what they asked for. */
export interface MemoryAnswer {
  readonly __typename: string;
  readonly code?: string;
  readonly message?: string;
  readonly problems?: readonly { readonly field: string; readonly message: string }[];
}

/** A memory as tests look at it. */
export interface MemoryView {
  readonly id: string;
  readonly mem0Id: string;
  readonly memory: string;
  readonly userId: string | null;
}

/** A stretch of a list. */
export interface ConnectionView<Node> extends MemoryAnswer {
  readonly edges: readonly { readonly cursor: string; readonly node: Node }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
  readonly totalCount: number | null;
}

/** What tests ask of every refusal. */
export const refusalFields =
  "... on Error { message code retryable } ... on InvalidInput { problems { field message } }";
/** See `MemoryView`. */
export const memoryFields = "id mem0Id memory userId";
/** See `ConnectionView`, but for the edges' nodes. */
export const pageFields = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount";

/** An ACTIVE tenant with a key of its own project. */
export async function tenantWithMemories(world: World): Promise<Placed> {
  const tenant = await place(world);
  await attachNew(world, tenant);
  return tenant;
}

/** Sends a document and answers the response as it came, errors and extensions too. */
export async function post<Data>(world: World, query: string, variables: object): Promise<Response<Data>> {
  const response = await fetch(`${world.url}/graphql`, {
    method: "POST",
    headers: { authorization: `Bearer ${world.token}`, "content-type": "application/json" },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as Response<Data>;
}

/**
 * Asks for one field of a tenant: `field` as it is written, arguments included, and `selection` on its union.
 */
export async function ask<Answer = MemoryAnswer>(
  world: World,
  { key }: Pick<Placed, "key">,
  request: { field: string; selection: string; declarations?: string; variables?: object },
): Promise<Answer> {
  const { field, selection, declarations = "", variables = {} } = request;
  const { data, errors } = await post<{ tenant: { answer: Answer } }>(
    world,
    `query ($key: String!, ${declarations}) { tenant(key: $key) {
      answer: ${field} { __typename ${selection} ${refusalFields} } } }`,
    { key, ...variables },
  );
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  return data.tenant.answer;
}

/** Calls a mutation of a tenant's memories, and asks for `selection` on its union. */
export async function change<Answer = MemoryAnswer>(
  world: World,
  { key }: Pick<Placed, "key">,
  request: { mutation: string; input: object; selection?: string },
): Promise<Answer> {
  const { mutation, input, selection = "" } = request;
  const inputType = `${mutation.charAt(0).toUpperCase()}${mutation.slice(1)}Input`;
  const { data, errors } = await post<{ answer: Answer }>(
    world,
    `mutation ($input: ${inputType}!) { answer: ${mutation}(input: $input) { __typename ${selection} ${refusalFields} } }`,
    { input: { tenantKey: key, ...input } },
  );
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  return data.answer;
}

/** Stores these texts as they stand, of Alice unless said otherwise; answers their ids in GraphQL in the same order. */
export async function remember(
  world: World,
  tenant: Pick<Placed, "key">,
  texts: readonly string[],
  fields: object = { userId: "alice" },
): Promise<readonly string[]> {
  const messages = texts.map((content) => ({ role: "USER", content }));
  const answer = await change<MemoryAnswer & { results: { id: string }[] }>(world, tenant, {
    mutation: "addMemories",
    input: { messages, infer: false, ...fields },
    selection: "... on AddMemoriesPayload { results { id memory } }",
  });
  if (answer.__typename !== "AddMemoriesPayload") throw new Error(JSON.stringify(answer));
  return answer.results.map(({ id }) => id);
}

/** What of requests tests compare. A body is what its JSON says, null without one. */
export async function requestsOf(world: World) {
  const { requests } = await world.emulator.requests();
  return requests.map(({ method, path, query, body }) => {
    const sent: unknown = typeof body === "string" && body !== "" ? JSON.parse(body) : null;
    return { method, path, query, body: sent };
  });
}

/** An id in GraphQL as we would give it out for this tenant. */
export function sealedId(world: World, thing: ProjectThing, tenantId: string, mem0Id: string): string {
  return projectThingId({ provisioning: world.provisioning }, thing, tenantId, mem0Id);
}
