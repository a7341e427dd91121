/** Deletes old rows in chunks: one statement over years of history would run into D1's limit on time. */
import { type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Db } from "./client.ts";

/** The statement that deletes `limit` rows at most of those whose ids `old` (a SELECT without a limit) gives. */
export function deleteChunk(db: Db, table: SQLiteTable & { readonly id: SQLiteColumn }, old: SQL, limit: number) {
  return db.delete(table).where(sql`${table.id} in (${old} limit ${limit})`);
}

/** Whether any of those statements deleted as many rows as it might: there may be more. */
export function mayHaveMore(results: readonly D1Result[], limit: number): boolean {
  return results.some(({ meta }) => meta.changes >= limit);
}
