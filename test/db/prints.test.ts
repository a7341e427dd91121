/** History as D1 keeps it: a hundred thousand prints of one account against a model in memory, and what each query costs. */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, test } from "vitest";
import { connect } from "../../src/db/client.ts";
import { FEEDBACK_FILTERS, PRINT_FILTERS, type PrintSelection } from "../../src/db/print-selection.ts";
import { sumPrints } from "../../src/db/print-stats.ts";
import { deleteEndedPrints, editEndedPrint, findPrint, listPrints } from "../../src/db/prints.ts";
import { openZone, parseDay } from "../../src/domain/local-day.ts";
import { addUp, type Grouping, splitPeriods } from "../../src/domain/stats.ts";
import { type HistoryPrint, insertPrints, observed, printOf, scansOf } from "../support/history.ts";
import { db, makePrinter } from "../support/printer.ts";
import { fc } from "../support/random.ts";

const EVERY = {
  filter: "none",
  feedback: null,
  printerIds: null,
  startedFrom: null,
  startedBefore: null,
  withDeleted: false,
} as const satisfies Omit<PrintSelection, "userId">;

const COUNT = 100_000;
const FIRST = Date.UTC(2022, 0, 1);
const SPAN = 4 * 365 * 86_400_000;

/** Steps through all starts, with some shared ones; values that add up exactly in any order. */
function historyOf(userId: number, printerIds: readonly number[]): HistoryPrint[] {
  return Array.from({ length: COUNT }, (_, n): HistoryPrint => {
    const startedAt = FIRST + Math.floor(((n * 61_803) % COUNT) / 3) * Math.floor((3 * SPAN) / COUNT);
    const isCurrent = n % 10_000 === 0;
    const isCancelled = !isCurrent && n % 7 === 0;
    return {
      id: (printerIds[n % printerIds.length] ?? 0) * 100_000 + n,
      printerId: printerIds[n % printerIds.length] ?? 0,
      userId,
      startedAt,
      finishedAt: isCurrent || isCancelled ? null : startedAt + 5_000,
      cancelledAt: isCancelled ? startedAt + 4_000 : null,
      filamentUsed: n % 5 === 0 ? null : (n % 1000) / 4,
      printTime: n % 11 === 0 ? null : (n % 5000) / 8,
      alertOverwrite: n % 13 === 0 ? "FAILED" : null,
      deletedAt: n % 17 === 0 && !isCurrent ? startedAt + 9_000 : null,
    };
  });
}

function matches(print: HistoryPrint, selection: PrintSelection): boolean {
  const { filter, feedback, printerIds, startedFrom, startedBefore, withDeleted } = selection;
  if (feedback !== null || filter === "need_print_shot_feedback") return false;
  if (filter === "cancelled" && print.cancelledAt === null) return false;
  if (filter === "finished" && print.finishedAt === null) return false;
  if (filter === "need_alert_overwrite" && print.alertOverwrite !== null) return false;
  if (printerIds !== null && !printerIds.includes(print.printerId)) return false;
  if (startedFrom !== null && print.startedAt < startedFrom) return false;
  if (startedBefore !== null && print.startedAt >= startedBefore) return false;
  return withDeleted || print.deletedAt === null;
}

let userId = 0;
let printerIds: readonly number[] = [];
let history: HistoryPrint[] = [];

beforeAll(async () => {
  const first = await makePrinter();
  const second = await makePrinter({ userId: first.userId });
  const third = await makePrinter({ userId: first.userId });
  userId = first.userId;
  printerIds = [first.id, second.id, third.id];
  history = historyOf(userId, printerIds);
  await insertPrints(history);
  // Rows of others in the same index and table, which must never be counted.
  const stranger = await makePrinter();
  await insertPrints(Array.from({ length: 100 }, (_, n) => printOf(stranger, { startedAt: FIRST + n * 1_000_000 })));
}, 60_000);

describe("a hundred thousand prints of one account", () => {
  test("[O40] are filtered, sorted and paged as the model says", async () => {
    const anySelection = fc.record({
      filter: fc.constantFrom(...PRINT_FILTERS),
      feedback: fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, fc.constantFrom(...FEEDBACK_FILTERS)),
      printerIds: fc.constantFrom(null, [], [0], [1], [0, 2], [0, 1, 2]),
      startedFrom: fc.option(fc.integer({ min: FIRST, max: FIRST + SPAN })),
      startedBefore: fc.option(fc.integer({ min: FIRST, max: FIRST + SPAN })),
      withDeleted: fc.boolean(),
    });
    const anyPage = fc.record({
      isAscending: fc.boolean(),
      start: fc.oneof(fc.nat({ max: 50 }), fc.nat({ max: COUNT })),
      limit: fc.integer({ min: 1, max: 500 }),
    });
    await fc.assert(
      fc.asyncProperty(anySelection, anyPage, async (chosen, page) => {
        const ids = chosen.printerIds?.map((place) => printerIds[place] ?? 0) ?? null;
        const selection: PrintSelection = { ...chosen, printerIds: ids, userId };
        const listed = await listPrints(db, selection, page, Date.now());
        const sign = page.isAscending ? 1 : -1;
        const expected = history
          .filter((print) => matches(print, selection))
          .sort((a, b) => sign * (a.startedAt - b.startedAt || a.id - b.id))
          .slice(page.start, page.start + page.limit);
        expect(listed.map(({ print }) => print.id)).toEqual(expected.map(({ id }) => id));
      }),
      { numRuns: 40 },
    );
  }, 60_000);

  test.each([
    { zone: "America/New_York", by: "day", first: "2023-02-10", last: "2023-11-20" },
    { zone: "Australia/Lord_Howe", by: "day", first: "2022-01-01", last: "2025-12-31" },
    { zone: "Europe/Berlin", by: "week", first: "2022-03-16", last: "2024-06-30" },
    { zone: "Asia/Kathmandu", by: "month", first: "2022-01-31", last: "2025-02-01" },
    { zone: "America/Santiago", by: "year", first: "2022-06-01", last: "2025-03-01" },
  ] as const)(
    "[O44] [O45] [O46] add up by $by in $zone, also where its clock changes",
    async ({ zone: name, by, first, last }) => {
      const zone = openZone(name);
      const periods = zone === null ? null : splitPeriods(zone, parseDay(first) ?? 0, parseDay(last) ?? 0, by);
      if (periods === null) throw new Error("no periods");
      const selection = { ...EVERY, userId };
      const { groups, total } = addUp(periods, await sumPrints(db, selection, periods));
      const inRange = history
        .filter((print) => matches(print, selection))
        .map((print) => ({ ...print, day: dayIn(name, print) }));
      const expected = inRange.filter(({ day }) => first <= day && day <= last);
      expect(total).toEqual({
        count: expected.length,
        cancelledCount: expected.filter((print) => print.cancelledAt !== null).length,
        printTimeSeconds: expected.reduce((sum, print) => sum + (print.printTime ?? 0), 0),
        longestSeconds: Math.max(0, ...expected.map((print) => print.printTime ?? 0)),
        filamentMm: expected.reduce((sum, print) => sum + (print.filamentUsed ?? 0), 0),
      });
      const counts = countBy(expected.map(({ day }) => keyOf(by, day, first)));
      const shown = groups.filter(({ sums }) => sums.count > 0).map(({ key, sums }) => [key.slice(0, 10), sums.count]);
      expect(Object.fromEntries(shown)).toEqual(Object.fromEntries(counts));
    },
  );

  test.each([true, false])(
    "[O40] what a deep page skips costs one index entry each (withDeleted: %s)",
    async (withDeleted) => {
      const page = { isAscending: false, start: 90_000, limit: 12 };
      const { statements } = await observed((d) => listPrints(connect(d), { ...EVERY, userId, withDeleted }, page, 0));
      const run = env.DB.prepare(statements[0] ?? "").bind(userId, page.limit, page.start);
      const { results, meta } = await run.run();
      expect(results).toHaveLength(page.limit);
      expect(meta.rows_read).toBeLessThan((page.start + page.limit) * 1.1 + page.limit * 8);
    },
  );
});

/** The local day of the start, by `Intl`. */
const calendars = new Map<string, Intl.DateTimeFormat>();
function dayIn(zone: string, { startedAt }: HistoryPrint): string {
  const parts = { year: "numeric", month: "2-digit", day: "2-digit" } as const;
  const calendar = calendars.get(zone) ?? new Intl.DateTimeFormat("en-CA", { timeZone: zone, ...parts });
  calendars.set(zone, calendar);
  return calendar.format(startedAt);
}

/** The first day of the period that `day` is in. */
function keyOf(by: Grouping, day: string, first: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  if (by === "week") date.setUTCDate(date.getUTCDate() - date.getUTCDay());
  if (by === "month" || by === "year") date.setUTCDate(1);
  if (by === "year") date.setUTCMonth(0);
  const start = date.toISOString().slice(0, 10);
  return start < first ? first : start;
}

function countBy(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  return counts;
}

describe("what prints cost D1", () => {
  const page = { isAscending: false, start: 0, limit: 500 };
  const narrow = { filter: "cancelled", printerIds: [1, 2], startedFrom: 1, startedBefore: 2 } as const;
  test.each([
    { name: "a page", act: (d: D1Database) => listPrints(connect(d), { ...EVERY, userId }, page, 0) },
    { name: "a narrow page", act: (d: D1Database) => listPrints(connect(d), { ...EVERY, ...narrow, userId }, page, 0) },
    { name: "one print", act: (d: D1Database) => findPrint(connect(d), { userId, id: 1, withDeleted: false }, 0) },
    {
      name: "an edit",
      act: (d: D1Database) => editEndedPrint(connect(d), { userId, id: 1 }, { alertOverwrite: null }),
    },
    { name: "a deletion of many", act: (d: D1Database) => deleteEndedPrints(connect(d), userId, [1, 2, 3], 0) },
    {
      name: "statistics",
      act: (d: D1Database) => sumPrints(connect(d), { ...EVERY, userId }, [{ key: "", from: 1, until: 2 }]),
    },
  ])("[O41] $name: one round trip, by key or index only", async ({ act }) => {
    const { roundTrips, plan } = await observed<unknown>(act);
    expect(roundTrips).toBe(1);
    expect(plan.length).toBeGreaterThan(0);
    expect(scansOf(plan)).toEqual([]);
  });

  test("[O41] a deletion looks at the rows that it names, whatever else the account has", async () => {
    const { plan } = await observed((d) => deleteEndedPrints(connect(d), userId, [1, 2, 3], 0));
    expect(plan.filter((step) => /SEARCH prints/.test(step) && !/PRIMARY KEY/.test(step))).toEqual([]);
  });
});

test("[O42] history edits and deletes only what D1 shows as ended; the others are told as current", async () => {
  const printer = await makePrinter();
  const now = Date.now();
  const [ended, current] = [printOf(printer, {}), printOf(printer, { finishedAt: null, cancelledAt: null })];
  await insertPrints([ended, current]);
  const edit = { printTimeSeconds: 5 };
  const edited = [ended, current].map(({ id }) => editEndedPrint(db, { userId: printer.userId, id }, edit));
  expect(await Promise.all(edited)).toMatchObject([{ id: ended.id, printTimeSeconds: 5 }, undefined]);
  const deletion = await deleteEndedPrints(db, printer.userId, [ended.id, current.id], now);
  expect(deletion).toMatchObject({ deleted: 1, current: [{ id: current.id, printerId: printer.id }] });
});
