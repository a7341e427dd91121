/** Commands that ended, as their printers' objects projected them. */
import { and, desc, eq, lt } from "drizzle-orm";
import type { CommandRecord } from "../domain/command.ts";
import type { Db } from "./client.ts";
import { commands } from "./schema/history.ts";

/** Newest first; those made before `before` (epoch milliseconds; null: whenever). */
export async function listEndedCommands(
  db: Db,
  printerId: number,
  before: number | null,
  page: { readonly start: number; readonly limit: number },
): Promise<CommandRecord[]> {
  const isOlder = before === null ? undefined : lt(commands.createdAt, before);
  const rows = await db
    .select()
    .from(commands)
    .where(and(eq(commands.printerId, printerId), isOlder))
    .orderBy(desc(commands.createdAt), desc(commands.id))
    .limit(page.limit)
    .offset(page.start);
  return rows.map(recordOfRow);
}

export async function findEndedCommand(db: Db, printerId: number, id: string): Promise<CommandRecord | undefined> {
  const [row] = await db
    .select()
    .from(commands)
    .where(and(eq(commands.id, id), eq(commands.printerId, printerId)));
  return row === undefined ? undefined : recordOfRow(row);
}

function recordOfRow(row: typeof commands.$inferSelect): CommandRecord {
  const { printerId: _printer, revision: _revision, ...record } = row;
  return record;
}
