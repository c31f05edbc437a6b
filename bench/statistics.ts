/** What is told of a number of measurements. */
export interface Summary {
  readonly count: number;
  readonly p10: number;
  readonly p50: number;
  readonly p90: number;
}

/** The value below which a share (0 to 1) of the values lies, between two of them in proportion. NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/** Sums measurements up. */
export function summarize(values: readonly number[]): Summary {
  const at = (share: number) => quantile(values, share);
  return { count: values.length, p10: at(0.1), p50: at(0.5), p90: at(0.9) };
}

/** A number for people: so many digits behind the point. */
export function shown(value: number, digits = 1): string {
  return Number.isFinite(value) ? value.toFixed(digits) : "–";
}
