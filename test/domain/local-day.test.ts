import { describe, expect, test } from "vitest";
import { localIso, openZone, parseDay, startOfDay, type Zone } from "../../src/domain/local-day.ts";
import { fc } from "../support/random.ts";

function zoneOf(name: string): Zone {
  const zone = openZone(name);
  if (zone === null) throw new Error(`no zone ${name}`);
  return zone;
}

function dayFrom(text: string): number {
  const day = parseDay(text);
  if (day === null) throw new Error(`no day ${text}`);
  return day;
}

describe("what is no day and no zone is refused", () => {
  test.each([
    "",
    "2024-02-30",
    "2023-02-29",
    "2024-13-01",
    "2024-1-01",
    "24-01-01",
    "0000-01-01",
    "2024-01-01T00:00",
    " 2024-01-01",
  ])("[O43] %s is no day", (text) => expect(parseDay(text)).toBeNull());

  test.each(["", "Mars/Phobos", "+05:00", "-0500", "local", "Europe/Berlin "])("[O43] %s is no zone", (name) => {
    expect(openZone(name)).toBeNull();
  });

  test.each([
    ["1970-01-01", 0],
    ["1970-01-02", 1],
    ["2024-02-29", 19_782],
    ["0001-01-01", -719_162],
  ])("[O43] %s is day %i", (text, day) => expect(parseDay(text)).toBe(day));
});

describe("a local day begins when the zone's clock first shows it", () => {
  test.each([
    { zone: "UTC", day: "2024-01-03", start: "2024-01-03T00:00:00.000Z", key: "2024-01-03T00:00:00+00:00" },
    {
      zone: "America/New_York",
      day: "2024-01-03",
      start: "2024-01-03T05:00:00.000Z",
      key: "2024-01-03T00:00:00-05:00",
    },
    {
      zone: "America/New_York",
      day: "2024-03-10",
      start: "2024-03-10T05:00:00.000Z",
      key: "2024-03-10T00:00:00-05:00",
    },
    {
      zone: "America/New_York",
      day: "2024-03-11",
      start: "2024-03-11T04:00:00.000Z",
      key: "2024-03-11T00:00:00-04:00",
    },
    { zone: "Asia/Kathmandu", day: "2024-06-01", start: "2024-05-31T18:15:00.000Z", key: "2024-06-01T00:00:00+05:45" },
    {
      zone: "Pacific/Kiritimati",
      day: "2024-01-01",
      start: "2023-12-31T10:00:00.000Z",
      key: "2024-01-01T00:00:00+14:00",
    },
    {
      zone: "Africa/Monrovia",
      day: "1970-01-01",
      start: "1970-01-01T00:44:30.000Z",
      key: "1970-01-01T00:00:00-00:44:30",
    },
    // No midnight: 00:00 became 01:00.
    {
      zone: "America/Sao_Paulo",
      day: "2018-11-04",
      start: "2018-11-04T03:00:00.000Z",
      key: "2018-11-04T01:00:00-02:00",
    },
    { zone: "Asia/Beirut", day: "2024-03-31", start: "2024-03-30T22:00:00.000Z", key: "2024-03-31T01:00:00+03:00" },
    // Two midnights: 01:00 became 00:00.
    { zone: "America/Havana", day: "2024-11-03", start: "2024-11-03T04:00:00.000Z", key: "2024-11-03T00:00:00-04:00" },
    // The day before was skipped.
    { zone: "Pacific/Apia", day: "2011-12-31", start: "2011-12-30T10:00:00.000Z", key: "2011-12-31T00:00:00+14:00" },
  ])("[O44] $day in $zone", ({ zone: name, day, start, key }) => {
    const zone = zoneOf(name);
    expect(new Date(startOfDay(zone, dayFrom(day))).toISOString()).toBe(start);
    expect(localIso(zone, startOfDay(zone, dayFrom(day)))).toBe(key);
  });

  test("[O44] a day that the zone skipped begins with the next one", () => {
    const zone = zoneOf("Pacific/Apia");
    expect(startOfDay(zone, dayFrom("2011-12-30"))).toBe(startOfDay(zone, dayFrom("2011-12-31")));
  });

  test("[O44] the calendar of the zone itself agrees, for any day", () => {
    const zones = ["America/New_York", "Europe/Berlin", "America/Sao_Paulo", "America/Havana", "Australia/Lord_Howe"];
    const more = ["Africa/Cairo", "America/Santiago", "Asia/Tehran", "Africa/Casablanca", "America/Asuncion", "UTC"];
    const anyZone = fc.constantFrom(...[...zones, ...more]);
    const anyDay = fc.integer({ min: dayFrom("1980-01-01"), max: dayFrom("2060-01-01") });
    fc.assert(
      fc.property(anyZone, anyDay, (name, day) => {
        const calendar = new Intl.DateTimeFormat("en-CA", {
          timeZone: name,
          year: "numeric",
          month: "2-digit",
          day: "2-digit",
        });
        const start = startOfDay(zoneOf(name), day);
        const shown = (offset: number) => new Date((day + offset) * 86_400_000).toISOString().slice(0, 10);
        return calendar.format(start) === shown(0) && calendar.format(start - 1) === shown(-1);
      }),
      { numRuns: 500 },
    );
  });
});
