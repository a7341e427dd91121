/** G-code records as agents report them: found again by signature and name, else made. */
import { and, asc, desc, eq, isNull, or, type SQL, sql } from "drizzle-orm";
import type { Db } from "./client.ts";
import { valuesIf } from "./insert-if.ts";
import { gCodeCopies, gCodeFiles } from "./schema/g-code.ts";

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
 * The account's record of that signature and safe name, on this printer or in the cloud, or the cloud file that this printer
 * fetched under them; made if there is none. One round trip and one transaction, so that reports at once make one row. A
 * record that was found stays as it is.
 */
export async function findOrInsertGCodeFile(
  db: Db,
  { printerId, ...file }: ReportedFile,
  now: number,
): Promise<{ readonly file: GCodeFile; readonly isNew: boolean }> {
  const isCopied = sql`${gCodeFiles.id} in ${copiedFiles(printerId, file)}`;
  const isReported = and(
    eq(gCodeFiles.safeFilename, file.safeFilename),
    file.agentSignature === null
      ? isNull(gCodeFiles.agentSignature)
      : eq(gCodeFiles.agentSignature, file.agentSignature),
    isReachableFrom(printerId),
  );
  const isSame = and(eq(gCodeFiles.userId, file.userId), or(isCopied, isReported), isNull(gCodeFiles.deletedAt));
  const row = { ...file, residentPrinterId: printerId, createdAt: now, updatedAt: now };
  const isUnknown = sql`not exists (select 1 from ${gCodeFiles} where ${isSame})`;
  const [made, [found]] = await db.batch([
    db
      .insert(gCodeFiles)
      .select(valuesIf(gCodeFiles, row, isUnknown))
      .returning({ id: gCodeFiles.id }),
    db.select().from(gCodeFiles).where(isSame).orderBy(desc(isCopied), asc(gCodeFiles.id)).limit(1),
  ]);
  if (found === undefined) throw new Error("the record was neither found nor made");
  return { file: found, isNew: made.length > 0 };
}

/** Each printer's agent signs its own copy, so copies are a table: a column would hold the last agent's signature only. */
function copiedFiles(printerId: number, { safeFilename, agentSignature }: ReportedFileName): SQL {
  const isCopy = and(
    eq(gCodeCopies.printerId, printerId),
    eq(gCodeCopies.safeFilename, safeFilename),
    eq(gCodeCopies.agentSignature, agentSignature ?? ""),
  );
  return sql`(select ${gCodeCopies.gCodeFileId} from ${gCodeCopies} where ${isCopy})`;
}

type ReportedFileName = Pick<ReportedFile, "safeFilename" | "agentSignature">;

function isReachableFrom(printerId: number) {
  return or(isNull(gCodeFiles.residentPrinterId), eq(gCodeFiles.residentPrinterId, printerId));
}

/** What an agent says of a file that it fetched; undefined keys stay as they are. */
export interface ReportedEdit {
  readonly safeFilename?: string | undefined;
  readonly agentSignature?: string | null | undefined;
}

/** Undefined unless the account has that file, in the cloud or on this printer. A cloud file's signature makes a copy. */
export async function editReportedFile(
  db: Db,
  wanted: { readonly userId: number; readonly printerId: number; readonly id: number },
  edit: ReportedEdit,
  now: number,
): Promise<GCodeFile | undefined> {
  const isReachable = and(
    eq(gCodeFiles.id, wanted.id),
    eq(gCodeFiles.userId, wanted.userId),
    isReachableFrom(wanted.printerId),
    isNull(gCodeFiles.deletedAt),
  );
  const update = db
    .update(gCodeFiles)
    .set({ ...edit, updatedAt: now })
    .where(isReachable)
    .returning();
  const { agentSignature } = edit;
  if (agentSignature === undefined || agentSignature === null) return (await update)[0];
  const copy = sql`select ${wanted.printerId}, ${gCodeFiles.id}, ${gCodeFiles.safeFilename}, ${agentSignature}
    from ${gCodeFiles} where ${and(isReachable, isNull(gCodeFiles.residentPrinterId))}`;
  const [[file]] = await db.batch([
    update,
    db
      .insert(gCodeCopies)
      .select(copy)
      .onConflictDoUpdate({
        target: [gCodeCopies.printerId, gCodeCopies.gCodeFileId],
        set: { agentSignature, safeFilename: sql`excluded.safe_filename` },
      }),
  ]);
  return file;
}
