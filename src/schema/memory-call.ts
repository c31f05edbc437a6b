import { orAbsent } from "../mem0/or-absent.ts";
import type { MemoryCallOptions } from "../mem0/project-override.ts";
import type { Mem0 } from "../mem0/request.ts";
import type { MemoryCallForm } from "../memory-access/memory-door.ts";
import { MemoryAccessMissing, NotInProject } from "../tenants/memory-refusals.ts";
import { TenantNotFound } from "../tenants/refusals.ts";
import { findTenant } from "../tenants/tenant-store.ts";
import type { Context } from "./builder.ts";
import { answeringMem0, mem0Failures } from "./mem0-failures.ts";
import { type IdSealer, mem0IdOf, type ProjectThing } from "./memory-ids.ts";

/** A tenant's own project, and how to call it. */
export interface TenantProject {
  readonly tenantId: string;
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
 * A write is not broken off when the caller goes away: nobody could tell any more what became of it.
 * @throws {Refusal} one of `memoryFailures`, or what `call` refuses
 */
export function inTenantProject<T>(
  { door, meter, provisioning }: Pick<Context, "door" | "meter" | "provisioning">,
  tenantId: string,
  form: MemoryCallForm,
  call: (project: TenantProject) => Promise<T>,
  fieldOf?: (argument: string) => string,
): Promise<T> {
  return answeringMem0(async () => {
    const { mem0, override } = await door.open(tenantId, form);
    const sealer = { provisioning };
    return call({ tenantId, sealer, mem0, options: { project: override, onCall: meter.count } });
  }, fieldOf);
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
 * @throws {NotInProject}
 */
export async function askForOne<T>(
  thing: ProjectThing,
  { tenantId, sealer }: TenantProject,
  id: string,
  ask: (mem0Id: string) => Promise<T | null>,
): Promise<T> {
  const mem0Id = mem0IdOf(sealer, thing, tenantId, id);
  const found = mem0Id === null ? null : await orAbsent(ask(mem0Id));
  if (found === null) throw new NotInProject(kinds[thing]);
  return found;
}

/**
 * The newest tenant of a key, for a mutation.
 * @throws {TenantNotFound}
 */
export async function tenantIdOfKey({ prisma }: Pick<Context, "prisma">, key: string): Promise<string> {
  const tenant = await findTenant(prisma, key);
  if (tenant === null) throw new TenantNotFound(key);
  return tenant.id;
}
