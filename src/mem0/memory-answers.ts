import { z } from "zod";
import type { AddedMemories, Memory, MemoryHistoryEntry } from "./memories.ts";
import { optionalDate, optionalFlag, optionalText, upstreamId } from "./wire-fields.ts";

/** An object of any content, that may be null or absent. */
export const optionalObject = z
  .record(z.string(), z.unknown())
  .nullish()
  .transform((object) => object ?? null);

const optionalTexts = z
  .array(z.string())
  .nullish()
  .transform((texts) => texts ?? null);

const scopeFields = {
  user_id: optionalText,
  agent_id: optionalText,
  app_id: optionalText,
  // A search says `run_id`, everything else `session_id` (Mem0 OpenAPI).
  run_id: optionalText,
  session_id: optionalText,
};

const memoryFields = {
  ...scopeFields,
  id: upstreamId,
  memory: z.string(),
  metadata: optionalObject,
  categories: optionalTexts,
  created_at: optionalDate,
  updated_at: optionalDate,
  expiration_date: optionalText,
  replaced_by: optionalText,
  synthesized: optionalFlag,
  structured_attributes: optionalObject,
  lifecycle_state: optionalText,
};

const memoryWire = z.object(memoryFields);

/** A memory, in any answer that holds one (Mem0 OpenAPI). */
export const memoryAnswer: z.ZodType<Memory> = memoryWire.transform(memoryOf);

/** A memory that a search found. */
export const foundMemoryAnswer = z
  .object({
    ...memoryFields,
    score: z.number(),
    score_breakdown: z.record(z.string(), z.number()).nullish(),
  })
  .transform((wire) => ({
    ...memoryOf(wire),
    score: wire.score,
    scoreBreakdown: wire.score_breakdown ?? null,
  }));

function memoryOf(wire: z.output<typeof memoryWire>): Memory {
  return {
    memoryId: wire.id,
    memory: wire.memory,
    userId: wire.user_id,
    agentId: wire.agent_id,
    appId: wire.app_id,
    runId: wire.session_id ?? wire.run_id,
    metadata: wire.metadata,
    categories: wire.categories,
    createdAt: wire.created_at,
    updatedAt: wire.updated_at,
    expirationDate: wire.expiration_date,
    replacedBy: wire.replaced_by,
    isSynthesized: wire.synthesized,
    structuredAttributes: wire.structured_attributes,
    lifecycleState: wire.lifecycle_state,
  };
}

/** What an update answers: the memory (Mem0 OpenAPI), or an array of it alone (Mem0 TypeScript client). */
export const updatedAnswer: z.ZodType<Memory> = z.preprocess(
  (body) => (Array.isArray(body) && body.length === 1 ? body[0] : body),
  memoryAnswer,
);

/** What a deletion answers: a count only when linked memories were to go too (Mem0 OpenAPI). */
export const deletedAnswer = z
  .looseObject({ message: z.string().nullish(), cascade_count: z.int().min(0).nullish() })
  .refine((wire) => Object.keys(wire).length === 0 || typeof wire.message === "string", "no message is in it")
  .transform((wire) => ({ cascadeCount: wire.cascade_count ?? null }));

// Pictures and files are content too; older answers have the text alone.
const messageContent = z
  .unknown()
  .transform((content) => (typeof content === "string" ? content : JSON.stringify(content ?? null)));
const historyInput = z.preprocess(
  (input) => (typeof input === "string" ? [{ content: input }] : input),
  z.array(z.object({ role: optionalText, content: messageContent })).nullish(),
);

/** An entry of a history. The embeddings, long and of no use to a caller, are left behind. */
export const memoryHistoryAnswer: z.ZodType<MemoryHistoryEntry> = z
  .object({
    ...scopeFields,
    id: upstreamId,
    memory_id: upstreamId,
    event: z.string(),
    old_memory: optionalText,
    new_memory: optionalText,
    input: historyInput,
    metadata: optionalObject,
    categories: optionalTexts,
    created_at: optionalDate,
    updated_at: optionalDate,
  })
  .transform((wire) => ({
    entryId: wire.id,
    memoryId: wire.memory_id,
    event: wire.event,
    oldMemory: wire.old_memory,
    newMemory: wire.new_memory,
    input: wire.input ?? null,
    userId: wire.user_id,
    agentId: wire.agent_id,
    appId: wire.app_id,
    runId: wire.session_id ?? wire.run_id,
    metadata: wire.metadata,
    categories: wire.categories,
    createdAt: wire.created_at,
    updatedAt: wire.updated_at,
  }));

const storedAnswer = z
  .object({
    id: upstreamId,
    memory: optionalText,
    data: z.object({ memory: z.string() }).nullish(),
    event: z.string(),
  })
  .transform((wire, context) => {
    const memory = wire.data?.memory ?? wire.memory;
    if (memory !== null) return { memoryId: wire.id, memory, event: wire.event };
    context.addIssue({ code: "custom", message: "Neither memory nor data.memory" });
    return z.NEVER;
  });

/** What became of a call to remember, in the current form and the older ones. */
export const addedAnswer: z.ZodType<AddedMemories> = z.preprocess(
  unwrapAdded,
  z
    .object({ event_id: optionalText, status: z.string().min(1), results: z.array(storedAnswer).nullish() })
    .transform((wire) => ({ eventId: wire.event_id, status: wire.status, results: wire.results ?? [] })),
);

/** The older forms put the one object that counts into an array, bare or under `results` (Mem0 docs, blogs). */
function unwrapAdded(body: unknown): unknown {
  if (Array.isArray(body)) return body.length === 1 ? body[0] : body;
  const isObject = typeof body === "object" && body !== null;
  if (!isObject || "status" in body || !("results" in body) || !Array.isArray(body.results)) return body;
  return body.results.length === 1 ? body.results[0] : body;
}
