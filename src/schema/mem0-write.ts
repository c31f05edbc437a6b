import type { CallOptions } from "../mem0/request.ts";
import { type Mem0Write, writeToMem0 } from "../provisioning/write-to-mem0.ts";
import type { Context } from "./builder.ts";
import { answeringMem0 } from "./mem0-failures.ts";

/** The description of the `reason` of these mutations. */
export const writeReasonDescription = "Why; 1 to 2000 characters, kept word for word in the audit.";

/** What every description of these mutations ends with. */
export const oneCall =
  "One call of Mem0, beside the reads that check whose it is, and audited before and after. Not for what is a tenant's.";

type Write<Answer> = Omit<Mem0Write<Answer>, "actor" | "send"> & {
  readonly send: (options: CallOptions) => Promise<Answer>;
};

/**
 * Makes one change in Mem0 by hand, for the caller. A repeat makes it again.
 * @throws {ManagedByTenant} {UpstreamNotFound} and any of `mem0Failures`
 */
export async function writeByHand<Answer>(
  { provisioning, caller, meter }: Context,
  write: Write<Answer>,
): Promise<Answer> {
  const options = { onCall: meter.count };
  const asked = { ...write, actor: caller.actor, send: () => write.send(options) };
  return answeringMem0(() => writeToMem0(provisioning, asked, options));
}
