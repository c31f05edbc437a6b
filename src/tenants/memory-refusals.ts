import { Refusal } from "./refusals.ts";

/** What callers are told whose memory call, or whose call of Mem0 itself, cannot be made or did not work. */

/** Nothing lets this memory call reach the tenant's own project, so it was not made. It never goes by another key. */
export class MemoryAccessMissing extends Refusal {
  override readonly name = "MemoryAccessMissing";
  readonly code = "MEMORY_ACCESS_MISSING";
  readonly retryable = false;
  readonly tenantId: string;
  /** What to do about it, for people. */
  readonly howTo: string;

  constructor(tenantId: string, message: string, howTo: string) {
    super(message);
    this.tenantId = tenantId;
    this.howTo = howTo;
  }
}

/** The tenant's project shows no such thing: it is not there, or not this tenant's, and which of the two is not told. */
export class NotInProject extends Refusal {
  override readonly name = "NotInProject";
  readonly code = "NOT_FOUND";
  readonly retryable = false;
  /** What was asked for: "memory", "event", "export". */
  readonly kind: string;

  constructor(kind: string) {
    super(`This tenant has no such ${kind}.`);
    this.kind = kind;
  }
}

/** Mem0 said no to the call: nothing was done, and asking the same again gets the same. */
export class UpstreamRefused extends Refusal {
  override readonly name = "UpstreamRefused";
  readonly code = "MEM0_REFUSED";
  readonly retryable = false;
  readonly status: number;
  /** Mem0's own words, at most 50 texts of at most 300 characters. */
  readonly messages: readonly string[];
  /** The fields that Mem0 complains of, each with its words. */
  readonly problems: readonly { readonly field: string; readonly message: string }[];

  constructor(message: string, refused: Pick<UpstreamRefused, "status" | "messages" | "problems">) {
    super(message);
    this.status = refused.status;
    this.messages = refused.messages;
    this.problems = refused.problems;
  }
}

/** The quota of the billing period is spent: the same call works again after it was renewed, which may be in weeks. */
export class UpstreamQuotaSpent extends Refusal {
  override readonly name = "UpstreamQuotaSpent";
  readonly code = "MEM0_QUOTA_SPENT";
  readonly retryable = false;
  /** When it is renewed. Null: Mem0 did not say it readably. */
  readonly quotaResetAt: Date | null;

  constructor(message: string, quotaResetAt: Date | null) {
    super(message);
    this.quotaResetAt = quotaResetAt;
  }
}

/** Mem0 takes no more calls just now. */
export class UpstreamThrottled extends Refusal {
  override readonly name = "UpstreamThrottled";
  readonly code = "MEM0_THROTTLED";
  readonly retryable = true;
  /** How long Mem0 asks us to wait. Null: it does not say. */
  readonly retryAfterMs: number | null;

  constructor(message: string, retryAfterMs: number | null) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Mem0 gave no usable answer. */
export class UpstreamUnavailable extends Refusal {
  override readonly name: string = "UpstreamUnavailable";
  readonly code: string = "MEM0_UNAVAILABLE";
  readonly retryable = true;
  /** Whether it may have done what was asked all the same. False for everything that only reads. */
  readonly mayHaveHappened: boolean;

  constructor(message: string, mayHaveHappened: boolean) {
    super(message);
    this.mayHaveHappened = mayHaveHappened;
  }
}

/** Mem0 answered something that is not in the shape of such an answer: nothing of it is passed on. */
export class UpstreamUnexpectedBody extends UpstreamUnavailable {
  override readonly name = "UpstreamUnexpectedBody";
  override readonly code = "MEM0_UNEXPECTED_BODY";
}
