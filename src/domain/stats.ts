/** Statistics of prints by period: where periods begin [O45], and the sums over all of them. */
import { type Day, dayOf, fieldsOf, localIso, startOfDay, type Zone } from "./local-day.ts";

export const GROUPINGS = ["day", "week", "month", "year"] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** Ten years of days fit. */
export const PERIODS_MAX = 4_000;

export interface Period {
  /** Its first instant with the offset of that moment. */
  readonly key: string;
  /** Epoch milliseconds; `until` belongs to the next period. */
  readonly from: number;
  readonly until: number;
}

/** Sums over the prints that began in one period; what a print does not tell counts as 0. */
export interface PeriodSums {
  readonly count: number;
  readonly cancelledCount: number;
  readonly printTimeSeconds: number;
  readonly longestSeconds: number;
  readonly filamentMm: number;
}

export interface PrintStats {
  /** Every period of the range, empty ones included. */
  readonly groups: readonly { readonly key: string; readonly sums: PeriodSums }[];
  readonly total: PeriodSums;
}

/** The periods from `first` to `last`, both included; a later first day has none. Null: more than `PERIODS_MAX`. */
export function splitPeriods(zone: Zone, first: Day, last: Day, grouping: Grouping): Period[] | null {
  const periods: Period[] = [];
  let from = startOfDay(zone, first);
  for (let day = first; day <= last; ) {
    const next = Math.min(nextPeriod(day, grouping), last + 1);
    const until = startOfDay(zone, next);
    if (until > from) periods.push({ key: localIso(zone, from), from, until });
    if (periods.length > PERIODS_MAX) return null;
    day = next;
    from = until;
  }
  return periods;
}

/** Weeks begin on Sundays. */
function nextPeriod(day: Day, grouping: Grouping): Day {
  const { year, month, weekday } = fieldsOf(day);
  switch (grouping) {
    case "day":
      return day + 1;
    case "week":
      return day + 7 - weekday;
    case "month":
      return dayOf(year, month + 1, 1);
    case "year":
      return dayOf(year + 1, 0, 1);
  }
}

const NOTHING: PeriodSums = { count: 0, cancelledCount: 0, printTimeSeconds: 0, longestSeconds: 0, filamentMm: 0 };

/** `sums` holds the periods that are not empty, by their place among `periods`. */
export function addUp(periods: readonly Period[], sums: ReadonlyMap<number, PeriodSums>): PrintStats {
  const groups = periods.map(({ key }, place) => ({ key, sums: sums.get(place) ?? NOTHING }));
  return { groups, total: groups.reduce((total, group) => plus(total, group.sums), NOTHING) };
}

function plus(left: PeriodSums, right: PeriodSums): PeriodSums {
  return {
    count: left.count + right.count,
    cancelledCount: left.cancelledCount + right.cancelledCount,
    printTimeSeconds: left.printTimeSeconds + right.printTimeSeconds,
    longestSeconds: Math.max(left.longestSeconds, right.longestSeconds),
    filamentMm: left.filamentMm + right.filamentMm,
  };
}
