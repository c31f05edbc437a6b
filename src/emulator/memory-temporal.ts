import type { BodyFields } from "./body-fields.ts";
import { dayField } from "./memory-fields.ts";
import { parseMoment } from "./moment.ts";

const dayMs = 86_400_000;

/**
 * The day on which the conversation was observed, `YYYY-MM-DD`: `observation_date`, else the day of `observation_datetime`
 * in `timezone` (UTC unless told), else null. Faults are noted by field (inferred words).
 */
export function readObservedDay(fields: BodyFields): string | null {
  const zone = readZone(fields);
  const day = dayField(fields, "observation_date");
  const written = fields.raw("observation_datetime") ?? null;
  if (written === null) return day;
  const observedMs = typeof written === "string" ? parseMoment(written) : null;
  if (observedMs === null || typeof written !== "string") {
    return fields.fault(
      "observation_datetime",
      "Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z].",
    );
  }
  if (day !== null) return day;
  // Without an offset the words are those of a clock in the zone.
  const isZoned = /(?:Z|[T ].*[+-]\d\d:?\d\d)$/i.test(written.trim());
  return isZoned ? dayIn(zone, observedMs) : dayIn("UTC", observedMs);
}

function readZone(fields: BodyFields): string {
  const zone = fields.raw("timezone") ?? "UTC";
  try {
    if (typeof zone === "string" && zone !== "") {
      dayIn(zone, 0);
      return zone;
    }
  } catch {
    // Intl knows no such zone.
  }
  fields.fault("timezone", "A valid timezone is required.");
  return "UTC";
}

/** The day of that moment in an IANA zone, `YYYY-MM-DD`. @throws for a zone that Intl does not know. */
export function dayIn(zone: string, epochMs: number): string {
  return new Intl.DateTimeFormat("en-CA", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).format(epochMs);
}

/**
 * The day that a text speaks of, seen from the day it was said: a date it names, or yesterday, today, tomorrow, or so many
 * days or weeks ago or ahead; null when it names none. The rule is the emulator's: the real service asks a model.
 */
export function eventDay(text: string, saidOn: string): string | null {
  const named = /\b\d{4}-\d\d-\d\d\b/.exec(text)?.[0];
  if (named !== undefined && !Number.isNaN(Date.parse(`${named}T00:00:00Z`))) return named;
  const days = daysAway(text.toLowerCase());
  if (days === null) return null;
  return new Date(Date.parse(`${saidOn}T00:00:00Z`) + days * dayMs).toISOString().slice(0, 10);
}

function daysAway(text: string): number | null {
  if (/\byesterday\b/.test(text)) return -1;
  if (/\b(?:today|tonight)\b/.test(text)) return 0;
  if (/\btomorrow\b/.test(text)) return 1;
  const [, before, count, unit, after] = /\b(in )?(\d{1,3}) (day|week)s?( ago)?\b/.exec(text) ?? [];
  if (count === undefined || (before === undefined) === (after === undefined)) return null;
  return Number(count) * (unit === "week" ? 7 : 1) * (after === undefined ? 1 : -1);
}
