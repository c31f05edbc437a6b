import { filledList } from "./arguments.ts";
import { InvalidArgument } from "./invalid-argument.ts";
import type { Memory } from "./memories.ts";

/**
 * What can be fetched of a memory, in our words. Mem0's argument `fields` is in the client because the client is complete; the
 * API does not use it, for it would have to know at once what every part of a query asks for.
 */
export type MemoryField = keyof Memory;

const wireNames: Readonly<Record<Exclude<MemoryField, "runId">, string>> = {
  memoryId: "id",
  memory: "memory",
  userId: "user_id",
  agentId: "agent_id",
  appId: "app_id",
  metadata: "metadata",
  categories: "categories",
  createdAt: "created_at",
  updatedAt: "updated_at",
  expirationDate: "expiration_date",
  replacedBy: "replaced_by",
  isSynthesized: "synthesized",
  structuredAttributes: "structured_attributes",
  lifecycleState: "lifecycle_state",
};

const namesOf = {
  list: new Map<unknown, string>([...Object.entries(wireNames), ["runId", "session_id"]]),
  search: new Map<unknown, string>([...Object.entries(wireNames), ["runId", "run_id"]]),
};

// Without them an answer could not be read.
const alwaysOf = { list: ["id", "memory"], search: ["id", "memory", "score"] };

/**
 * Fields in Mem0's words, each once, with those that an answer is nothing without; undefined when all are wanted.
 * @throws {InvalidArgument} for an empty list, or a field that does not exist
 */
export function fieldsOnWire(
  fields: readonly MemoryField[] | undefined,
  call: "list" | "search",
): readonly string[] | undefined {
  if (fields === undefined) return undefined;
  const wanted = filledList("fields", fields).map((field, index) => {
    const name = namesOf[call].get(field);
    if (name === undefined) throw new InvalidArgument(`fields.${index}`, "A memory has no such field.");
    return name;
  });
  return [...new Set([...alwaysOf[call], ...wanted])];
}
