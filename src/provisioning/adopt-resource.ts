import type { Operation, Resource } from "../generated/prisma/client.ts";
import { readResource } from "../tenants/mapping.ts";
import { adoptUpstreamId, isMapped } from "../tenants/mapping-by-hand.ts";
import { type OperationSituation, readSituation } from "../tenants/operation-situation.ts";
import { openOperationId, queueNextRun } from "../tenants/operation-store.ts";
import {
  ResourceNotAdoptable,
  ResourceNotFound,
  UpstreamAlreadyMapped,
  UpstreamNotFound,
  UpstreamNotTrusted,
} from "../tenants/refusals.ts";
import { auditedVerb, auditRefusals, type VerbRequest } from "./audited-verb.ts";
import type { RunStarter } from "./engine.ts";
import { inspectUpstream } from "./inspect-upstream.ts";
import { whyNotAdopt } from "./operator-actions.ts";
import type { Provisioning } from "./provisioning.ts";

/** Which thing upstream is which resource. */
export interface AdoptRequest extends VerbRequest {
  readonly resourceId: string;
  /** Mem0's id of it. */
  readonly upstreamId: string;
  /** Whether the operator answers for it that it is ours, whatever the trust rules say. */
  readonly isOverride: boolean;
  /** Whether the operation goes on at once. */
  readonly isRetried: boolean;
}

/**
 * Takes a thing upstream for a resource that has no upstream id, under an operation that NEEDS_ATTENTION: reads it, holds
 * it against the trust rules, and writes its id by compare-and-set. The create whose answer was lost is thereby done.
 * Audited, with the rules that were overridden. When the operation goes back, the next run deletes what was adopted.
 * @throws {ResourceNotFound}
 * @throws {ResourceNotAdoptable} when our own rows are against it; a repeat finds an id in the mapping
 * @throws {UpstreamNotFound} {UpstreamNotReadable} {UpstreamAlreadyMapped} none of which can be overridden
 * @throws {UpstreamNotTrusted} naming every rule that is broken
 */
export async function adoptResource(
  provisioning: Provisioning,
  engine: RunStarter,
  request: AdoptRequest,
): Promise<Operation> {
  const { prisma } = provisioning;
  const { resourceId, upstreamId, isOverride, isRetried, actor, reason } = request;
  const resource = await prisma.resource.findUnique({ where: { id: resourceId } });
  const operationId = resource === null ? null : await openOperationId(prisma, resource.tenantId);
  const asked = { resource: resourceId, upstreamId, override: isOverride, thenRetry: isRetried };
  const call = { verb: "adoptResource", actor, reason, operationId, details: asked } as const;
  const problems = await auditRefusals(provisioning, call, async () => {
    if (resource === null) throw new ResourceNotFound();
    if (operationId === null) {
      throw new ResourceNotAdoptable(resourceId, "The tenant has no open operation under which to adopt it.");
    }
    refuseUnlessAdoptable(await readSituation(prisma, operationId), resourceId);
    if (await isMapped(prisma, resource.kind, upstreamId)) throw new UpstreamAlreadyMapped(upstreamId);
    return judgeUpstream(provisioning, resource, request);
  });
  const operation = await auditedVerb(provisioning, call, async (tx, situation) => {
    // While Mem0 was asked, another operator may have done something.
    refuseUnlessAdoptable(situation, resourceId);
    if (!(await adoptUpstreamId(tx, { resourceId, upstreamId }))) {
      throw new ResourceNotAdoptable(resourceId, "It changed at this very moment.");
    }
    if (isRetried) await queueNextRun(tx, situation.id);
    return { details: { overridden: problems } };
  });
  if (isRetried) engine.start(operation.id, operation.run);
  return operation;
}

function refuseUnlessAdoptable(situation: OperationSituation, resourceId: string): void {
  const resource = situation.tenant.resources.find(({ id }) => id === resourceId);
  if (resource === undefined) throw new ResourceNotFound();
  const objection = whyNotAdopt(situation, resource);
  if (objection !== null) throw new ResourceNotAdoptable(resourceId, objection);
}

/** Reads the thing upstream. Answers the trust rules that it breaks and that are overridden. */
async function judgeUpstream(
  provisioning: Provisioning,
  resource: Resource,
  { upstreamId, isOverride }: AdoptRequest,
): Promise<string[]> {
  const parents: Resource[] = [];
  for (let id = resource.parentId; id !== null; ) {
    const parent = await readResource(provisioning.prisma, id);
    parents.unshift(parent);
    id = parent.parentId;
  }
  const problems = await inspectUpstream(provisioning, resource, parents, upstreamId);
  const what = `${resource.kind.toLowerCase()} ${upstreamId}`;
  if (problems === null) throw new UpstreamNotFound(what);
  if (problems.length > 0 && !isOverride) throw new UpstreamNotTrusted(what, problems);
  return problems;
}
