/** Pages of a list by their number, cut in SQL: the last one needs no count beforehand. */
import { type SQL, sql } from "drizzle-orm";

export interface NumberedPage {
  readonly number: number | "last";
  readonly size: number;
}

/** `limit … offset …`, among as many rows as `count` (a SELECT) says there are. */
export function cutPage({ number, size }: NumberedPage, count: SQL): SQL {
  const offset =
    number === "last"
      ? sql`(select max(0, rows - 1 - (rows - 1) % ${size}) from (select (${count}) as rows))`
      : sql`${(number - 1) * size}`;
  return sql`limit ${size} offset ${offset}`;
}
