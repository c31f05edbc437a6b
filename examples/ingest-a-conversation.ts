/**
 * A conversation is over: have it remembered.
 *
 * Written by whoever owns the queue behind the chat. A worker takes conversations that have ended and hands each to Mem0, which
 * reads it with a language model after it has answered. So the worker follows the event: only that says what was learned,
 * or that nothing was.
 *
 * A queue hands a job out again when a worker died over it. Whether the first worker's call still got through nobody knows
 * then, so a repeat looks before it sends: every memory bears the id of its conversation.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type GraphQLClient, gql } from "graphql-request";
import { accepted, existing, type Mutation, type TenantQuery } from "./answer.ts";
import { asProgram } from "./as-program.ts";

interface Learned {
  readonly memoryId: string;
  readonly memory: string | null;
}

interface MemoryEvent {
  readonly status: "PENDING" | "RUNNING" | "SUCCEEDED" | "FAILED" | "CANCELLED";
  readonly error: string | null;
  readonly results: readonly Learned[];
}

const addMemories: Mutation<
  "addMemories",
  { readonly eventId: string | null; readonly event: MemoryEvent | null },
  Pick<Conversation, "tenantKey" | "userId" | "messages"> & {
    metadata: { conversationId: string };
    timestamp: string;
    waitMs: number;
  }
> = gql`
  mutation Ingest($input: AddMemoriesInput!) { addMemories(input: $input) {
    ... on AddMemoriesPayload { eventId event { status error results { memoryId memory } } }
    ... on Error { code message retryable } } }
`;

const readEvent: TenantQuery<"event", MemoryEvent, { id: string }> = gql`
  query FollowIngestion($tenantKey: String!, $id: ID!) { tenant(key: $tenantKey) { event(id: $id) {
    ... on MemoryEvent { status error results { memoryId memory } } ... on Error { code message retryable } } } }
`;

const findIngested: TenantQuery<"memories", { readonly edges: readonly object[] }, { filter: object }> = gql`
  query WasItIngested($tenantKey: String!, $filter: MemoryFilterInput!) { tenant(key: $tenantKey) {
    memories(filter: $filter, first: 1) {
      ... on MemoryConnection { edges { cursor } } ... on Error { code message retryable } } } }
`;

/** A job of the queue. */
export interface Conversation {
  readonly tenantKey: string;
  readonly userId: string;
  readonly conversationId: string;
  readonly messages: readonly { readonly role: "USER" | "ASSISTANT"; readonly content: string }[];
  readonly endedAt: Date;
  /** Whether the queue hands it out again. */
  readonly isRepeat: boolean;
}

/**
 * Answers what was learned; null: it had been ingested already. `waitMs` is for how long Loci follows the event itself; what
 * takes longer is polled for, `deadlineMs` in all.
 * @throws {LociRefused} which says whether to put the job back into the queue
 * @throws {Error} when Mem0 failed at it, or has not ended in time
 */
export async function run(
  client: GraphQLClient,
  { tenantKey, userId, conversationId, messages, endedAt, isRepeat }: Conversation,
  { waitMs = 10_000, deadlineMs = 300_000 } = {},
): Promise<readonly Learned[] | null> {
  const deadline = performance.now() + deadlineMs;
  if (isRepeat) {
    const filter = {
      userId: { eq: userId },
      metadata: [{ key: "conversationId", eq: conversationId }],
    };
    const { tenant } = await client.request(findIngested, { tenantKey, filter });
    if (accepted(existing(tenant).memories).edges.length > 0) return null;
  }
  const metadata = { conversationId };
  const timestamp = endedAt.toISOString();
  const input = { tenantKey, userId, messages, metadata, timestamp, waitMs };
  const { eventId, event: first } = accepted((await client.request(addMemories, { input })).addMemories);
  if (eventId === null) throw new Error("Mem0 took the conversation, and named no event to follow.");
  let event = first;
  for (let pauseMs = 250; event === null || !hasEnded(event); pauseMs = Math.min(pauseMs * 2, 10_000)) {
    if (performance.now() > deadline) throw new Error(`Mem0 has not ended the event ${eventId} yet.`);
    await sleep(pauseMs);
    const { tenant } = await client.request(readEvent, { tenantKey, id: eventId });
    event = accepted(existing(tenant).event);
  }
  if (event.status !== "SUCCEEDED") throw new Error(`Mem0 failed: ${event.error ?? event.status}`);
  return event.results;
}

const hasEnded = ({ status }: MemoryEvent) => status !== "PENDING" && status !== "RUNNING";

await asProgram(import.meta.url, async ({ client, tenant }) => {
  const tenantKey = await tenant();
  const messages = [
    { role: "USER", content: "I moved to Austin. My son starts school in May." },
    { role: "ASSISTANT", content: "How lovely! Shall I look for schools?" },
  ] as const;
  const job = {
    tenantKey,
    userId: "ada",
    conversationId: "c-1",
    messages,
    endedAt: new Date(),
    isRepeat: false,
  };
  return run(client, job);
});
