/** How dates are written: `pacific` with the offset of America/Los_Angeles as live data has it, `utc` with `Z`. */
export type DateStyle = "pacific" | "utc";

/** Now in epoch milliseconds, with a fraction, never going backwards while the process lives. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** ISO 8601 with microseconds, as Mem0 writes dates (Mem0 docs show both an offset and `Z`). */
export function formatDate(epochMs: number, style: DateStyle): string {
  const wholeMs = Math.floor(epochMs);
  const microseconds = String(Math.floor((epochMs - wholeMs) * 1000)).padStart(3, "0");
  const offsetMinutes = style === "utc" ? 0 : pacificOffsetMinutes(wholeMs);
  const local = new Date(wholeMs + offsetMinutes * 60_000).toISOString().slice(0, -1);
  const suffix = style === "utc" ? "Z" : `-${String(-offsetMinutes / 60).padStart(2, "0")}:00`;
  return `${local}${microseconds}${suffix}`;
}

const hourMs = 3_600_000;
const pacific = new Intl.DateTimeFormat("en-US", {
  timeZone: "America/Los_Angeles",
  timeZoneName: "longOffset",
});
const offsetsByHour = new Map<number, number>();

/**
 * How far America/Los_Angeles is from UTC at that moment; minutes, negative.
 *
 * Asking Intl costs microseconds and a list may hold thousands of dates. The offset changes on full hours only,
 * so one question an hour of data is enough; the map is emptied before it can grow for ever.
 */
export function pacificOffsetMinutes(epochMs: number): number {
  const hour = Math.floor(epochMs / hourMs);
  const known = offsetsByHour.get(hour);
  if (known !== undefined) return known;
  const zone = pacific.formatToParts(epochMs).find((part) => part.type === "timeZoneName")?.value ?? "";
  const offsetMinutes = Number(/GMT([+-]\d\d):/.exec(zone)?.[1] ?? "-8") * 60;
  if (offsetsByHour.size > 10_000) offsetsByHour.clear();
  offsetsByHour.set(hour, offsetMinutes);
  return offsetMinutes;
}
