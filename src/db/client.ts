/** The one way to D1: a Drizzle client over the binding. */
import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";

/** What a SELECT of expressions alone is from: Drizzle asks for a FROM. */
export const ONE_ROW = sql`(select 1)`;

export type Db = ReturnType<typeof connect>;

/** Cheap: no connection is opened until a query runs. Columns are snake_case in SQL, camelCase here. */
export function connect(database: D1Database) {
  return drizzle(database, { casing: "snake_case" });
}
