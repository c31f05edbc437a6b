/** Whether variables hold more values than `max`, lists and objects counted, too. It stops counting there, and does not recurse. */
export function hasMoreValues(variables: unknown, max: number): boolean {
  const open: unknown[] = [variables];
  let count = 0;
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== "object" || value === null) continue;
    for (const one of Object.values(value)) {
      count += 1;
      if (count > max) return true;
      open.push(one);
    }
  }
  return false;
}
