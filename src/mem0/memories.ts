import { dayIfGiven, metadataIfGiven, momentIfGiven, textIfGiven, uuid } from "./arguments.ts";
import { InvalidArgument } from "./invalid-argument.ts";
import {
  addedAnswer,
  deletedAnswer,
  memoryAnswer,
  memoryHistoryAnswer,
  updatedAnswer,
} from "./memory-answers.ts";
import { memoryInputOnWire } from "./memory-input.ts";
import { mem0Path } from "./path.ts";
import { type MemoryCallOptions, withOverride } from "./project-override.ts";
import type { CallOptions, Mem0 } from "./request.ts";
import { wireList } from "./wire-fields.ts";

/** A memory as Mem0 shows it. What Mem0 leaves out is null. */
export interface Memory {
  readonly memoryId: string;
  readonly memory: string;
  readonly userId: string | null;
  readonly agentId: string | null;
  readonly appId: string | null;
  /** Mem0 calls it `session_id` everywhere but in a search (Mem0 OpenAPI). */
  readonly runId: string | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  /** Null until Mem0 has sorted it, which may be days after it was made (Mem0 CONTRACT notes). */
  readonly categories: readonly string[] | null;
  readonly createdAt: Date | null;
  readonly updatedAt: Date | null;
  /** The last day on which it is shown, `YYYY-MM-DD` in UTC. */
  readonly expirationDate: string | null;
  /** The memory that superseded it. */
  readonly replacedBy: string | null;
  readonly isSynthesized: boolean | null;
  readonly structuredAttributes: Readonly<Record<string, unknown>> | null;
  /** Any text: the values are not documented. */
  readonly lifecycleState: string | null;
}

/** Who says something, in Mem0's words. */
export const messageRoles = ["user", "assistant", "system"] as const;

/** One of `messageRoles`. */
export type MessageRole = (typeof messageRoles)[number];

/** A message of a conversation to remember. */
export interface MemoryMessage {
  readonly role: MessageRole;
  readonly content: string;
  readonly name?: string;
}

/** What to remember, and of whom: at least one of the four names. */
export interface AddMemoriesInput {
  readonly messages: readonly MemoryMessage[];
  readonly userId?: string;
  readonly agentId?: string;
  readonly appId?: string;
  readonly runId?: string;
  /** At most 2000 characters as JSON. Copied to every memory that comes of it. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** False stores every message as it stands, at once. Mem0's default is true: facts are extracted, later. */
  readonly infer?: boolean;
  /** `YYYY-MM-DD`: the last day on which the memories are shown. */
  readonly expirationDate?: string;
  /** Instead of the project's, for this call. */
  readonly customInstructions?: string;
  readonly agentCustomInstructions?: string;
  /** Each `{name: description}`; bare names, which a project takes, are refused here (Mem0 repository, commit d4cb65041). */
  readonly customCategories?: readonly Readonly<Record<string, string>>[];
  readonly isImmutable?: boolean;
  readonly includes?: string;
  readonly excludes?: string;
  /** Whole Unix seconds: when the memories are to have been made. */
  readonly timestamp?: number;
  /** An IANA time zone, in which `observationDate` is meant. */
  readonly timezone?: string;
  /** `YYYY-MM-DD`: when the conversation was observed. */
  readonly observationDate?: string;
  readonly structuredDataSchema?: Readonly<Record<string, unknown>>;
}

/** What became of a call to remember. */
export interface AddedMemories {
  /** The event to follow; null when Mem0 names none. */
  readonly eventId: string | null;
  /** In Mem0's words: `PENDING` when facts are extracted later, `SUCCEEDED` when all is stored. */
  readonly status: string;
  /** What was stored, when it was stored at once (`infer: false`); else empty. */
  readonly results: readonly { readonly memoryId: string; readonly memory: string; readonly event: string }[];
}

/** What to change of a memory; what is left out stays. */
export interface MemoryChanges {
  readonly text?: string;
  /** Instead of the metadata that is there (inferred). */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Null clears it. */
  readonly expirationDate?: string | null;
  /** Unix seconds, or an ISO date and time (Mem0 docs and Python client; not in the OpenAPI document). */
  readonly timestamp?: number | string;
}

/** One change in the life of a memory. What Mem0 leaves out is null. */
export interface MemoryHistoryEntry {
  readonly entryId: string;
  readonly memoryId: string;
  /** ADD, UPDATE or DELETE; any text, since Mem0's own tests know one more. */
  readonly event: string;
  readonly oldMemory: string | null;
  readonly newMemory: string | null;
  /** The messages that led to it. Content that is not text is given as its JSON. */
  readonly input: readonly { readonly role: string | null; readonly content: string }[] | null;
  readonly userId: string | null;
  readonly agentId: string | null;
  readonly appId: string | null;
  readonly runId: string | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly categories: readonly string[] | null;
  readonly createdAt: Date | null;
  readonly updatedAt: Date | null;
}

/**
 * Remembers what messages say. Not idempotent, though Mem0 drops what it has already: the same text in the same scope
 * when stored as it stands, the same fact when extracted (Mem0 CONTRACT notes). What is extracted cannot be read at
 * once: follow the event. `POST /v3/memories/add/`.
 *
 * @throws {InvalidArgument} for what Mem0 would refuse.
 * @throws {Mem0Refused} 400.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function addMemories(
  mem0: Mem0,
  input: AddMemoriesInput,
  options?: MemoryCallOptions,
): Promise<AddedMemories> {
  const body = withOverride(memoryInputOnWire(input), options);
  return mem0.send({
    method: "POST",
    path: mem0Path("/v3/memories/add/", {}),
    body,
    answer: addedAnswer,
    options,
  });
}

/**
 * One memory, also one that has expired. `GET /v1/memories/{memory_id}/`.
 *
 * @throws {InvalidArgument} when the id is not a UUID.
 * @throws {Mem0Refused} 404 when there is none for the key: also for another project's (inferred).
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function getMemory(mem0: Mem0, memoryId: string, options?: CallOptions): Promise<Memory> {
  return mem0.send({ method: "GET", path: memoryPath(memoryId), answer: memoryAnswer, options });
}

/**
 * Changes what is given and leaves the rest; a repeat changes nothing. `PUT /v1/memories/{memory_id}/`.
 *
 * @throws {InvalidArgument} when the id is not a UUID, nothing is to be changed, or Mem0 would refuse a change.
 * @throws {Mem0Refused} 400 for one that is immutable (inferred), 404 as for `getMemory`.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function updateMemory(
  mem0: Mem0,
  memoryId: string,
  changes: MemoryChanges,
  options?: MemoryCallOptions,
): Promise<Memory> {
  const path = memoryPath(memoryId);
  const { expirationDate } = changes;
  const wire = {
    text: textIfGiven("text", changes.text),
    metadata: metadataIfGiven("metadata", changes.metadata),
    expiration_date: expirationDate === null ? null : dayIfGiven("expirationDate", expirationDate),
    timestamp: momentIfGiven("timestamp", changes.timestamp),
  };
  if (Object.values(wire).every((value) => value === undefined)) {
    throw new InvalidArgument("changes", "At least one change is needed.");
  }
  const body = withOverride(wire, options);
  return mem0.send({ method: "PUT", path, body, answer: updatedAnswer, options });
}

/**
 * Deletes a memory at once; with `isLinkedToo` also those that are linked to it, and then says how many, else null.
 * Whether Mem0 erases it, nobody outside can see. A repeat gets 404. `DELETE /v1/memories/{memory_id}/`.
 *
 * @throws {InvalidArgument} when the id is not a UUID.
 * @throws {Mem0Refused} 404 as for `getMemory`.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function deleteMemory(
  mem0: Mem0,
  memoryId: string,
  { isLinkedToo = false }: { readonly isLinkedToo?: boolean } = {},
  options?: CallOptions,
): Promise<{ readonly cascadeCount: number | null }> {
  const path = memoryPath(memoryId);
  const query = isLinkedToo ? { delete_linked: "true" } : {};
  return mem0.send({ method: "DELETE", path, query, answer: deletedAnswer, options });
}

/**
 * All changes in the life of a memory, not paged, in Mem0's order (the oldest first: inferred). For an id that it does
 * not know Mem0 may answer an empty list or 404: not documented. `GET /v1/memories/{memory_id}/history/`.
 *
 * @throws {InvalidArgument} when the id is not a UUID.
 * @throws {Mem0Refused} 404.
 * @throws {Mem0Limited | Mem0Unanswered}
 */
export async function getMemoryHistory(
  mem0: Mem0,
  memoryId: string,
  options?: CallOptions,
): Promise<MemoryHistoryEntry[]> {
  const path = mem0Path("/v1/memories/{memory_id}/history/", { memory_id: uuid("memoryId", memoryId) });
  return mem0.send({ method: "GET", path, answer: wireList(memoryHistoryAnswer), options });
}

function memoryPath(memoryId: string) {
  return mem0Path("/v1/memories/{memory_id}/", { memory_id: uuid("memoryId", memoryId) });
}
