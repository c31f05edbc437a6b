import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  DelegateBackoff,
  handleType,
} from "cockatiel";
import { Mem0Limited, Mem0Refused, Mem0Unanswered } from "./errors.ts";
import { wholeNumber } from "./whole-number.ts";

/** When a circuit opens and when it is tried again. All numbers are whole and at least 1. */
export interface BreakerOptions {
  /** Failures of the origin in a row, over all callers, that open the circuit. Default 10. */
  readonly failuresInARow?: number;
  /** How long it stays open before one call is let through as a probe. Default 5 000. */
  readonly probeAfterMs?: number;
  /** Each probe that fails doubles that time, up to this. Default 60 000. */
  readonly probeAfterMaxMs?: number;
}

/** The circuit is open: the call was not made. */
export class CircuitOpen extends Error {
  override readonly name = "CircuitOpen";
  /** In how many milliseconds the next probe may be sent, or the one under way be over; at least 1. */
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super("The circuit is open.");
    this.retryAfterMs = retryAfterMs;
  }
}

/** Carries a failure of the origin through the library, which counts errors of this class alone. */
class OriginFailed extends Error {
  override readonly name = "OriginFailed";
}

/** How long those who come while a probe is under way are told to wait for its result. */
const probeResultMs = 1_000;

/**
 * Stops calls to an origin that answers nothing any more, and lets one through from time to time to see whether it is
 * back. Calls that are stopped fail at once and were never sent. The state lives in this process alone.
 */
export class CircuitBreaker {
  readonly #policy;
  readonly #probeAfterMs: number;
  #probeAtMs = 0;
  /** How often it opened. What was sent before it opened says nothing about the time after. */
  #openings = 0;

  /** @throws {RangeError} when a number is out of bounds */
  constructor(options: BreakerOptions) {
    const failuresInARow = wholeNumber("failuresInARow", options.failuresInARow ?? 10);
    const probeAfterMs = wholeNumber("probeAfterMs", options.probeAfterMs ?? 5_000);
    const probeAfterMaxMs = wholeNumber("probeAfterMaxMs", options.probeAfterMaxMs ?? 60_000);
    this.#probeAfterMs = probeAfterMs;
    this.#policy = circuitBreaker(handleType(OriginFailed), {
      breaker: new ConsecutiveBreaker(failuresInARow),
      halfOpenAfter: new DelegateBackoff(({ attempt }) => {
        const delayMs = Math.min(probeAfterMaxMs, probeAfterMs * 2 ** (attempt - 1));
        this.#probeAtMs = Date.now() + delayMs;
        return delayMs;
      }),
    });
    this.#policy.onBreak(() => {
      this.#openings += 1;
    });
  }

  /**
   * Makes the call if the circuit lets it, and answers or throws what it does.
   * @throws {CircuitOpen} when it was not made
   */
  async run<T>(call: () => Promise<T>): Promise<T> {
    // The library would let whoever comes now wait for the probe, and longer than the call's own time-out.
    if (this.#policy.state === CircuitState.HalfOpen) {
      throw new CircuitOpen(Math.min(probeResultMs, this.#probeAfterMs));
    }
    const openings = this.#openings;
    const isProbe = this.#policy.state === CircuitState.Open;
    try {
      const outcome = await this.#policy.execute(async () => {
        try {
          return { value: await call() };
        } catch (error) {
          const says = whatItSays(error);
          if (says === "alive") return { error };
          // A probe that proved nothing leaves the circuit open.
          const counts = says === "failing" && openings === this.#openings;
          throw counts || isProbe ? new OriginFailed("The origin failed.", { cause: error }) : error;
        }
      });
      if ("error" in outcome) throw outcome.error;
      return outcome.value;
    } catch (error) {
      if (error instanceof BrokenCircuitError) {
        throw new CircuitOpen(Math.max(1, this.#probeAtMs - Date.now()));
      }
      throw error instanceof OriginFailed ? error.cause : error;
    }
  }
}

/** What a failed call says of its origin: a refusal proves that it is alive; an abort, or a bug of ours, nothing. */
function whatItSays(error: unknown): "alive" | "failing" | "nothing" {
  if (error instanceof Mem0Refused || error instanceof Mem0Limited) return "alive";
  if (!(error instanceof Mem0Unanswered) || error.reason === "aborted") return "nothing";
  // A body of an unexpected shape came from somebody who is there; what is not even HTTP did not.
  return error.reason === "unexpected-body" && error.status !== null ? "alive" : "failing";
}
