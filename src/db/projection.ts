/**
 * Writes of the printers' objects into D1: whole images under optimistic versioning, so that an older revision is a no-op.
 * `printers` is only updated: an upsert would bring a deleted row back. Nothing is written for an id and uid that D1 does not
 * have: after D1 was restored the id may be another printer's.
 */
import { and, eq, getTableColumns, isNull, or, type SQL, sql } from "drizzle-orm";
import { toSnakeCase } from "drizzle-orm/casing";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import type { CommandRecord } from "../domain/command.ts";
import type { Configuration } from "../domain/configuration.ts";
import type { PrinterEvent } from "../domain/events.ts";
import type { Print } from "../domain/print.ts";
import type { Db } from "./client.ts";
import { valuesIf } from "./insert-if.ts";
import { PreparedQuery } from "./prepared.ts";
import { gCodeFiles } from "./schema/g-code.ts";
import { commands, printerEvents, prints } from "./schema/history.ts";
import { printerLive, printers } from "./schema/printers.ts";

export interface PrinterImage extends Configuration {
  readonly printSequence: number;
  readonly eventSequence: number;
  readonly generation: number;
  readonly archivedAt: number | null;
  readonly deletedAt: number | null;
  readonly agentName: string | null;
  readonly agentVersion: string | null;
  readonly agentKeyId: string | null;
  readonly settings: string | null;
  readonly connectedAt: number | null;
  readonly disconnectedAt: number | null;
  readonly printerLostAt: number | null;
  readonly currentPrintId: number | null;
}

/** The list's copy of what changes with every status; `at` is its version. Times are epoch milliseconds. */
export interface LiveImage {
  readonly at: number;
  readonly status: string | null;
  /** `state.flags.printing` of that status. */
  readonly isPrinting: boolean;
  readonly statusAt: number | null;
  readonly lastSeenAt: number | null;
  readonly normalizedP: number;
  readonly lastExaminedAt: number | null;
}

/** One row's newest image. */
export type Projection =
  | { readonly kind: "printer"; readonly image: PrinterImage }
  | { readonly kind: "print"; readonly image: Print }
  | { readonly kind: "event"; readonly image: PrinterEvent }
  | { readonly kind: "command"; readonly image: CommandRecord }
  | { readonly kind: "live"; readonly image: LiveImage };

/** The printer whose rows they are. */
export interface ProjectionOwner {
  readonly id: number;
  readonly uid: string;
  readonly userId: number;
}

/** The statement that carries one image into D1, to run alone or in a batch. */
export function projectRow(
  db: Db,
  owner: ProjectionOwner,
  projection: Projection,
  revision: number,
): D1PreparedStatement {
  const { id: ownerId, uid: ownerUid } = owner;
  return statementsOf(db)[projection.kind].bind(db, {
    ...{ ...valuesOf(owner, projection), ownerId, ownerUid },
    revision,
  });
}

/** The columns of the row that an image is of, by the names of their placeholders. */
function valuesOf(
  { id: printerId, userId }: ProjectionOwner,
  projection: Projection,
): Readonly<Record<string, unknown>> {
  switch (projection.kind) {
    case "printer":
      return { ...projection.image };
    case "print": {
      const { filamentUsedMm: filamentUsed, printTimeSeconds: printTime, ...shared } = projection.image;
      return { ...shared, filamentUsed, printTime, printerId, userId };
    }
    case "event": {
      const { type: eventType, class: eventClass, title: eventTitle, text: eventText, ...shared } = projection.image;
      return { ...shared, eventType, eventClass, eventTitle, eventText };
    }
    case "command":
    case "live":
      return { ...projection.image, printerId };
  }
}

type Statements = Readonly<Record<Projection["kind"], PreparedQuery>>;

let statements: Statements | null = null;

/** Written once for the isolate: Drizzle takes longer to write one than D1 to carry it out. */
function statementsOf(db: Db): Statements {
  statements ??= {
    printer: new PreparedQuery(updatePrinter(db)),
    print: new PreparedQuery(upsertPrint(db)),
    event: new PreparedQuery(insertEvent(db)),
    command: new PreparedQuery(upsertCommand(db)),
    live: new PreparedQuery(upsertLive(db)),
  };
  return statements;
}

const OWNER_ID = sql.placeholder("ownerId");

function updatePrinter(db: Db) {
  const { id: _id, uid: _uid, userId: _userId, createdAt: _createdAt, ...projected } = placeholdersOf(printers);
  const isSame = and(eq(printers.id, OWNER_ID), eq(printers.uid, sql.placeholder("ownerUid")));
  const isOlder = sql`${printers.revision} < ${sql.placeholder("revision")}`;
  return db.update(printers).set(projected).where(and(isSame, isOlder));
}

function upsertPrint(db: Db) {
  const row = { ...placeholdersOf(prints), gCodeFileId: ownFile() };
  const { printerId: _printerId, userId: _userId, ...newer } = excludedOf(prints);
  return db
    .insert(prints)
    .select(valuesIf(prints, row, isThere()))
    .onConflictDoUpdate({
      target: prints.id,
      // Once D1 shows the end these four columns are the owner's; what it left open is filled.
      set: { ...newer, ...keepOnceEnded(newer) },
      setWhere: sql`excluded.revision > ${prints.revision}`,
    });
}

type OwnedOnceEnded = "alertOverwrite" | "deletedAt" | "filamentUsed" | "printTime";

function keepOnceEnded(newer: Readonly<Record<OwnedOnceEnded, SQL>>) {
  return {
    alertOverwrite: sql`iif(${prints.endedAt} is null, ${newer.alertOverwrite}, ${prints.alertOverwrite})`,
    // Kept through a re-opening, too: no write brings a deleted row back.
    deletedAt: sql`coalesce(${prints.deletedAt}, ${newer.deletedAt})`,
    filamentUsed: sql`iif(${prints.endedAt} is null, ${newer.filamentUsed}, coalesce(${prints.filamentUsed}, ${newer.filamentUsed}))`,
    printTime: sql`iif(${prints.endedAt} is null, ${newer.printTime}, coalesce(${prints.printTime}, ${newer.printTime}))`,
  };
}

/** An agent may name any file id: it is linked only if its owner has that file, in the cloud or on this printer. */
function ownFile() {
  const { id, userId, residentPrinterId } = gCodeFiles;
  const isOwn = and(eq(id, sql.placeholder("gCodeFileId")), eq(userId, sql.placeholder("userId")));
  const isReachable = or(isNull(residentPrinterId), eq(residentPrinterId, OWNER_ID));
  return sql`(select ${id} from ${gCodeFiles} where ${and(isOwn, isReachable)})`;
}

function insertEvent(db: Db) {
  const { eventClass, eventTitle, eventText, createdAt } = excludedOf(printerEvents);
  return db
    .insert(printerEvents)
    .select(valuesIf(printerEvents, placeholdersOf(printerEvents), isThere()))
    .onConflictDoUpdate({
      target: printerEvents.id,
      set: { eventClass, eventTitle, eventText, createdAt },
      // Only an end is told anew, later and truer ([L57]).
      setWhere: sql`${printerEvents.eventType} = 'ENDED' and excluded.created_at >= ${printerEvents.createdAt}`,
    });
}

function upsertCommand(db: Db) {
  return db
    .insert(commands)
    .select(valuesIf(commands, placeholdersOf(commands), isThere()))
    .onConflictDoUpdate({
      target: commands.id,
      set: excludedOf(commands),
      setWhere: sql`excluded.revision > ${commands.revision}`,
    });
}

function isThere() {
  return sql`exists (select 1 from ${printers} where ${and(eq(printers.id, OWNER_ID), eq(printers.uid, sql.placeholder("ownerUid")))})`;
}

/** Its version is the object's time: an older copy is a no-op. */
function upsertLive(db: Db) {
  return db
    .insert(printerLive)
    .select(valuesIf(printerLive, { ...placeholdersOf(printerLive), writes: 1 }, isThere()))
    .onConflictDoUpdate({
      target: printerLive.printerId,
      set: { ...excludedOf(printerLive), writes: sql`${printerLive.writes} + 1` },
      setWhere: sql`excluded.at >= ${printerLive.at}`,
    });
}

type ColumnsOf<T extends SQLiteTable, Value> = { [K in keyof T["_"]["columns"]]: Value };

/** A placeholder a column, by its key. */
function placeholdersOf<T extends SQLiteTable>(table: T): ColumnsOf<T, SQL> {
  return mapColumns(table, (key, column) => sql`${sql.param(sql.placeholder(key), column)}`);
}

/** In an upsert: the columns of the row that could not be inserted. */
function excludedOf<T extends SQLiteTable>(table: T): ColumnsOf<T, SQL> {
  return mapColumns(table, (key) => sql`excluded.${sql.identifier(toSnakeCase(key))}`);
}

function mapColumns<T extends SQLiteTable, Value>(
  table: T,
  map: (key: string, column: SQLiteColumn) => Value,
): ColumnsOf<T, Value> {
  const entries = Object.entries<SQLiteColumn>(getTableColumns(table)).map(([key, column]) => [key, map(key, column)]);
  return Object.fromEntries(entries) as ColumnsOf<T, Value>; // safe: a value for every column
}

/** The list's copy of a printer's status, for an object that lost its own. */
export async function findLiveImage(db: Db, printerId: number): Promise<LiveImage | undefined> {
  const [row] = await db.select().from(printerLive).where(eq(printerLive.printerId, printerId));
  return row;
}

/** A printer's whole row with its current print's, for the first wake of its object; from the primary. */
export async function findFirstWakeRow(db: Db, printerId: number) {
  const query = db.select().from(printers).leftJoin(prints, eq(prints.id, printers.currentPrintId));
  const [row] = await query.where(eq(printers.id, printerId));
  return row;
}

export type FirstWakeRow = NonNullable<Awaited<ReturnType<typeof findFirstWakeRow>>>;
