const dayPattern = /^(\d{4})-(\d{2})-(\d{2})$/;
const timePattern =
  /^(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?(?:Z|[+-](?:[01]\d|2[0-3]):?[0-5]\d)?$/;

/** Whether this is `YYYY-MM-DD` and there is such a day, from the year 1 on: February 30 is none. */
export function isCalendarDay(text: string): boolean {
  const match = dayPattern.exec(text);
  if (match === null || match[1] === "0000") return false;
  const date = new Date(`${text}T00:00:00Z`);
  // JavaScript takes February 30 for March 1, so it must come out as it went in.
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

/**
 * Whether this is a day, or an ISO 8601 date and time with at most six digits of a second, with `Z`, an offset or
 * neither. Mem0 takes the latter for UTC (Mem0 docs on filters).
 */
export function isDayOrDateTime(text: string): boolean {
  const [day = "", time, ...rest] = text.split("T");
  if (!isCalendarDay(day) || rest.length > 0) return false;
  return time === undefined || timePattern.test(time);
}
