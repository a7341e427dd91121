/**
 * Local calendar days of an IANA time zone, and the instants at which they begin. The zone's rules come from the engine's
 * own tables, so a day may have 23, 25 or no hours.
 */

/** Whole days since 1970-01-01 in the calendar, whatever the zone. */
export type Day = number;

export interface Zone {
  readonly name: string;
  /** Writes an instant with the zone's offset, `GMT-04:00`, at its end. */
  readonly format: Intl.DateTimeFormat;
}

/** A day of UTC, in milliseconds. */
export const DAY_MS = 86_400_000;

/** No zone was ever further from UTC. */
const FARTHEST_MS = 16 * 3_600_000;

/** Null for a name that no zone has; a bare offset is no zone. */
export function openZone(name: string): Zone | null {
  if (!/^[A-Za-z]/.test(name)) return null;
  try {
    return { name, format: new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" }) };
  } catch {
    return null;
  }
}

/** Null for anything but a day of the calendar as `YYYY-MM-DD`, from year 1 on. */
export function parseDay(text: string): Day | null {
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || text.startsWith("0000")) return null;
  const instant = Date.parse(`${text}T00:00:00Z`);
  if (Number.isNaN(instant) || !new Date(instant).toISOString().startsWith(text)) return null;
  return instant / DAY_MS;
}

export function dayOf(year: number, month: number, date: number): Day {
  return new Date(0).setUTCFullYear(year, month, date) / DAY_MS;
}

/** Calendar fields of a day; `month` counts from 0, `weekday` from Sunday. */
export function fieldsOf(day: Day): { year: number; month: number; weekday: number } {
  const date = new Date(day * DAY_MS);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth(), weekday: date.getUTCDay() };
}

/** Milliseconds that the zone is ahead of UTC at `instant`. */
function offsetAt(zone: Zone, instant: number): number {
  const [, sign, hours, minutes, seconds] =
    /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(zone.format.format(instant)) ?? [];
  const size = Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0);
  return (sign === "-" ? -size : size) * 1000;
}

/** The first instant of `day`; of a day that the zone skipped, that of the day after it. Epoch milliseconds. */
export function startOfDay(zone: Zone, day: Day): number {
  const midnight = day * DAY_MS;
  const offset = offsetAt(zone, midnight - offsetAt(zone, midnight));
  const start = midnight - offset;
  const isPlain = offsetAt(zone, start) === offset && offsetAt(zone, start - 1) === offset;
  return isPlain ? start : searchStart(zone, midnight);
}

/** The clock moves around that midnight: there may be none, or two. */
function searchStart(zone: Zone, midnight: number): number {
  let before = midnight - FARTHEST_MS;
  let start = midnight + FARTHEST_MS;
  while (start - before > 1) {
    const middle = Math.floor((before + start) / 2);
    if (middle + offsetAt(zone, middle) >= midnight) start = middle;
    else before = middle;
  }
  return start;
}

/** `2024-01-03T00:00:00-05:00`: an instant (whole seconds) as the zone's clock shows it. */
export function localIso(zone: Zone, instant: number): string {
  const offset = offsetAt(zone, instant);
  const local = new Date(instant + offset).toISOString().slice(0, 19);
  const size = new Date(Math.abs(offset)).toISOString();
  const seconds = size.slice(16, 19);
  return `${local}${offset < 0 ? "-" : "+"}${size.slice(11, 16)}${seconds === ":00" ? "" : seconds}`;
}
