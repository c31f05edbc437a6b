import type { z } from "zod";

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

  /** What a schema found. */
  static of({ issues }: z.ZodError): InvalidInput {
    return new InvalidInput(issues.map(({ path, message }) => ({ field: path.join("."), message })));
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

/** This step of the operation cannot be skipped, now or ever; the message says what to do instead. */
export class StepNotSkippable extends Refusal {
  override readonly name = "StepNotSkippable";
  readonly code = "STEP_NOT_SKIPPABLE";
  readonly retryable = false;
  readonly operationId: string;

  constructor(operationId: string, message: string) {
    super(message);
    this.operationId = operationId;
  }
}

/** No resource has this id. */
export class ResourceNotFound extends Refusal {
  override readonly name = "ResourceNotFound";
  readonly code = "RESOURCE_NOT_FOUND";
  readonly retryable = false;

  constructor() {
    super("There is no resource with this id.");
  }
}

/** Nothing upstream can be adopted for this resource as things are; the message says why. */
export class ResourceNotAdoptable extends Refusal {
  override readonly name = "ResourceNotAdoptable";
  readonly code = "RESOURCE_NOT_ADOPTABLE";
  readonly retryable = false;
  readonly resourceId: string;

  constructor(resourceId: string, message: string) {
    super(message);
    this.resourceId = resourceId;
  }
}

/** Mem0 answers 404 for this id, to our account. That it is there cannot be overridden. */
export class UpstreamNotFound extends Refusal {
  override readonly name = "UpstreamNotFound";
  readonly code = "UPSTREAM_NOT_FOUND";
  readonly retryable = false;

  constructor(what: string) {
    super(`Mem0 does not show us the ${what}: it is not there, or we are not in it.`);
  }
}

/** Mem0 could not be asked. Nothing was changed. */
export class UpstreamNotReadable extends Refusal {
  override readonly name = "UpstreamNotReadable";
  readonly code = "UPSTREAM_NOT_READABLE";
  readonly retryable: boolean;

  constructor(told: string, retryable: boolean) {
    super(`Mem0 has to be asked for this, and that failed: ${told}`);
    this.retryable = retryable;
  }
}

/** The thing upstream cannot be taken for ours. An operator who knows better says `override`. */
export class UpstreamNotTrusted extends Refusal {
  override readonly name = "UpstreamNotTrusted";
  readonly code = "UPSTREAM_NOT_TRUSTED";
  readonly retryable = false;
  /** Every rule that is broken, in words. */
  readonly problems: readonly string[];

  constructor(what: string, problems: readonly string[]) {
    super(`The ${what} cannot be taken for ours: ${problems.join("; ")}.`);
    this.problems = problems;
  }
}

/** The thing upstream is another resource of the mapping. That cannot be overridden. */
export class UpstreamAlreadyMapped extends Refusal {
  override readonly name = "UpstreamAlreadyMapped";
  readonly code = "UPSTREAM_ALREADY_MAPPED";
  readonly retryable = false;

  constructor(upstreamId: string) {
    super(`${upstreamId} is in the mapping already, as another resource.`);
  }
}

/** The operation cannot be called off; the message says what to do instead. */
export class OperationNotAbortable extends Refusal {
  override readonly name = "OperationNotAbortable";
  readonly code = "OPERATION_NOT_ABORTABLE";
  readonly retryable = false;
  readonly operationId: string;

  constructor(operationId: string, message: string) {
    super(message);
    this.operationId = operationId;
  }
}

/** There is nothing that this amendment could still change; the message says why. */
export class NothingToAmend extends Refusal {
  override readonly name = "NothingToAmend";
  readonly code = "NOTHING_TO_AMEND";
  readonly retryable = false;
  readonly operationId: string;

  constructor(operationId: string, message: string) {
    super(message);
    this.operationId = operationId;
  }
}

/** The installation is not paused, so there is nothing to resume. */
export class NotPaused extends Refusal {
  override readonly name = "NotPaused";
  readonly code = "NOT_PAUSED";
  readonly retryable = false;

  constructor() {
    super("The installation is not paused.");
  }
}

/** Nothing unaccounted has this id. */
export class UnaccountedNotFound extends Refusal {
  override readonly name = "UnaccountedNotFound";
  readonly code = "UNACCOUNTED_NOT_FOUND";
  readonly retryable = false;

  constructor() {
    super("Nothing unaccounted has this id.");
  }
}
