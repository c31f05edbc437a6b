import type { Upstream } from "./resource.ts";
import { newestFirst } from "./row-order.ts";
import type { Row } from "./table.ts";

/** The rows as their list shows them: newest first, or (a switch) oldest first; no order is documented. */
export function inListOrder<R extends Row>({ state }: Upstream, rows: readonly R[]): readonly R[] {
  const ordered = newestFirst(rows);
  return state.switches.listsBegin === "newest" ? ordered : ordered.toReversed();
}
