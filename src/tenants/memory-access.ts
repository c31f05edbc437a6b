/** What memory calls need a memory access for: all of them. */
const memoryCalls = [
  "add",
  "search",
  "list",
  "get",
  "update",
  "delete",
  "history",
  "entities",
  "events",
  "exports",
  "feedback",
] as const;

/** Whether memory calls can reach the tenant's own project. MISSING: none can. */
export type MemoryAccessState = "MISSING";

/** What lets memory calls reach a tenant's own project, and what is missing for it. */
export interface MemoryAccess {
  readonly state: MemoryAccessState;
  /** The memory calls that would be refused. */
  readonly missingFor: readonly string[];
  /** What to do about it, for people. */
  readonly howTo: string;
}

/**
 * The memory access of a tenant. In Mem0 the API key alone decides which project a memory call reaches, and
 * no endpoint makes keys (Mem0 docs, api-reference/organizations-projects), so a place that was just created is
 * mute until somebody makes a key for its project in Mem0's dashboard. Loci cannot hold such keys yet, so the
 * answer is the same for every tenant.
 */
export function memoryAccessOf(): MemoryAccess {
  return {
    state: "MISSING",
    missingFor: memoryCalls,
    howTo:
      "Mem0 has no API that makes API keys, and the key alone decides which project a memory call reaches. " +
      "Create a key for this tenant's project in Mem0's dashboard (Settings > API keys) and keep it: attaching it " +
      "to the tenant comes in a later version of Loci. Until then Loci makes no memory call for this tenant.",
  };
}
