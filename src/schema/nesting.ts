/**
 * How deep objects and lists may lie in each other in the variables of a request. The deepest that any input can use, a
 * filter of 20 within 20, needs some fifty.
 */
export const nestingMax = 100;

/** Whether objects and lists lie deeper in each other than `nestingMax`. It does not recurse, however deep they do. */
export function isNestedTooDeep(value: unknown): boolean {
  let level: readonly unknown[] = [value];
  for (let depth = 0; depth <= nestingMax; depth += 1) {
    level = level.flatMap((item) => (typeof item === "object" && item !== null ? Object.values(item) : []));
    if (level.length === 0) return false;
  }
  return true;
}
