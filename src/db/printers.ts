/** Printers as accounts see them: found in their owner's account, made, and what rows show of them. Their objects write the rest. */
import { and, eq, isNull, type Placeholder, type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn } from "drizzle-orm/sqlite-core";
import { CONFIGURATION_KEYS, type Configuration } from "../domain/configuration.ts";
import type { ShownPrint } from "../domain/print.ts";
import { presence } from "../domain/status.ts";
import type { PrinterView } from "../domain/view.ts";
import type { Db } from "./client.ts";
import { fileColumns, type GCodeFile } from "./g-code-files.ts";
import { insertOnce, type KeyUse, type Once } from "./idempotency.ts";
import { valuesIf } from "./insert-if.ts";
import { users } from "./schema/accounts.ts";
import { gCodeFiles } from "./schema/g-code.ts";
import { prints } from "./schema/history.ts";
import { type printerLive, printers } from "./schema/printers.ts";

/** What must be known of a printer before its object may be addressed. */
export interface OwnedPrinter {
  readonly id: number;
  readonly uid: string;
  readonly archivedAt: number | null;
  /** The G-code record of the print that D1 shows as current. */
  readonly file: GCodeFile | null;
}

const packedFile = Object.entries(fileColumns).map(([key, column]) => sql`${sql.raw(`'${key}'`)}, ${column}`);

/** For queries with joins only: in one without, Drizzle leaves out the tables' names. */
export const ownedPrinterColumns = {
  id: printers.id,
  uid: printers.uid,
  archivedAt: printers.archivedAt,
  file: sql<GCodeFile | null>`(select json_object(${sql.join(packedFile, sql`, `)}) from ${prints}
    inner join ${gCodeFiles} on ${gCodeFiles.id} = ${prints.gCodeFileId}
    where ${prints.id} = ${printers.currentPrintId})`.mapWith(readFile),
};

/** Drizzle calls it for a value only, so null, for which nothing is decoded, is in the type alone. */
function readFile(text: string): GCodeFile | null {
  return JSON.parse(text) as GCodeFile; // safe: an object of the table's columns
}

/** The same columns of a row that D1 gives by these names; all null where the join found nothing. */
export interface OwnedPrinterRow {
  readonly printerId: number | null;
  readonly printerUid: string;
  readonly printerArchivedAt: number | null;
  /** JSON text of the record. */
  readonly printerFile: string | null;
}

export const ownedPrinterSelection = {
  printerId: ownedPrinterColumns.id,
  printerUid: ownedPrinterColumns.uid,
  printerArchivedAt: ownedPrinterColumns.archivedAt,
  printerFile: ownedPrinterColumns.file,
} satisfies Record<keyof OwnedPrinterRow, unknown>;

export function ownedPrinterOf(row: OwnedPrinterRow): OwnedPrinter | null {
  const { printerId: id, printerUid: uid, printerArchivedAt: archivedAt, printerFile: file } = row;
  return id === null ? null : { id, uid, archivedAt, file: file === null ? null : readFile(file) };
}

/** Joins that account's printer, if it is not deleted; nothing at all without an id. */
export function ownedPrinter(userId: SQLiteColumn, printerId: number | Placeholder | null): SQL | undefined {
  return and(eq(printers.id, printerId ?? 0), eq(printers.userId, userId), isNull(printers.deletedAt));
}

/** Undefined unless the account has it. */
export async function findOwnedPrinter(db: Db, userId: number, id: number): Promise<OwnedPrinter | undefined> {
  const [found] = await db
    .select(ownedPrinterColumns)
    .from(users)
    .innerJoin(printers, ownedPrinter(users.id, id))
    .where(eq(users.id, userId));
  return found;
}

/** The account's printer, unless it is archived or deleted. */
export async function findActivePrinter(
  db: Db,
  userId: number,
  id: number,
): Promise<Pick<OwnedPrinter, "id" | "uid"> | undefined> {
  const isOwn = and(eq(printers.id, id), eq(printers.userId, userId));
  const isActive = and(isNull(printers.deletedAt), isNull(printers.archivedAt));
  const [found] = await db.select({ id: printers.id, uid: printers.uid }).from(printers).where(and(isOwn, isActive));
  return found;
}

/** Ids of the account's printers that are not deleted. */
export function selectPrinterIds(db: Db, userId: number) {
  const isHeld = and(eq(printers.userId, userId), isNull(printers.deletedAt));
  return db.select({ id: printers.id }).from(printers).where(isHeld);
}

/** A printer as D1 shows it. */
export interface ShownPrinter {
  readonly printer: PrinterView;
  /** The current print's. */
  readonly file: GCodeFile | null;
}

export interface NewPrinter {
  readonly userId: number;
  readonly uid: string;
  readonly configuration: Configuration;
  readonly maxPrinters: number;
}

/**
 * Makes a printer in that account; undefined when it holds `maxPrinters` already. One statement, so that calls at once
 * cannot exceed the bound together.
 */
export function insertPrinter(
  db: Db,
  born: NewPrinter,
  key: KeyUse | null,
  now: number,
): Promise<Once<ShownPrinter | undefined>> {
  return insertOnce(
    db,
    key,
    now,
    (isFree) => [insertPrinterIfRoom(db, born, now, isFree)],
    ([[printer]]) => printer && { printer: viewOfRow({ printer, live: null, print: null }, now), file: null },
  );
}

/** The same as a statement of a batch; nothing is made unless `condition` holds, too. */
export function insertPrinterIfRoom(db: Db, born: NewPrinter, now: number, condition = sql`1`) {
  const { userId, uid, configuration, maxPrinters } = born;
  const held = sql`select count(*) from ${printers} where ${printers.userId} = ${userId} and ${printers.deletedAt} is null`;
  const row = { ...configuration, userId, uid, createdAt: now };
  return db
    .insert(printers)
    .select(valuesIf(printers, row, sql`(${held}) < ${maxPrinters} and ${condition}`))
    .returning();
}

export interface PrinterRow {
  readonly printer: typeof printers.$inferSelect;
  readonly live: Omit<typeof printerLive.$inferSelect, "printerId" | "at" | "writes"> | null;
  /** The current one. */
  readonly print: ShownPrint | null;
}

/** The printer as the list shows it. D1 does not know when an online agent was last heard, so its clock is null ([H25]). */
export function viewOfRow({ printer, live, print }: PrinterRow, now: number): PrinterView {
  const { id, uid, userId, createdAt, archivedAt, generation, agentName, agentVersion, settings } = printer;
  const { state, since } = presence(printer, now);
  const isOnline = state === "online";
  const status = state === "offline" ? null : (live?.status ?? null);
  const statusAt = state === "offline" || isOnline ? null : (live?.statusAt ?? null);
  return {
    ...{ id, uid, userId, createdAt, archivedAt, generation, agentName, agentVersion, settings, status },
    isPrinting: state !== "offline" && (live?.isPrinting ?? false),
    configuration: configurationOfRow(printer),
    presence: {
      state,
      since,
      lastSeenAt: isOnline ? null : (live?.lastSeenAt ?? null),
      statusAgeMs: statusAt === null ? null : Math.max(0, now - statusAt),
    },
    currentPrint: print,
    normalizedP: live?.normalizedP ?? 0,
    lastExaminedAt: live?.lastExaminedAt ?? null,
  };
}

export function configurationOfRow(row: Configuration): Configuration {
  const configuration: Record<string, unknown> = {};
  for (const key of CONFIGURATION_KEYS) configuration[key] = row[key];
  return configuration as Configuration; // safe: every key of it
}

export function printOfRow(row: typeof prints.$inferSelect): ShownPrint {
  const { printerId: _printer, userId: _user, revision: _revision, filamentUsed, printTime, ...print } = row;
  return { ...print, filamentUsedMm: filamentUsed, printTimeSeconds: printTime };
}
