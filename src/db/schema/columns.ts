/**
 * What the tables of D1 have in common. Foreign keys never cascade (a rebuild migration would empty the children); columns
 * that change with every status stay out of indexes. Times are epoch milliseconds, booleans 0 / 1.
 */
import { sql } from "drizzle-orm";
import type { AnySQLiteColumn } from "drizzle-orm/sqlite-core";

/** `column IN ('A', 'B')`: the CHECK that keeps an enum column to its list. */
export function oneOf(column: AnySQLiteColumn, values: readonly string[]) {
  return sql`${column} in (${sql.raw(values.map((value) => `'${value}'`).join(", "))})`;
}
