import { pacificOffsetMinutes } from "./clock.ts";

/**
 * A moment as callers write it: Unix seconds, `YYYY-MM-DD` (its midnight), or ISO 8601; without a zone it is UTC (Mem0
 * docs). Epoch milliseconds with a fraction of microseconds; null when it is none of these.
 */
export function parseMoment(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value * 1000 : null;
  if (typeof value !== "string") return null;
  const found = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?)?$/i.exec(
    value.trim(),
  );
  if (found === null) return null;
  const [, day = "", time = "00:00", fraction = "", zone = "Z"] = found;
  const wholeMs = Date.parse(`${day}T${time}${zone.replace(/^([+-]\d\d)(\d\d)$/, "$1:$2").toUpperCase()}`);
  if (Number.isNaN(wholeMs)) return null;
  // In the middle of its microsecond: a double of this size cannot hold its edge exactly, and is cut off when shown.
  return wholeMs + (Number(fraction.padEnd(6, "0").slice(0, 6)) + 0.5) / 1000;
}

/** As `parseMoment`, but a moment without a zone is one of America/Los_Angeles. */
export function inPacific(value: unknown): number | null {
  const epochMs = parseMoment(value);
  const isZoned = typeof value !== "string" || /(?:Z|[T ].*[+-]\d\d:?\d\d)$/i.test(value.trim());
  if (epochMs === null || isZoned) return epochMs;
  const guessMs = epochMs - pacificOffsetMinutes(epochMs) * 60_000;
  // The offset there, not that of the same digits in UTC: they differ in the night when clocks are changed.
  return epochMs - pacificOffsetMinutes(guessMs) * 60_000;
}

/** The moment in whole microseconds: as far as dates are shown, so what was read compares equal to what is kept. */
export function microsecondsOf(epochMs: number): number {
  const wholeMs = Math.floor(epochMs);
  return wholeMs * 1000 + Math.floor((epochMs - wholeMs) * 1000);
}
