import type { Answer } from "./answer.ts";
import type { Call } from "./call.ts";
import type { State } from "./state.ts";
import type { Switches } from "./switches.ts";
import type { Row, TableDefinition } from "./table.ts";

/** What a handler works on. */
export interface Upstream {
  readonly state: State;
}

/** One method on one path. The handler answers, or throws a `Refusal`; it must not wait for anything. */
export interface Route {
  readonly method: string;
  readonly path: string;
  /** Nobody is asked for a key here: who signs up has none yet. */
  readonly isOpen?: true;
  /** Under these switches only is the method there; otherwise the path answers 405 to it. */
  isThereUnder?(switches: Switches): boolean;
  handle(upstream: Upstream, call: Call): Answer;
}

/** A family of routes and the tables only it writes: what `resources.ts` registers. */
export interface Resource {
  readonly routes: readonly Route[];
  readonly tables: readonly TableDefinition<Row>[];
}
