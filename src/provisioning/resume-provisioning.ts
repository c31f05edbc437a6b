import { type InstallationVerb, recordAllowed, type VerbCall } from "../tenants/audit.ts";
import { resume } from "../tenants/pause.ts";
import { NotPaused } from "../tenants/refusals.ts";
import { queueRestored } from "../tenants/restoration.ts";
import { auditRefusals } from "./audited-verb.ts";
import type { Provisioning } from "./provisioning.ts";

/** A call of an operator that is about the whole installation, for the audit. */
export function installationCall(
  verb: InstallationVerb,
  { actor, reason }: { readonly actor: string; readonly reason: string },
  details: VerbCall["details"] = {},
): VerbCall {
  return { actor, verb, reason, operationId: null, tenantId: null, details };
}

/** The end of a pause as an operator asks for it. */
export interface Resumption {
  readonly actor: string;
  readonly reason: string;
  /** Whether every operation that a restore stopped is to go on, too. */
  readonly retryRestored: boolean;
}

/**
 * Ends the pause: within a sweep every process starts what is QUEUED. Answers how many operations that a restore had
 * stopped were queued. Audited, in the same transaction.
 * @throws {NotPaused} which is audited, too
 */
export async function resumeProvisioning(
  provisioning: Provisioning,
  resumption: Resumption,
): Promise<number> {
  const { retryRestored } = resumption;
  const call = installationCall("resumeProvisioning", resumption, { retryRestored });
  return auditRefusals(provisioning, call, () =>
    provisioning.prisma.$transaction(async (tx) => {
      if (!(await resume(tx))) throw new NotPaused();
      const retried = retryRestored ? await queueRestored(tx) : 0;
      await recordAllowed(tx, { ...call, details: { retryRestored, retried } });
      return retried;
    }),
  );
}
