import type { Row } from "./table.ts";

/** Newest first by `created_at`, as the emulator answers every list (inferred: no order is documented). */
export function newestFirst<R extends Row>(rows: readonly R[]): readonly R[] {
  return rows.toSorted((left, right) => right.created_ms - left.created_ms);
}
