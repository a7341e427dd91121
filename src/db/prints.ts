/**
 * History of prints: listed, found, and edited once they ended. A print belongs to its printer's object until then (design
 * 3), so every write here asks for `ended_at`.
 */
import { and, asc, desc, eq, getTableColumns, isNotNull, isNull, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import type { AlertOverwrite, Print } from "../domain/print.ts";
import type { PrinterView } from "../domain/view.ts";
import type { Db } from "./client.ts";
import { anyOf, type PrintSelection, selects } from "./print-selection.ts";
import { printOfRow, viewOfRow } from "./printers.ts";
import { gCodeFiles, printerLive, printers, prints } from "./schema.ts";

export interface PrintPage {
  readonly isAscending: boolean;
  readonly start: number;
  readonly limit: number;
}

export interface ListedPrint {
  readonly print: Print;
  readonly printerId: number;
  /** Null once it is deleted. Its status says no more than whether it prints, and its settings are null. */
  readonly printer: PrinterView | null;
  readonly file: typeof gCodeFiles.$inferSelect | null;
}

/** One query: the page is found in the index first, so that what an offset skips is never joined. */
export async function listPrints(
  db: Db,
  selection: PrintSelection,
  page: PrintPage,
  now: number,
): Promise<ListedPrint[]> {
  const order = page.isAscending ? asc : desc;
  const paged = db
    .select({ id: prints.id })
    .from(prints)
    .where(selects(selection))
    .orderBy(order(prints.startedAt), order(prints.id))
    .limit(page.limit)
    .offset(page.start);
  const rows = await joined(db).where(sql`${prints.id} in ${paged}`).orderBy(order(prints.startedAt), order(prints.id));
  return rows.map((row) => listedOfRow(row, now));
}

/** Undefined unless the account has it; a deleted one only `withDeleted`. */
export async function findPrint(
  db: Db,
  wanted: { readonly userId: number; readonly id: number; readonly withDeleted: boolean },
  now: number,
): Promise<ListedPrint | undefined> {
  const isOwn = and(eq(prints.id, wanted.id), eq(prints.userId, wanted.userId));
  const [row] = await joined(db).where(wanted.withDeleted ? isOwn : and(isOwn, isNull(prints.deletedAt)));
  return row === undefined ? undefined : listedOfRow(row, now);
}

const current = alias(prints, "current_prints");

/** A status may be long, and a page holds many: only what a nested printer tells is read out of it. */
const shortStatus = sql<string | null>`'{"state":{"flags":{"printing":' ||
  coalesce(${printerLive.status} -> '$.state.flags.printing', 'null') || '}}}'`;

const { settings: _long, ...printerColumns } = getTableColumns(printers);

function joined(db: Db) {
  return db
    .select({ print: prints, printer: printerColumns, status: shortStatus, current, file: gCodeFiles })
    .from(prints)
    .leftJoin(printers, and(eq(printers.id, prints.printerId), isNull(printers.deletedAt)))
    .leftJoin(printerLive, eq(printerLive.printerId, printers.id))
    .leftJoin(current, eq(current.id, printers.currentPrintId))
    .leftJoin(gCodeFiles, eq(gCodeFiles.id, prints.gCodeFileId))
    .$dynamic();
}

type JoinedRow = Awaited<ReturnType<typeof joined>>[number];

const NO_LIVE_COPY = { at: 0, statusAt: null, lastSeenAt: null, normalizedP: 0, lastExaminedAt: null } as const;

function listedOfRow({ print, printer, status, current, file }: JoinedRow, now: number): ListedPrint {
  const view = (row: NonNullable<typeof printer>): PrinterView => {
    const live = { ...NO_LIVE_COPY, printerId: row.id, status };
    return viewOfRow({ printer: { ...row, settings: null }, live, print: current }, now);
  };
  return {
    print: printOfRow(print),
    printerId: print.printerId,
    printer: printer === null ? null : view(printer),
    file,
  };
}

/** What `http` may write of a print that ended. */
export interface PrintEdit {
  readonly alertOverwrite?: AlertOverwrite | null;
  readonly filamentUsed?: number | null;
  readonly printTime?: number | null;
}

const isEnded = and(isNotNull(prints.endedAt), isNull(prints.deletedAt));

/** False when nothing was written: the account has no such print, or it has not ended. */
export async function editPrint(db: Db, userId: number, id: number, edit: PrintEdit): Promise<boolean> {
  const rows = await db
    .update(prints)
    .set(edit)
    .where(and(eq(prints.id, id), eq(prints.userId, userId), isEnded))
    .returning({ id: prints.id });
  return rows.length > 0;
}

/** A print that only its printer's object can end. */
export interface CurrentPrint {
  readonly id: number;
  readonly printerId: number;
  readonly printerUid: string;
}

/** Deletes those of `ids` that the account has and that ended; `current` are those that did not. */
export async function deleteEndedPrints(
  db: Db,
  userId: number,
  ids: readonly number[],
  now: number,
): Promise<{ deleted: number; current: CurrentPrint[] }> {
  const isMeant = and(eq(prints.userId, userId), sql`${prints.id} in ${anyOf(ids)}`);
  const [deleted, current] = await db.batch([
    db.update(prints).set({ deletedAt: now }).where(and(isMeant, isEnded)).returning({ id: prints.id }),
    db
      .select({ id: prints.id, printerId: prints.printerId, printerUid: printers.uid })
      .from(prints)
      .innerJoin(printers, eq(printers.id, prints.printerId))
      .where(and(isMeant, isNull(prints.endedAt), isNull(prints.deletedAt))),
  ]);
  return { deleted: deleted.length, current };
}
