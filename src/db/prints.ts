/**
 * History of prints: listed, found, and edited once they ended. Until D1 shows its end only its printer's object writes a
 * print ([O42]), so every write here asks for `ended_at`.
 */
import { and, asc, desc, eq, getTableColumns, isNotNull, isNull, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import type { PrintEdit, ShownPrint } from "../domain/print.ts";
import type { PrinterView } from "../domain/view.ts";
import type { Db } from "./client.ts";
import { fileColumns, type GCodeFile } from "./g-code-files.ts";
import { anyOf, type PrintSelection, selects } from "./print-selection.ts";
import { printOfRow, viewOfRow } from "./printers.ts";
import { gCodeFiles } from "./schema/g-code.ts";
import { prints } from "./schema/history.ts";
import { printerLive, printers } from "./schema/printers.ts";

export interface PrintPage {
  readonly isAscending: boolean;
  readonly start: number;
  readonly limit: number;
}

export interface ListedPrint {
  readonly print: ShownPrint;
  readonly printerId: number;
  /** Null once it is deleted. Its status says no more than whether it prints, and its settings are null. */
  readonly printer: PrinterView | null;
  readonly file: GCodeFile | null;
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

export interface WantedPrint {
  readonly userId: number;
  readonly id: number;
  readonly withDeleted: boolean;
}

/** Undefined unless the account has it; a deleted one only `withDeleted`. */
export async function findPrint(db: Db, wanted: WantedPrint, now: number): Promise<ListedPrint | undefined> {
  const [row] = await joined(db).where(isWanted(wanted));
  return row === undefined ? undefined : listedOfRow(row, now);
}

function isWanted({ id, userId, withDeleted }: WantedPrint) {
  return and(eq(prints.id, id), eq(prints.userId, userId), withDeleted ? undefined : isNull(prints.deletedAt));
}

/** `prints` once more in the same query: the current print of a listed print's printer. */
export const current = alias(prints, "current_prints");

const { settings: _long, ...shortColumns } = getTableColumns(printers);
export const printerColumns = shortColumns;

function joined(db: Db) {
  return db
    .select({ print: prints, printer: printerColumns, isPrinting: printerLive.isPrinting, current, file: fileColumns })
    .from(prints)
    .leftJoin(printers, and(eq(printers.id, prints.printerId), isNull(printers.deletedAt)))
    .leftJoin(printerLive, eq(printerLive.printerId, printers.id))
    .leftJoin(current, eq(current.id, printers.currentPrintId))
    .leftJoin(gCodeFiles, eq(gCodeFiles.id, prints.gCodeFileId))
    .$dynamic();
}

type JoinedRow = Awaited<ReturnType<typeof joined>>[number];

/** A nested printer tells no more of its status than whether it prints. */
const NO_STATUS = {
  status: null,
  statusAt: null,
  lastSeenAt: null,
  normalizedP: 0,
  lastExaminedAt: null,
} as const;

export function listedOfRow({ print, printer, isPrinting, current, file }: JoinedRow, now: number): ListedPrint {
  const view = (row: NonNullable<typeof printer>): PrinterView => {
    const live = { ...NO_STATUS, isPrinting: isPrinting ?? false };
    return viewOfRow({ printer: { ...row, settings: null }, live, print: current && printOfRow(current) }, now);
  };
  return {
    print: printOfRow(print),
    printerId: print.printerId,
    printer: printer === null ? null : view(printer),
    file,
  };
}

/** The print with the edit; undefined: nothing was written, for the account has none such or D1 does not show its end. */
export async function editEndedPrint(
  db: Db,
  wanted: { readonly userId: number; readonly id: number },
  edit: PrintEdit,
): Promise<ShownPrint | undefined> {
  const { alertOverwrite, filamentUsedMm: filamentUsed, printTimeSeconds: printTime } = edit;
  const [row] = await db
    .update(prints)
    .set({ alertOverwrite, filamentUsed, printTime })
    .where(and(isWanted({ ...wanted, withDeleted: false }), isNotNull(prints.endedAt)))
    .returning();
  return row === undefined ? undefined : printOfRow(row);
}

/** A print that only its printer's object can end. */
export interface CurrentPrint {
  readonly id: number;
  readonly printerId: number;
  readonly printerUid: string;
}

/** One round trip: deletes those of `ids` that the account has and that ended; `current` are those that did not. */
export async function deleteEndedPrints(
  db: Db,
  userId: number,
  ids: readonly number[],
  now: number,
): Promise<{ deleted: number; current: CurrentPrint[] }> {
  // The unary plus keeps SQLite off the account's index: the ids are 500 at most, an account's prints may be many more.
  const isMeant = sql`${prints.id} in ${anyOf(ids)} and +${prints.userId} = ${userId}`;
  const [deleted, current] = await db.batch([
    db
      .update(prints)
      .set({ deletedAt: now })
      .where(and(isMeant, isNotNull(prints.endedAt), isNull(prints.deletedAt)))
      .returning({ id: prints.id }),
    db
      .select({ id: prints.id, printerId: prints.printerId, printerUid: printers.uid })
      .from(prints)
      .innerJoin(printers, eq(printers.id, prints.printerId))
      .where(and(isMeant, isNull(prints.endedAt), isNull(prints.deletedAt))),
  ]);
  return { deleted: deleted.length, current };
}
