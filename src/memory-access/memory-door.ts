import type { Mem0 } from "../mem0/request.ts";

/**
 * What a memory call must be able to do with its access. `without-body`: it carries no JSON body (get and delete by id,
 * history, entities, events, delete by filter), so nothing but the key itself can decide the project. `with-body`: a pair of
 * ids in its body may redirect it to another project of the key's organization (Mem0 maintainers' notes, observed live).
 */
export type MemoryCallForm = "with-body" | "without-body";

/** A way into the project of one tenant, and of no other, proved by Mem0's ping. */
export interface MemoryAccess {
  readonly tenantId: string;
  /** A client with a key that was proved. */
  readonly mem0: Mem0;
  readonly orgId: string;
  readonly projectId: string;
  /** BOUND_KEY: the key is of this very project. BODY_OVERRIDE: of the same organization, and the body says which project. */
  readonly via: "BOUND_KEY" | "BODY_OVERRIDE";
  /** What the body of every call by it must carry. Null for a bound key. */
  readonly override: { readonly orgId: string; readonly projectId: string } | null;
}

/** The one door to memories. Whatever reads or writes a memory of a tenant went through it. */
export interface MemoryDoor {
  /**
   * A proved access to the project of an ACTIVE tenant. At most one database round trip; none when it is known already
   * and nothing has changed it since, which every process is told of. It never answers another project's access.
   * @throws {MemoryAccessMissing} when there is none, or none that serves a call of this form; it says what to do
   */
  open(tenantId: string, form: MemoryCallForm): Promise<MemoryAccess>;
  /** Ends the clients that it keeps. A repeat waits for the same end. */
  close(): Promise<void>;
}
