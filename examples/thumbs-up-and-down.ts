/**
 * Thumbs up and down under an answer.
 *
 * Written by whoever builds the chat's front end and its backend. A thumb is about an answer, and Mem0 wants to know of
 * memories: so the backend keeps the ids of the memories that went into each answer (context-before-a-model-call.ts gives them
 * out) and passes the thumb on to every one of them. A thumb can be pressed again, turned round, and taken back; Mem0 keeps the
 * last word only. The ids are the backend's own record: it takes none from a browser.
 */
import { type GraphQLClient, gql } from "graphql-request";
import { accepted, isRefusal, type Mutation } from "./answer.ts";
import { asProgram } from "./as-program.ts";
import { rememberForDemo } from "./demo-tenant.ts";

type Feedback = "POSITIVE" | "NEGATIVE";

const giveMemoryFeedback: Mutation<
  "giveMemoryFeedback",
  { readonly memoryId: string; readonly feedback: Feedback | null },
  { tenantKey: string; memoryId: string; feedback: Feedback | null; reason: string | null }
> = gql`
  mutation PassThumbOn($input: GiveMemoryFeedbackInput!) {
    giveMemoryFeedback(input: $input) {
      ... on GiveMemoryFeedbackPayload { memoryId feedback }
      ... on Error { code message retryable }
    }
  }
`;

/** What a user pressed. Null: the thumb was taken back. */
export interface Thumb {
  readonly tenantKey: string;
  /** Those that went into the answer. */
  readonly memoryIds: readonly string[];
  readonly thumb: "up" | "down" | null;
  /** What the user wrote beside a thumb down. */
  readonly reason?: string;
}

/** Mem0 knows VERY_NEGATIVE, too: for a third button, if there is one. */
const feedbackOf = { up: "POSITIVE", down: "NEGATIVE" } as const;

/**
 * Passes a thumb on. Answers the memories that were told, and those that are gone meanwhile, which is no error: a user may
 * delete memories. A repeat says the same again.
 * @throws {LociRefused} when one could not be told; some may have been
 */
export async function run(
  client: GraphQLClient,
  { tenantKey, memoryIds, thumb, reason }: Thumb,
): Promise<{ readonly told: readonly string[]; readonly gone: readonly string[] }> {
  const feedback = thumb === null ? null : feedbackOf[thumb];
  const told: string[] = [];
  const gone: string[] = [];
  // One after the other: nobody waits for it, and an answer has a handful of memories.
  for (const memoryId of memoryIds) {
    const input = { tenantKey, memoryId, feedback, reason: feedback === null ? null : (reason ?? null) };
    const { giveMemoryFeedback: answer } = await client.request(giveMemoryFeedback, { input });
    if (isRefusal(answer) && answer.code === "NOT_FOUND") gone.push(memoryId);
    else told.push(accepted(answer).memoryId);
  }
  return { told, gone };
}

await asProgram(import.meta.url, async ({ client, tenant }) => {
  const tenantKey = await tenant();
  const texts = ["Lives in Austin.", "Has a cat."];
  const memoryIds = await rememberForDemo(client, tenantKey, { userId: "ada", texts });
  const up = await run(client, { tenantKey, memoryIds, thumb: "up" });
  const down = await run(client, { tenantKey, memoryIds, thumb: "down", reason: "I have moved." });
  const takenBack = await run(client, { tenantKey, memoryIds, thumb: null });
  return { up, down, takenBack };
});
