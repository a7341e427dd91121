/**
 * Writes of the printers' objects into D1: whole images under optimistic versioning, so that an older revision is a no-op.
 * `printers` is only updated: an upsert would bring a deleted row back. Nothing is written for an id and uid that D1 does not
 * have: after D1 was restored the id may be another printer's.
 */
import { and, eq, isNull, or, sql } from "drizzle-orm";
import type { CommandRecord } from "../domain/command.ts";
import type { Configuration } from "../domain/configuration.ts";
import type { PrinterEvent } from "../domain/events.ts";
import type { Print } from "../domain/print.ts";
import type { Db } from "./client.ts";
import { valuesIf } from "./insert-if.ts";
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
export function projectRow(db: Db, owner: ProjectionOwner, projection: Projection, revision: number) {
  switch (projection.kind) {
    case "printer":
      return updatePrinter(db, owner, projection.image, revision);
    case "print":
      return upsertPrint(db, owner, projection.image, revision);
    case "event":
      return insertEvent(db, owner, projection.image);
    case "command":
      return upsertCommand(db, owner, projection.image, revision);
    case "live":
      return upsertLive(db, owner, projection.image);
  }
}

function updatePrinter(db: Db, owner: ProjectionOwner, image: PrinterImage, revision: number) {
  const isOlder = and(eq(printers.id, owner.id), eq(printers.uid, owner.uid), sql`${printers.revision} < ${revision}`);
  return db
    .update(printers)
    .set({ ...image, revision })
    .where(isOlder);
}

function upsertPrint(db: Db, owner: ProjectionOwner, print: Print, revision: number) {
  const { filamentUsedMm, printTimeSeconds, gCodeFileId, alertOverwrite, deletedAt, ...shared } = print;
  const projected = { ...shared, revision, gCodeFileId: ownFile(owner, gCodeFileId) };
  const once = { alertOverwrite, deletedAt, filamentUsed: filamentUsedMm, printTime: printTimeSeconds };
  const row = { ...projected, ...once, printerId: owner.id, userId: owner.userId };
  return db
    .insert(prints)
    .select(valuesIf(prints, row, isThere(owner)))
    .onConflictDoUpdate({
      target: prints.id,
      // Once D1 shows the end these four columns are the owner's.
      set: { ...projected, ...keepOnceEnded(once) },
      setWhere: sql`excluded.revision > ${prints.revision}`,
    });
}

interface OwnedOnceEnded {
  readonly alertOverwrite: Print["alertOverwrite"];
  readonly deletedAt: number | null;
  readonly filamentUsed: number | null;
  readonly printTime: number | null;
}

function keepOnceEnded(image: OwnedOnceEnded) {
  return {
    alertOverwrite: sql`iif(${prints.endedAt} is null, ${image.alertOverwrite}, ${prints.alertOverwrite})`,
    // Kept through a re-opening, too: no write brings a deleted row back.
    deletedAt: sql`coalesce(${prints.deletedAt}, ${image.deletedAt})`,
    filamentUsed: sql`iif(${prints.endedAt} is null, ${image.filamentUsed}, ${prints.filamentUsed})`,
    printTime: sql`iif(${prints.endedAt} is null, ${image.printTime}, ${prints.printTime})`,
  };
}

/** An agent may name any file id: it is linked only if its owner has that file, in the cloud or on this printer. */
function ownFile(owner: ProjectionOwner, gCodeFileId: number | null) {
  if (gCodeFileId === null) return null;
  const { id, userId, residentPrinterId } = gCodeFiles;
  const isReachable = or(isNull(residentPrinterId), eq(residentPrinterId, owner.id));
  return sql`(select ${id} from ${gCodeFiles} where ${and(eq(id, gCodeFileId), eq(userId, owner.userId), isReachable)})`;
}

function insertEvent(db: Db, owner: ProjectionOwner, event: PrinterEvent) {
  const { type, class: eventClass, title, text, ...shared } = event;
  const row = { ...shared, eventType: type, eventClass, eventTitle: title, eventText: text };
  return db
    .insert(printerEvents)
    .select(valuesIf(printerEvents, row, isThere(owner)))
    .onConflictDoNothing();
}

function upsertCommand(db: Db, owner: ProjectionOwner, command: CommandRecord, revision: number) {
  const row = { ...command, revision };
  return db
    .insert(commands)
    .select(valuesIf(commands, { ...row, printerId: owner.id }, isThere(owner)))
    .onConflictDoUpdate({ target: commands.id, set: row, setWhere: sql`excluded.revision > ${commands.revision}` });
}

function isThere({ id, uid }: ProjectionOwner) {
  return sql`exists (select 1 from ${printers} where ${and(eq(printers.id, id), eq(printers.uid, uid))})`;
}

/** Its version is the object's time: an older copy is a no-op. */
function upsertLive(db: Db, owner: ProjectionOwner, image: LiveImage) {
  return db
    .insert(printerLive)
    .select(valuesIf(printerLive, { ...image, printerId: owner.id }, isThere(owner)))
    .onConflictDoUpdate({ target: printerLive.printerId, set: image, setWhere: sql`excluded.at >= ${printerLive.at}` });
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
