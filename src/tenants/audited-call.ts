import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import type { Prisma } from "../generated/prisma/client.ts";

/** What is known of a call of a mutation before it is done. */
export interface CallFacts {
  readonly actor: string;
  /** The mutation. */
  readonly action: string;
  /** The request's id. */
  readonly correlationId: string;
  /** What the actor gave as the reason; empty: nothing. */
  readonly reason: string;
  /** What was asked for, without secrets. */
  readonly details: Prisma.InputJsonObject;
}

/**
 * One call of a mutation, and what of it is in the audit by now. Whoever writes an event says so here, so that the call
 * is neither audited twice nor not at all.
 */
export class AuditedCall {
  readonly id = randomUUID();
  readonly facts: CallFacts;
  /** An event says that it was refused. */
  isRefusalWritten = false;
  /** An event says that it was allowed, if its transaction was committed. */
  isAllowedWritten = false;
  /** An event says that it is about to be done, and whoever wrote it writes the outcome, too. */
  isAskedWritten = false;

  constructor(facts: CallFacts) {
    this.facts = facts;
  }
}

const calls = new AsyncLocalStorage<AuditedCall>();

/** Does something as this call: events that are written meanwhile are its own. */
export function duringCall<T>(call: AuditedCall, run: () => T): T {
  return calls.run(call, run);
}

/** The call that is being done. Null: nobody called, Loci does something by itself. */
export function currentCall(): AuditedCall | null {
  return calls.getStore() ?? null;
}
