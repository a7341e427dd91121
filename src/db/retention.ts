/**
 * Deletes history that is older than the operator keeps: events and commands that ended. Prints stay. Old rows are found
 * printer by printer, in the index that lists them: an index over dates alone would cost an entry with every insert.
 */
import { type SQL, sql } from "drizzle-orm";
import type { Db } from "./client.ts";
import { deleteChunk, mayHaveMore } from "./delete-chunk.ts";
import { commands, printerEvents } from "./schema/history.ts";
import { printers } from "./schema/printers.ts";

/** Rows of each table that one call deletes at most. */
const CHUNK = 2000;

/** One chunk of both tables, of what was made before `before` (epoch milliseconds); true: there may be more, call again. */
export async function pruneHistory(db: Db, before: number): Promise<boolean> {
  const results = await db.batch([
    deleteChunk(db, printerEvents, oldOf(printerEvents, sql`${printerEvents.createdAt} < ${before}`), CHUNK),
    deleteChunk(
      db,
      commands,
      oldOf(commands, sql`${commands.createdAt} < ${before} and ${commands.endedAt} is not null`),
      CHUNK,
    ),
  ]);
  return mayHaveMore(results, CHUNK);
}

function oldOf(table: typeof printerEvents | typeof commands, isOld: SQL): SQL {
  return sql`select ${table.id} from ${printers} cross join ${table}
    where ${table.printerId} = ${printers.id} and ${isOld}`;
}
