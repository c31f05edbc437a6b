import { z } from "zod";
import { filledList, jsonObject, metadataIfGiven, textIfGiven, uuid } from "./arguments.ts";
import { Mem0Error, Mem0Limited, Mem0Unanswered } from "./errors.ts";
import { InvalidArgument } from "./invalid-argument.ts";
import { mem0Path } from "./path.ts";
import { type MemoryCallOptions, withOverride } from "./project-override.ts";
import type { Mem0 } from "./request.ts";

/** How many memories Mem0 takes in one request (Mem0 OpenAPI). */
const batchSizeMax = 1000;

/** How many memories one call takes, of the client and of the API alike: ten requests, one after the other. */
export const batchItemsMax = 10 * batchSizeMax;

/** What to change of one memory: its text, its metadata, or both. */
export interface MemoryUpdate {
  readonly memoryId: string;
  readonly text?: string;
  /** At most 2000 characters as JSON. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** What became of one memory of a batch. */
export interface BatchItem {
  readonly memoryId: string;
  /**
   * Null when that is not known: the answer was lost, or Mem0 counted fewer memories than it was sent, without saying
   * which it left out. Then look at the memory.
   */
  readonly isDone: boolean | null;
  /** What went wrong with the request that it was in, or kept it from being sent. */
  readonly error: Mem0Error | null;
}

const batchPath = mem0Path("/v1/batch/", {});

/** How many memories were changed, by the only thing that Mem0 says of it: "Successfully updated 2 memories". */
const countAnswer = z
  .looseObject({ message: z.string().nullish() })
  .refine((wire) => Object.keys(wire).length === 0 || typeof wire.message === "string", "no message is in it")
  .transform(({ message }) => {
    const count = /\b(\d{1,9}) memor(?:y|ies)\b/i.exec(message ?? "")?.[1];
    return count === undefined ? null : Number(count);
  });

/**
 * Changes many memories; a repeat changes nothing. In requests of 1000, one after the other: one that fails does not
 * keep the next from being sent, but after a 429 or an abort none is. The answer is in the order of the input, and
 * tells every failure item by item instead of throwing it. `PUT /v1/batch/`.
 *
 * @throws {InvalidArgument} for an empty or too long list, an id that is not a UUID or there twice, an update of nothing.
 */
export async function updateMemories(
  mem0: Mem0,
  updates: readonly MemoryUpdate[],
  options?: MemoryCallOptions,
): Promise<readonly BatchItem[]> {
  const memories = boundedList("updates", updates).map(updateOnWire);
  refuseRepeats(memories, (index) => `updates.${index}.memoryId`);
  return sendInBatches(mem0, "PUT", memories, options);
}

/**
 * Deletes many memories, in requests as for `updateMemories` and with the same answer. Whether Mem0 skips or refuses
 * ids that it does not know is not documented. `DELETE /v1/batch/`, with a body.
 *
 * @throws {InvalidArgument} for an empty or too long list, and an id that is not a UUID or there twice.
 */
export async function deleteMemories(
  mem0: Mem0,
  memoryIds: readonly string[],
  options?: MemoryCallOptions,
): Promise<readonly BatchItem[]> {
  const memories = boundedList("memoryIds", memoryIds).map((id, index) => ({
    memory_id: uuid(`memoryIds.${index}`, id),
  }));
  refuseRepeats(memories, (index) => `memoryIds.${index}`);
  return sendInBatches(mem0, "DELETE", memories, options);
}

interface MemoryOnWire {
  readonly memory_id: string;
}

function boundedList(argument: string, values: unknown): readonly unknown[] {
  const list = filledList(argument, values);
  if (list.length <= batchItemsMax) return list;
  throw new InvalidArgument(argument, `At most ${batchItemsMax} memories can be given at once.`);
}

function updateOnWire(update: unknown, index: number) {
  const argument = `updates.${index}`;
  const given = jsonObject(argument, update);
  if (given["text"] === undefined && given["metadata"] === undefined) {
    throw new InvalidArgument(argument, "A text or metadata is needed.");
  }
  return {
    memory_id: uuid(`${argument}.memoryId`, given["memoryId"]),
    text: textIfGiven(`${argument}.text`, given["text"]),
    metadata: metadataIfGiven(`${argument}.metadata`, given["metadata"]),
  };
}

/** Which of two changes to one memory would be the last is anybody's guess; across requests, too. */
function refuseRepeats(memories: readonly MemoryOnWire[], argumentOf: (index: number) => string): void {
  const seen = new Set<string>();
  for (const [index, { memory_id }] of memories.entries()) {
    const id = memory_id.toLowerCase();
    if (seen.has(id)) throw new InvalidArgument(argumentOf(index), "This memory was given before.");
    seen.add(id);
  }
}

async function sendInBatches(
  mem0: Mem0,
  method: "PUT" | "DELETE",
  memories: readonly MemoryOnWire[],
  options: MemoryCallOptions | undefined,
): Promise<readonly BatchItem[]> {
  const items: BatchItem[] = [];
  for (let start = 0; start < memories.length; start += batchSizeMax) {
    const batch = memories.slice(start, start + batchSizeMax);
    const outcome = await sendBatch(mem0, method, batch, options);
    items.push(...batch.map(({ memory_id }) => ({ memoryId: memory_id, ...outcome })));
    const reason = outcome.error === null ? null : reasonToStop(outcome.error);
    if (reason === null) continue;
    const rest = memories.slice(start + batchSizeMax);
    return [
      ...items,
      ...rest.map(({ memory_id }) => ({ memoryId: memory_id, isDone: false, error: reason })),
    ];
  }
  return items;
}

async function sendBatch(
  mem0: Mem0,
  method: "PUT" | "DELETE",
  memories: readonly MemoryOnWire[],
  options: MemoryCallOptions | undefined,
): Promise<Pick<BatchItem, "isDone" | "error">> {
  try {
    const body = withOverride({ memories }, options);
    const count = await mem0.send({ method, path: batchPath, body, answer: countAnswer, options });
    return { isDone: count === null || count === memories.length ? true : null, error: null };
  } catch (error) {
    if (!(error instanceof Mem0Error)) throw error;
    return { isDone: error.mayHaveHappened ? null : false, error };
  }
}

/** The error of what is not sent any more after this one; null when the next request may go better. */
function reasonToStop(error: Mem0Error): Mem0Error | null {
  if (error instanceof Mem0Limited) return error;
  if (!(error instanceof Mem0Unanswered) || error.reason !== "aborted") return null;
  const { method, path } = error;
  const message = `Mem0 was not asked for ${method} batch: the call was aborted before.`;
  // Not the error itself: its request may have happened, and those that were never sent did not.
  return new Mem0Unanswered({ method, path, message, reason: "aborted", status: null, hasLeft: false });
}
