import type { Verdict } from "./verdict.ts";
import type { World } from "./world.ts";

/** One belief (by its number in docs/unproved.md) or one documented fact (by its words), and how to look. */
export interface Check {
  /** The number of a belief, or of a fact what it says. */
  readonly name: string;
  /** After all others: it looks at what the others met. */
  readonly isLast?: boolean;
  /** Looks, or says why it does not. @throws {Barred} when something else stood in the way. */
  look(world: World): Promise<Verdict>;
}
