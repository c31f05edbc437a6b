import type { Logger } from "pino";
import type { PrismaClient } from "../generated/prisma/client.ts";
import type { Mem0 } from "../mem0/request.ts";
import type { Direction } from "../tenants/operation-steps.ts";

/** The waits of provisioning, all in milliseconds, and the bounds on repeats. Configuration, so that tests can be quick. */
export interface Timings {
  /** How long after a lost answer to a create an empty look begins to mean that nothing was made. */
  readonly settleMs: number;
  /** How long after an ambiguous operation ended the last look for twins is due. */
  readonly twinCheckMs: number;
  /** The wait before a member without a Mem0 user is first tried again; doubles up to `memberRetryMaxMs`. */
  readonly memberRetryMs: number;
  readonly memberRetryMaxMs: number;
  /** Bounds of the random wait between two attempts at a step. */
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
  /** Attempts at a step in one run, the first included. Then the operation is parked, and the next run has as many. */
  readonly attemptsMax: number;
  /** How long a step is tried, from its first start in a direction. A failure after that is for good. */
  readonly stepDeadlineMs: number;
  /** The same for an operation, from its first run, and anew from where it turns back. */
  readonly operationDeadlineMs: number;
  /** Bounds of the random time for which an operation is parked while Mem0 cannot be used; doubles each time in a row. */
  readonly parkBaseMs: number;
  readonly parkMaxMs: number;
  /** The longest wait inside a run. For a longer one the operation is parked. */
  readonly waitMaxMs: number;
  /** How often due work is looked for. */
  readonly sweepMs: number;
}

/** The defaults of `Timings`. */
export const defaultTimings: Timings = {
  settleMs: 10_000,
  twinCheckMs: 300_000,
  memberRetryMs: 60_000,
  memberRetryMaxMs: 86_400_000,
  retryBaseMs: 250,
  retryMaxMs: 10_000,
  attemptsMax: 6,
  stepDeadlineMs: 900_000,
  operationDeadlineMs: 3_600_000,
  parkBaseMs: 5_000,
  parkMaxMs: 300_000,
  waitMaxMs: 30_000,
  sweepMs: 1_000,
};

/** Which attempt at which step is about to be made, in which direction. */
export interface Deed {
  readonly operationId: string;
  readonly tenantId: string;
  readonly kind: string;
  readonly step: string;
  readonly direction: Direction;
  /** 1 for the first; counts over all runs, in both directions. */
  readonly attempt: number;
}

/**
 * The one seam of the runner: called around every attempt at a step, inside its record. It must answer what
 * `proceed` answers, or throw. Production traces here; tests break things here.
 */
export type Around = (deed: Deed, proceed: () => Promise<unknown>) => Promise<unknown>;

/** Leave of this process to run sagas and to write upstream. It may be lost for a while, or for good. */
export interface Leave {
  isHeld(): boolean;
  /** Waits until it is held again; for ever where a peer took over, for then this process is about to end. */
  whenHeld(): Promise<void>;
}

/** Everything that sagas work with. Made once, in `main.ts`. */
export interface Provisioning {
  readonly prisma: PrismaClient;
  readonly mem0: Mem0;
  /** The platform's account: its row, and the e-mail that is never touched as a member. */
  readonly account: { readonly id: string; readonly userEmail: string };
  readonly markerSecret: Uint8Array;
  /**
   * A client with the key of a customer's account, which stays open; by the account's id and what is stored of the key.
   * @throws {CannotOpen} when this process has not what unseals it
   */
  readonly openAccount: (accountId: string, sealedKey: unknown) => Promise<Mem0>;
  readonly timings: Timings;
  readonly around: Around;
  /**
   * Told after every change of an operation's rows, so that whoever watches it in any process looks again. Never throws
   * and never waits. What is announced may be lost: watchers look by themselves, too, only less often.
   */
  readonly announce: (operationId: string) => void;
  readonly leave: Leave;
  readonly log: Logger;
}
