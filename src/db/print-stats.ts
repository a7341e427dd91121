/** Sums over an account's prints by period, in one query whatever the number of periods. */
import { type SQL, sql } from "drizzle-orm";
import type { Period, PeriodSums } from "../domain/stats.ts";
import type { Db } from "./client.ts";
import { type PrintSelection, selects } from "./print-selection.ts";
import { prints } from "./schema/history.ts";

/** By the place of the period among `periods`; periods without a print are absent. */
export async function sumPrints(
  db: Db,
  selection: PrintSelection,
  periods: readonly Period[],
): Promise<ReadonlyMap<number, PeriodSums>> {
  const bounds = JSON.stringify(periods.map(({ from, until }) => [from, until]));
  const rows = await db
    .select({
      place: sql<number>`period.key`,
      count: sql<number>`count(*)`,
      cancelledCount: sql<number>`count(${prints.cancelledAt})`,
      printTimeSeconds: total(sql`sum(${prints.printTime})`),
      longestSeconds: total(sql`max(${prints.printTime})`),
      filamentMm: total(sql`sum(${prints.filamentUsed})`),
    })
    .from(sql`json_each(${bounds}) as period`)
    .crossJoin(prints)
    .where(
      sql`${selects(selection)} and ${prints.startedAt} >= period.value ->> 0 and ${prints.startedAt} < period.value ->> 1`,
    )
    .groupBy(sql`period.key`);
  return new Map(rows.map(({ place, ...sums }) => [place, sums]));
}

/** 0 where no print of the period has a value. */
function total(sums: SQL): SQL<number> {
  return sql<number>`coalesce(${sums}, 0)`;
}
