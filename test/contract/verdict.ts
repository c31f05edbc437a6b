/** What came of looking: so, not so, or nothing that would decide it. `seen` says what was seen, or why nothing was. */
export interface Verdict {
  readonly state: "CONFIRMED" | "REFUTED" | "NOT CHECKED";
  readonly seen: string;
}

/** It was seen to be so. */
export function confirmed(seen: string): Verdict {
  return { state: "CONFIRMED", seen };
}

/** It was seen to be otherwise. */
export function refuted(seen: string): Verdict {
  return { state: "REFUTED", seen };
}

/** Nothing was seen that decides it, and why. */
export function unchecked(why: string): Verdict {
  return { state: "NOT CHECKED", seen: why };
}

/** One or the other, with the same words. */
export function judged(isSo: boolean, seen: string): Verdict {
  return isSo ? confirmed(seen) : refuted(seen);
}

/** So only where every part is; the parts that are not come first in what was seen. */
export function allOf(parts: readonly Verdict[]): Verdict {
  const decisive = ["REFUTED", "NOT CHECKED"].flatMap((state) =>
    parts.filter((part) => part.state === state),
  );
  const [first] = decisive;
  const said = (of: readonly Verdict[]): string => of.map(({ seen }) => seen).join("; ");
  if (first === undefined) return confirmed(said(parts));
  return { state: first.state, seen: said(decisive.filter(({ state }) => state === first.state)) };
}
