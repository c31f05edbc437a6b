/**
 * An end user's own page of memories: see them, see where one comes from, mend it, delete one or many.
 *
 * Written by whoever builds the account settings of the product. These functions run in its backend, behind its own log-in:
 * Loci's token opens every tenant and never goes to a browser. Loci keeps tenants apart; to keep the users of one tenant apart
 * is the product's part. An id that comes out of a browser may be anybody's, so each is looked up among this user's
 * memories first: what is not there, is not there.
 */
import { type GraphQLClient, gql } from "graphql-request";
import { accepted, existing, LociRefused, type Mutation, type TenantQuery } from "./answer.ts";
import { asProgram } from "./as-program.ts";
import { rememberForDemo } from "./demo-tenant.ts";

/** Whose page it is; both from the session. */
interface Owner {
  readonly tenantKey: string;
  readonly userId: string;
}

interface Page {
  readonly edges: readonly { readonly node: { readonly id: string; readonly memory: string } }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

const memories: TenantQuery<"memories", Page, { filter: object; first: number; after: string | null }> = gql`
  query MemoryPage($tenantKey: String!, $filter: MemoryFilterInput!, $first: Int!, $after: String) {
    tenant(key: $tenantKey) { memories(filter: $filter, first: $first, after: $after, showExpired: true) {
      ... on MemoryConnection { edges { node { id memory } } pageInfo { hasNextPage endCursor } }
      ... on Error { code message retryable } } }
  }
`;

type History = { readonly entries: readonly { readonly newMemory: string | null }[] };

const history: TenantQuery<"memoryHistory", History, { id: string }> = gql`
  query HistoryOfMemory($tenantKey: String!, $id: ID!) {
    tenant(key: $tenantKey) { memoryHistory(memoryId: $id) {
      ... on MemoryHistory { entries { newMemory } } ... on Error { code message retryable } } }
  }
`;

type Deletion = { readonly id: string; readonly isDone: boolean | null };

const updateMemory: Mutation<
  "updateMemory",
  { readonly memory: { readonly memory: string } },
  { tenantKey: string; id: string; text: string }
> = gql`
  mutation MendMemory($input: UpdateMemoryInput!) { updateMemory(input: $input) {
    ... on UpdateMemoryPayload { memory { memory } } ... on Error { code message retryable } } }
`;

const deleteMemory: Mutation<"deleteMemory", { readonly id: string }, { tenantKey: string; id: string }> =
  gql`
  mutation DeleteOneMemory($input: DeleteMemoryInput!) { deleteMemory(input: $input) {
    ... on DeleteMemoryPayload { id } ... on Error { code message retryable } } }
`;

const deleteMemories: Mutation<
  "deleteMemories",
  { readonly results: readonly Deletion[] },
  { tenantKey: string; ids: readonly string[] }
> = gql`
  mutation DeleteTickedMemories($input: DeleteMemoriesInput!) { deleteMemories(input: $input) {
    ... on DeleteMemoriesPayload { results { id isDone } } ... on Error { code message retryable } } }
`;

/** One page, in Mem0's order; `after` is the last one's `endCursor`. */
export async function showPage(
  client: GraphQLClient,
  { tenantKey, userId }: Owner,
  after: string | null,
  first = 20,
): Promise<Page> {
  const variables = { tenantKey, filter: { userId: { eq: userId } }, first, after };
  return accepted(existing((await client.request(memories, variables)).tenant).memories);
}

/** Which of these ids, at most 100, are this user's memories. */
async function ownOf(client: GraphQLClient, { tenantKey, userId }: Owner, ids: readonly string[]) {
  const filter = { userId: { eq: userId }, memoryIds: ids };
  const { tenant } = await client.request(memories, { tenantKey, filter, first: 100, after: null });
  const own = new Set(accepted(existing(tenant).memories).edges.map(({ node }) => node.id));
  return ids.filter((id) => own.has(id));
}

async function requireOwn(client: GraphQLClient, owner: Owner, id: string): Promise<void> {
  if ((await ownOf(client, owner, [id])).length > 0) return;
  throw new LociRefused({ code: "NOT_FOUND", message: "There is no such memory.", retryable: false });
}

/** The texts that a memory had, the oldest first. */
export async function showHistory(client: GraphQLClient, owner: Owner, id: string) {
  await requireOwn(client, owner, id);
  const { tenant } = await client.request(history, { tenantKey: owner.tenantKey, id });
  return accepted(existing(tenant).memoryHistory).entries.map(({ newMemory }) => newMemory);
}

/** Gives a memory another text. */
export async function mend(client: GraphQLClient, owner: Owner, id: string, text: string): Promise<string> {
  await requireOwn(client, owner, id);
  const input = { tenantKey: owner.tenantKey, id, text };
  return accepted((await client.request(updateMemory, { input })).updateMemory).memory.memory;
}

/** Deletes one memory. */
export async function forget(client: GraphQLClient, owner: Owner, id: string): Promise<void> {
  await requireOwn(client, owner, id);
  accepted((await client.request(deleteMemory, { input: { tenantKey: owner.tenantKey, id } })).deleteMemory);
}

/** Deletes what was ticked on a page, at most 100. Answers the ids that Mem0 has deleted for certain. */
export async function forgetMany(client: GraphQLClient, owner: Owner, ticked: readonly string[]) {
  const ids = await ownOf(client, owner, ticked);
  if (ids.length === 0) return [];
  const { deleteMemories: answer } = await client.request(deleteMemories, {
    input: { tenantKey: owner.tenantKey, ids },
  });
  return accepted(answer).results.flatMap(({ id, isDone }) => (isDone === true ? [id] : []));
}

/** What a user might do in a visit: mends the first memory of the page, deletes the next, ticks the rest of the page and deletes it. */
export async function run(client: GraphQLClient, owner: Owner) {
  const before = (await showPage(client, owner, null)).edges.map(({ node }) => node);
  const [one, next, ...rest] = before;
  if (one === undefined || next === undefined) throw new Error("Too few memories to show anything with.");
  await mend(client, owner, one.id, `${one.memory} (That was last year.)`);
  const texts = await showHistory(client, owner, one.id);
  await forget(client, owner, next.id);
  const ticked = rest.map(({ id }) => id);
  const deleted = await forgetMany(client, owner, ticked);
  const after = (await showPage(client, owner, null)).edges.map(({ node }) => node);
  return { before, texts, deleted, after };
}

await asProgram(import.meta.url, async ({ client, tenant }) => {
  const tenantKey = await tenant();
  const texts = ["Lives in Austin.", "Has a cat.", "Plays the cello.", "Owns a bicycle."];
  await rememberForDemo(client, tenantKey, { userId: "ada", texts });
  return run(client, { tenantKey, userId: "ada" });
});
