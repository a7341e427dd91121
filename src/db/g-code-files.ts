/** G-code records as agents report them: found again by signature and name, else made. */
import { and, asc, eq, isNull, or, sql } from "drizzle-orm";
import type { Db } from "./client.ts";
import { valuesIf } from "./insert-if.ts";
import { gCodeFiles } from "./schema.ts";

export type GCodeFile = typeof gCodeFiles.$inferSelect;

export interface ReportedFile {
  readonly userId: number;
  /** The printer whose agent reports it. */
  readonly printerId: number;
  readonly filename: string;
  readonly safeFilename: string;
  readonly agentSignature: string | null;
  /** The agent's own path. */
  readonly url: string | null;
  readonly numBytes: number | null;
}

/**
 * The account's record of that signature and safe name, on this printer or in the cloud; made if there is none. One round
 * trip and one transaction, so that reports at once make one row. A record that was found stays as it is.
 */
export async function findOrInsertGCodeFile(
  db: Db,
  { printerId, ...file }: ReportedFile,
  now: number,
): Promise<{ readonly file: GCodeFile; readonly isNew: boolean }> {
  const isSame = and(
    eq(gCodeFiles.userId, file.userId),
    eq(gCodeFiles.safeFilename, file.safeFilename),
    file.agentSignature === null
      ? isNull(gCodeFiles.agentSignature)
      : eq(gCodeFiles.agentSignature, file.agentSignature),
    or(isNull(gCodeFiles.residentPrinterId), eq(gCodeFiles.residentPrinterId, printerId)),
    isNull(gCodeFiles.deletedAt),
  );
  const row = { ...file, residentPrinterId: printerId, createdAt: now, updatedAt: now };
  const isUnknown = sql`not exists (select 1 from ${gCodeFiles} where ${isSame})`;
  const [made, [found]] = await db.batch([
    db
      .insert(gCodeFiles)
      .select(valuesIf(gCodeFiles, row, isUnknown))
      .returning({ id: gCodeFiles.id }),
    db.select().from(gCodeFiles).where(isSame).orderBy(asc(gCodeFiles.id)).limit(1),
  ]);
  if (found === undefined) throw new Error("the record was neither found nor made");
  return { file: found, isNew: made.length > 0 };
}

/** What an agent says of a file that it fetched; undefined keys stay as they are. */
export interface ReportedEdit {
  readonly safeFilename?: string | undefined;
  readonly agentSignature?: string | null | undefined;
}

/** Undefined unless the account has that file, in the cloud or on this printer. */
export async function editReportedFile(
  db: Db,
  wanted: { readonly userId: number; readonly printerId: number; readonly id: number },
  edit: ReportedEdit,
  now: number,
): Promise<GCodeFile | undefined> {
  const isReachable = and(
    eq(gCodeFiles.id, wanted.id),
    eq(gCodeFiles.userId, wanted.userId),
    or(isNull(gCodeFiles.residentPrinterId), eq(gCodeFiles.residentPrinterId, wanted.printerId)),
    isNull(gCodeFiles.deletedAt),
  );
  const [file] = await db
    .update(gCodeFiles)
    .set({ ...edit, updatedAt: now })
    .where(isReachable)
    .returning();
  return file;
}
