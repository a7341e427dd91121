/**
 * Deletes history that is older than the operator keeps: events and commands that ended. Prints stay. Old rows are found
 * printer by printer, in the index that lists them: one over their dates alone would cost a row with every write.
 */
import { type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import type { Db } from "./client.ts";
import { commands, printerEvents, printers } from "./schema.ts";

/** Rows of each table that one call deletes at most. */
const CHUNK = 2000;

/** One chunk of both tables, of what was made before `before` (epoch milliseconds); true: there may be more, call again. */
export async function pruneHistory(db: Db, before: number): Promise<boolean> {
  const results = await db.batch([
    deleteChunk(db, printerEvents, sql`${printerEvents.createdAt} < ${before}`),
    deleteChunk(db, commands, sql`${commands.createdAt} < ${before} and ${commands.endedAt} is not null`),
  ]);
  return results.some((result) => result.meta.changes >= CHUNK);
}

function deleteChunk(db: Db, table: SQLiteTable & { id: SQLiteColumn; printerId: SQLiteColumn }, isOld: SQL) {
  return db.delete(table).where(sql`${table.id} in (select ${table.id} from ${printers} cross join ${table}
    where ${table.printerId} = ${printers.id} and ${isOld} limit ${CHUNK})`);
}
