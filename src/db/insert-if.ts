/** A row's values as a SELECT with a condition: an INSERT that checks and writes in one statement. */
import { getTableColumns, is, SQL, sql } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";

type Row<T extends SQLiteTable> = { [K in keyof T["$inferInsert"]]: T["$inferInsert"][K] | SQL };

/** For `db.insert(table).select(...)`: the row with the table's defaults, or no row unless `condition` holds. */
export function valuesIf<T extends SQLiteTable>(table: T, row: Row<T>, condition: SQL): SQL {
  const given: Record<string, unknown> = row;
  const values = Object.entries(getTableColumns(table)).map(([key, column]) => {
    const value = given[key] ?? column.default ?? null;
    return is(value, SQL) ? value : sql.param(value, column);
  });
  return sql`select ${sql.join(values, sql`, `)} where ${condition}`;
}
