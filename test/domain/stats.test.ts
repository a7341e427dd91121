import { describe, expect, test } from "vitest";
import { openZone, parseDay, type Zone } from "../../src/domain/local-day.ts";
import { addUp, GROUPINGS, type Grouping, PERIODS_MAX, type PeriodSums, splitPeriods } from "../../src/domain/stats.ts";
import { fc } from "../support/random.ts";

const HOUR = 3_600_000;

function zoneOf(name: string): Zone {
  const zone = openZone(name);
  if (zone === null) throw new Error(`no zone ${name}`);
  return zone;
}

function split(zone: string, first: string, last: string, grouping: Grouping) {
  return splitPeriods(zoneOf(zone), parseDay(first) ?? 0, parseDay(last) ?? 0, grouping);
}

function keys(zone: string, first: string, last: string, grouping: Grouping): string[] {
  return (split(zone, first, last, grouping) ?? []).map((period) => period.key);
}

describe("periods begin where local days, weeks, months and years do", () => {
  test.each([
    { by: "week", first: "2024-01-03", last: "2024-01-20", starts: ["2024-01-03", "2024-01-07", "2024-01-14"] },
    { by: "week", first: "2024-01-07", last: "2024-01-14", starts: ["2024-01-07", "2024-01-14"] },
    { by: "month", first: "2023-11-15", last: "2024-01-10", starts: ["2023-11-15", "2023-12-01", "2024-01-01"] },
    { by: "year", first: "2022-06-01", last: "2024-03-01", starts: ["2022-06-01", "2023-01-01", "2024-01-01"] },
    { by: "day", first: "2024-02-28", last: "2024-03-01", starts: ["2024-02-28", "2024-02-29", "2024-03-01"] },
    { by: "month", first: "2024-01-31", last: "2024-03-01", starts: ["2024-01-31", "2024-02-01", "2024-03-01"] },
    { by: "day", first: "2024-01-02", last: "2024-01-02", starts: ["2024-01-02"] },
    { by: "day", first: "2024-01-03", last: "2024-01-02", starts: [] },
  ] as const)("[O45] by $by from $first to $last", ({ by, first, last, starts }) => {
    expect(keys("America/Bogota", first, last, by)).toEqual(starts.map((start) => `${start}T00:00:00-05:00`));
  });

  test("[O45] every key has the offset of its own moment, and the day of the change its real length", () => {
    const spring = split("America/New_York", "2024-03-09", "2024-03-11", "day") ?? [];
    expect(spring.map(({ key }) => key.slice(19))).toEqual(["-05:00", "-05:00", "-04:00"]);
    expect(spring.map(({ from, until }) => (until - from) / HOUR)).toEqual([24, 23, 24]);
    const autumn = split("Europe/Berlin", "2024-10-26", "2024-10-28", "day") ?? [];
    expect(autumn.map(({ key }) => key.slice(19))).toEqual(["+02:00", "+02:00", "+01:00"]);
    expect(autumn.map(({ from, until }) => (until - from) / HOUR)).toEqual([24, 25, 24]);
  });

  test("[O45] a day that the zone skipped is no period", () => {
    expect(keys("Pacific/Apia", "2011-12-29", "2011-12-31", "day")).toEqual([
      "2011-12-29T00:00:00-10:00",
      "2011-12-31T00:00:00+14:00",
    ]);
  });

  test("[O45] periods follow each other without gap or overlap and cover the range", () => {
    const anyZone = fc.constantFrom(
      "America/New_York",
      "Europe/Berlin",
      "America/Sao_Paulo",
      "Australia/Lord_Howe",
      "Pacific/Apia",
    );
    const anyFirst = fc.integer({ min: 3_650, max: 30_000 });
    fc.assert(
      fc.property(anyZone, anyFirst, fc.nat({ max: 800 }), fc.constantFrom(...GROUPINGS), (name, first, length, by) => {
        const periods = splitPeriods(zoneOf(name), first, first + length, by) ?? [];
        const days = splitPeriods(zoneOf(name), first, first + length, "day") ?? [];
        expect(periods.at(0)?.from).toBe(days.at(0)?.from);
        expect(periods.at(-1)?.until).toBe(days.at(-1)?.until);
        for (const [place, period] of periods.entries()) {
          expect(period.until).toBeGreaterThan(period.from);
          if (place > 0) expect(periods[place - 1]?.until).toBe(period.from);
        }
      }),
    );
  });

  test("[O45] a range of more periods than an answer holds is refused", () => {
    expect(split("UTC", "2000-01-01", "2010-12-13", "day")).toHaveLength(PERIODS_MAX);
    expect(split("UTC", "2000-01-01", "2010-12-14", "day")).toBeNull();
    expect(split("UTC", "0001-01-01", "9999-12-31", "day")).toBeNull();
  });
});

describe("totals are those of the periods", () => {
  const sums = (count: number): PeriodSums => ({
    count,
    cancelledCount: count - 1,
    printTimeSeconds: 10 * count,
    longestSeconds: 7 + count,
    filamentMm: 0.5 * count,
  });

  test("[O46] empty periods stay, and the longest print is the longest of all", () => {
    const periods = split("UTC", "2024-01-01", "2024-01-03", "day") ?? [];
    const stats = addUp(
      periods,
      new Map([
        [0, sums(3)],
        [2, sums(1)],
      ]),
    );
    expect(stats.groups.map((group) => group.sums.count)).toEqual([3, 0, 1]);
    expect(stats.total).toEqual({
      count: 4,
      cancelledCount: 2,
      printTimeSeconds: 40,
      longestSeconds: 10,
      filamentMm: 2,
    });
  });

  test("[O46] nothing at all adds up to nothing", () => {
    const total = { count: 0, cancelledCount: 0, printTimeSeconds: 0, longestSeconds: 0, filamentMm: 0 };
    expect(addUp([], new Map())).toEqual({ groups: [], total });
  });
});
