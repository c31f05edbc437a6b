import type { FaultRegistry } from "../faults.ts";
import type { RequestLog } from "../request-log.ts";
import type { Seed } from "../seed.ts";
import type { State } from "../state.ts";

/** What the control plane works on. */
export interface Control {
  readonly state: State;
  readonly faults: FaultRegistry;
  readonly log: RequestLog;
  readonly seed: Seed;
  /** Back to the fresh state. */
  reset(): void;
}

/** A control request: what stands in its path, in its query, and its JSON body (an empty object when there is none). */
export interface ControlAsk {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** One control endpoint. What the handler returns is answered as JSON with status 200. */
export interface ControlRoute {
  readonly method: string;
  readonly path: string;
  handle(control: Control, ask: ControlAsk): object;
}
