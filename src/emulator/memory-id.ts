import { roleInProject } from "./access.ts";
import type { Call } from "./call.ts";
import { readableMemory } from "./memory-reads.ts";
import { type MemoryRow, memories } from "./memory-rows.ts";
import { refusalError } from "./refusal.ts";
import type { Upstream } from "./resource.ts";
import { projects } from "./rows.ts";

/** Is it a UUID, in either case? */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text);
}

/** The id of the path, in lower case. @throws {Refusal} 400 for what is no UUID (Mem0 OpenAPI). */
export function memoryIdOf(call: Call): string {
  const memoryId = call.param("memory_id");
  if (!isUuid(memoryId)) throw refusalError(400, "memory_id should be a valid UUID");
  return memoryId.toLowerCase();
}

/**
 * The memory of the path, in this project.
 * @throws {Refusal} 400 for what is no UUID; 404 alike for an unknown one, a deleted one, one that is still being added,
 *   and one of another project (the last inferred, and a switch).
 */
export function memoryOf(upstream: Upstream, call: Call, projectId: string): MemoryRow {
  const memoryId = memoryIdOf(call);
  const memory = readableMemory(upstream, projectReached(upstream, call, projectId, memoryId), memoryId);
  if (memory === undefined) throw refusalError(404, "Memory not found!");
  return memory;
}

/** The project in which this memory is looked for: the given one, or (a switch) its own, where the key's person has a role. */
export function projectReached(
  upstream: Upstream,
  { caller }: Call,
  projectId: string,
  memoryId: string,
): string {
  const { state } = upstream;
  if (state.switches.foreignMemories === "hidden") return projectId;
  const project = state.table(projects).get(state.table(memories).get(memoryId)?.project_id ?? projectId);
  const isReached = project !== undefined && roleInProject(upstream, project, caller) !== null;
  return isReached ? project.project_id : projectId;
}
