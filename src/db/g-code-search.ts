/** What a list of files or folders is cut from, narrowed to names with a part ([G35]) within a bound ([G36]). */
import { and, type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import { searchName } from "../domain/g-code.ts";
import type { Db } from "./client.ts";
import { cutPage, type NumberedPage } from "./numbered-page.ts";
import type { gCodeFiles, gCodeFolders } from "./schema/g-code.ts";

/** A search looks at so many rows at most. */
const SEARCHED_MAX = 10_000;

export interface NumberedList {
  readonly table: typeof gCodeFiles | typeof gCodeFolders;
  /** The name that people gave. */
  readonly name: SQLiteColumn;
  readonly isSelected: SQL | undefined;
  readonly order: (column: SQLiteColumn | SQL) => SQL;
  readonly by: SQLiteColumn;
  /** Part of the name; null: whichever. */
  readonly contains: string | null;
  /** A SELECT of ids, in the order in which a search looks at them. */
  readonly searched: SQL;
}

/** `count` and `paged` (ids) are SELECTs, for a query that begins `with` those tables. */
export function cutList(db: Db, list: NumberedList, page: NumberedPage) {
  const { table, isSelected, order, contains } = list;
  const from = contains === null ? sql`(${rowsOf(list, sql`${table}`, isSelected)})` : sql`found`;
  const tables = contains === null ? [] : [db.$with("found", {}).as(found(list, contains))];
  const count = sql`select count(*) from ${from}`;
  const place = sql`${order(sql`place`)}, ${order(sql`id`)}`;
  return { tables, count, paged: sql`(select id from ${from} order by ${place} ${cutPage(page, count)})` };
}

function rowsOf({ table, by }: NumberedList, from: SQL, condition: SQL | undefined): SQL {
  return sql`select ${table.id} as id, ${by} as place from ${from} where ${condition}`;
}

/**
 * With a limit SQLite makes a table of it, else it would search again at each place. A name that is not read yet is compared
 * in ASCII's cases only.
 */
function found(list: NumberedList, part: string): SQL {
  const { table, name, isSelected, searched } = list;
  const has = sql`instr(coalesce(${table.searchName}, upper(${name})), ${searchName(part)}) > 0`;
  const from = sql`(${searched} limit ${SEARCHED_MAX}) as searched cross join ${table} on ${table.id} = searched.id`;
  return sql`${rowsOf(list, from, and(isSelected, has))} limit ${SEARCHED_MAX}`;
}
