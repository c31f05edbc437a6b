/**
 * What a caller asked for and cannot have, for a reason the caller can act on. Refusals are part of the
 * schema (one member of a mutation's union each); everything else that is thrown is a fault and is masked.
 */
export abstract class Refusal extends Error {
  /** Stable word for programs. Never changes its meaning. */
  abstract readonly code: string;
  /** Whether the same call may succeed later without the caller changing anything. */
  abstract readonly retryable: boolean;
}

/** One thing wrong with an input. */
export interface InputProblem {
  /** Where, as a path from `input`: `members.0.email`. */
  readonly field: string;
  /** What is wrong, a sentence for people. */
  readonly message: string;
}

/** The input breaks a rule. Nothing was written and nothing was started. */
export class InvalidInput extends Refusal {
  override readonly name = "InvalidInput";
  readonly code = "INVALID_INPUT";
  readonly retryable = false;
  readonly problems: readonly InputProblem[];

  constructor(problems: readonly InputProblem[]) {
    super(problems.map(({ field, message }) => `${field}: ${message}`).join(" "));
    this.problems = problems;
  }
}

/** A tenant that is neither failed nor off-boarded has this key already. */
export class TenantKeyTaken extends Refusal {
  override readonly name = "TenantKeyTaken";
  readonly code = "TENANT_KEY_TAKEN";
  readonly retryable = false;
  readonly tenantId: string;

  constructor(key: string, tenantId: string) {
    super(`The tenant key "${key}" is taken by a tenant that was not off-boarded.`);
    this.tenantId = tenantId;
  }
}

/** No tenant has this key. */
export class TenantNotFound extends Refusal {
  override readonly name = "TenantNotFound";
  readonly code = "TENANT_NOT_FOUND";
  readonly retryable = false;

  constructor(key: string) {
    super(`There is no tenant with the key "${key}".`);
  }
}

/** The tenant is in a status from which this cannot be done. */
export class TenantStatusRefused extends Refusal {
  override readonly name = "TenantStatusRefused";
  readonly code = "TENANT_STATUS_REFUSED";
  readonly retryable = false;
  readonly tenantId: string;

  constructor(tenantId: string, message: string) {
    super(message);
    this.tenantId = tenantId;
  }
}

/** The caller used this idempotency key before, with another input. */
export class IdempotencyKeyReused extends Refusal {
  override readonly name = "IdempotencyKeyReused";
  readonly code = "IDEMPOTENCY_KEY_REUSED";
  readonly retryable = false;
  readonly operationId: string;

  constructor(operationId: string) {
    super("This idempotency key was used before with another input. Use a new key for a new intent.");
    this.operationId = operationId;
  }
}

/** Another operation of this tenant is open. It must end, or be resolved, first. */
export class OperationInProgress extends Refusal {
  override readonly name = "OperationInProgress";
  readonly code = "OPERATION_IN_PROGRESS";
  readonly retryable = true;
  readonly operationId: string;

  constructor(operationId: string) {
    super("Another operation of this tenant is open.");
    this.operationId = operationId;
  }
}

/** No operation has this id. */
export class OperationNotFound extends Refusal {
  override readonly name = "OperationNotFound";
  readonly code = "OPERATION_NOT_FOUND";
  readonly retryable = false;

  constructor() {
    super("There is no operation with this id.");
  }
}

/** Only an operation that needs attention, or is parked, can be told to go on. */
export class OperationNotResumable extends Refusal {
  override readonly name = "OperationNotResumable";
  readonly code = "OPERATION_NOT_RESUMABLE";
  readonly retryable = false;
  readonly operationId: string;

  constructor(operationId: string, status: string) {
    super(`The operation is ${status}; only one that is PARKED or NEEDS_ATTENTION can be told to go on.`);
    this.operationId = operationId;
  }
}
