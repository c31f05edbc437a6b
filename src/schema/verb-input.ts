import { OperationNotFound, ResourceNotFound } from "../tenants/refusals.ts";

/** A global id as Relay takes it apart. */
interface GlobalId {
  readonly typename: string;
  readonly id: string;
}

/** How long a verb's caller can wait; the same words for every verb. */
export const waitMsDescription = "How long to wait until the operation stops; 0 to 60000.";

/** Why something is done by hand; the same words for every verb. */
export const reasonDescription = "Why; 1 to 2000 characters, kept word for word in the audit.";

/**
 * The operation's own id. What cannot be one is not even looked for.
 * @throws {OperationNotFound}
 */
export function operationIdOf({ typename, id }: GlobalId): string {
  if (typename === "Operation" && /^op_[0-9a-z]{26}$/.test(id)) return id;
  throw new OperationNotFound();
}

/**
 * The resource's own id. What cannot be one is not even looked for.
 * @throws {ResourceNotFound}
 */
export function resourceIdOf({ typename, id }: GlobalId): string {
  if (typename === "Resource" && /^res_[0-9a-z]{26}$/.test(id)) return id;
  throw new ResourceNotFound();
}
