import type { CallerEntity } from "../access/caller.ts";
import { getMemory } from "../mem0/memories.ts";
import { orAbsent } from "../mem0/or-absent.ts";
import type { MemoryCallOptions } from "../mem0/project-override.ts";
import type { Mem0 } from "../mem0/request.ts";
import type { MemoryCallForm } from "../memory-access/memory-door.ts";
import { upstreamOutcomeOf } from "../provisioning/write-to-mem0.ts";
import { auditingUpstream } from "../tenants/call-audit.ts";
import { MemoryAccessMissing, NotInProject } from "../tenants/memory-refusals.ts";
import { InvalidInput, TenantNotFound } from "../tenants/refusals.ts";
import { findTenant } from "../tenants/tenant-store.ts";
import type { Context } from "./builder.ts";
import { isOfEntity } from "./caller-entity.ts";
import { answeringMem0, mem0Failures } from "./mem0-failures.ts";
import { type IdSealer, mem0IdOf, type ProjectThing } from "./memory-ids.ts";

/** A tenant's own project, and how to call it. */
export interface TenantProject {
  readonly tenantId: string;
  /** The only one of it there is for the caller. Null: all. */
  readonly entity: CallerEntity | null;
  /** What ids in GraphQL are read by. */
  readonly sealer: IdSealer;
  /** A client whose key was proved to reach the tenant's project, and no other tenant's, by `options`. */
  readonly mem0: Mem0;
  /** What every call takes last. */
  readonly options: MemoryCallOptions;
}

/** What a field of a tenant's memories may answer instead of its result. */
export const memoryFailures = [MemoryAccessMissing, ...mem0Failures] as const;

/** The same of a field that asks for one thing. */
export const memoryFailuresOfOne = [NotInProject, ...memoryFailures] as const;

/** The same of a mutation, which names its tenant. */
export const memoryFailuresOfChange = [TenantNotFound, ...memoryFailures] as const;

/** The same of a mutation of one thing. */
export const memoryFailuresOfChangeOfOne = [TenantNotFound, ...memoryFailuresOfOne] as const;

/**
 * Calls the project of a tenant: the only way from a field to a memory. The calls are counted for
 * `extensions.upstream`, and what goes wrong with them is told as a refusal. `fieldOf` gives the name that the caller used
 * for an argument of the client's; by default it is the same.
 *
 * A write is not broken off when the caller goes away: nobody could tell any more what became of it. Before it, and again with
 * its outcome, it is audited; what only reads is not.
 * @throws {Refusal} one of `memoryFailures`, or what `call` refuses
 */
export function inTenantProject<T>(
  { door, meter, provisioning, caller }: Pick<Context, "door" | "meter" | "provisioning" | "caller">,
  tenantId: string,
  form: MemoryCallForm,
  call: (project: TenantProject) => Promise<T>,
  fieldOf?: (argument: string) => string,
): Promise<T> {
  return answeringMem0(async () => {
    const { mem0, override } = await door.open(tenantId, form);
    const options = { project: override, onCall: meter.count };
    const project = { tenantId, entity: caller.entity, sealer: { provisioning }, mem0, options };
    return auditingUpstream(provisioning, tenantId, () => call(project), upstreamOutcomeOf);
  }, fieldOf);
}

/**
 * How one thing is changed that the caller named by its id, by a call with a body. Who is bound to one entity needs the way without
 * one, too: the thing is read first, and only a body could say that another project is meant than the key's.
 */
export function formOfChangeOfOne({ entity }: Pick<Context["caller"], "entity">): MemoryCallForm {
  return entity === null ? "with-body" : "without-body";
}

/** What callers read of each kind of thing that is not there. */
const kinds: Readonly<Record<ProjectThing, string>> = {
  Memory: "memory",
  MemoryEvent: "event",
  MemoryExport: "export",
};

/**
 * Asks for one thing of a project by its id in GraphQL. An id that means nothing in this tenant, an answer of null and a
 * 404 of Mem0's are one and the same: not there. For the first nothing is sent, because it must not depend on Mem0
 * whether a key can touch what is another tenant's; it tells nobody more than the id does, which holds the tenant.
 * For a caller who is bound to one entity a memory is read first, and another's is not there: one call more.
 * @throws {NotInProject}
 */
export async function askForOne<T>(
  thing: ProjectThing,
  project: Pick<TenantProject, "tenantId" | "sealer" | "entity" | "mem0" | "options">,
  id: string,
  ask: (mem0Id: string) => Promise<T | null>,
): Promise<T> {
  const mem0Id = mem0IdOf(project.sealer, thing, project.tenantId, id);
  const isThere = mem0Id !== null && (thing !== "Memory" || (await isForCaller(project, mem0Id)));
  const found = isThere ? await orAbsent(ask(mem0Id)) : null;
  if (found === null) throw new NotInProject(kinds[thing]);
  return found;
}

async function isForCaller(
  { entity, mem0, options }: Pick<TenantProject, "entity" | "mem0" | "options">,
  mem0Id: string,
): Promise<boolean> {
  if (entity === null) return true;
  // It would be read in another project than the tenant's.
  if ((options.project ?? null) !== null)
    throw new Error("A memory can be read by the project's own key alone.");
  const memory = await orAbsent(getMemory(mem0, mem0Id, options));
  return memory !== null && isOfEntity(entity, memory);
}

/**
 * The tenant that a mutation is about: the newest of a key. A tenant's own caller need not name it, and there is no other.
 * @throws {TenantNotFound}
 * @throws {InvalidInput} when a caller who is bound to no tenant names none
 */
export async function tenantIdOfKey(
  { prisma, caller }: Pick<Context, "prisma" | "caller">,
  key: string | undefined,
): Promise<string> {
  if (key === undefined) {
    if (caller.tenantId !== null) return caller.tenantId;
    throw new InvalidInput([{ field: "tenantKey", message: "Must be given." }]);
  }
  const tenant = await findTenant(prisma, key);
  if (tenant === null || (caller.tenantId ?? tenant.id) !== tenant.id) throw new TenantNotFound(key);
  return tenant.id;
}
