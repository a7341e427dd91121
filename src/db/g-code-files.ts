/** G-code records as agents report them: found again by signature and name, else made. */
import { and, asc, desc, eq, getTableColumns, inArray, isNull, or, type SQL, sql } from "drizzle-orm";
import { safeName, searchName } from "../domain/g-code.ts";
import type { Db } from "./client.ts";
import { valuesIf } from "./insert-if.ts";
import { gCodeCopies, gCodeFiles } from "./schema/g-code.ts";
import { printers } from "./schema/printers.ts";

const { searchName: _searchName, ...readColumns } = getTableColumns(gCodeFiles);
export const fileColumns = readColumns;

/** A record without what only a search reads. */
export type GCodeFile = Omit<typeof gCodeFiles.$inferSelect, "searchName">;

export interface ReportedFile {
  readonly userId: number;
  /** The printer whose agent reports it. */
  readonly printerId: number;
  readonly filename: string;
  /** As the agent says it; what is kept is made of it ([G31]). */
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
    isNamed(gCodeFiles.safeFilename, file.safeFilename),
    file.agentSignature === null
      ? isNull(gCodeFiles.agentSignature)
      : eq(gCodeFiles.agentSignature, file.agentSignature),
    isReachableFrom(printerId),
  );
  const isSame = and(eq(gCodeFiles.userId, file.userId), or(isCopied, isReported), isNull(gCodeFiles.deletedAt));
  const names = { safeFilename: safeName(file.safeFilename), searchName: searchName(file.filename) };
  const row = { ...file, ...names, residentPrinterId: printerId, createdAt: now, updatedAt: now };
  const isUnknown = sql`not exists (select 1 from ${gCodeFiles} where ${isSame})`;
  const [made, [found]] = await db.batch([
    db
      .insert(gCodeFiles)
      .select(valuesIf(gCodeFiles, row, isUnknown))
      .returning({ id: gCodeFiles.id }),
    db.select(fileColumns).from(gCodeFiles).where(isSame).orderBy(desc(isCopied), asc(gCodeFiles.id)).limit(1),
  ]);
  if (found === undefined) throw new Error("the record was neither found nor made");
  return { file: found, isNew: made.length > 0 };
}

/** The account's file, unless it is deleted, and the name of the agent whose printer it lies on. */
export async function findPrintableFile(
  db: Db,
  { id, userId }: { readonly id: number; readonly userId: number },
): Promise<{ readonly file: GCodeFile; readonly agentName: string | null } | undefined> {
  const [found] = await db
    .select({ file: fileColumns, agentName: printers.agentName })
    .from(gCodeFiles)
    .leftJoin(printers, eq(printers.id, gCodeFiles.residentPrinterId))
    .where(and(eq(gCodeFiles.id, id), eq(gCodeFiles.userId, userId), isNull(gCodeFiles.deletedAt)));
  return found;
}

/** Each printer's agent signs its own copy, so copies are a table: a column would hold the last agent's signature only. */
function copiedFiles(printerId: number, { safeFilename, agentSignature }: ReportedFileName): SQL {
  const isCopy = and(
    eq(gCodeCopies.printerId, printerId),
    isNamed(gCodeCopies.safeFilename, safeFilename),
    eq(gCodeCopies.agentSignature, agentSignature ?? ""),
  );
  return sql`(select ${gCodeCopies.gCodeFileId} from ${gCodeCopies} where ${isCopy})`;
}

/** Whether it has that name, safe or as an agent says it; rows of old have it as it was said. */
export function isNamed(column: typeof gCodeFiles.safeFilename | typeof gCodeCopies.safeFilename, name: string) {
  return inArray(column, [safeName(name), name]);
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

/**
 * Undefined unless the account has that file, in the cloud or on this printer. What is said of a cloud file makes a copy: its
 * own name is nobody's to change but its owner's ([G31]). The answer has the name that this printer's agent knows.
 */
export async function editReportedFile(
  db: Db,
  wanted: { readonly userId: number; readonly printerId: number; readonly id: number },
  { agentSignature, ...edit }: ReportedEdit,
  now: number,
): Promise<GCodeFile | undefined> {
  const safeFilename = edit.safeFilename === undefined ? undefined : safeName(edit.safeFilename);
  const isReachable = and(
    eq(gCodeFiles.id, wanted.id),
    eq(gCodeFiles.userId, wanted.userId),
    isReachableFrom(wanted.printerId),
    isNull(gCodeFiles.deletedAt),
  );
  const ownName = sql`iif(${gCodeFiles.residentPrinterId} is null, ${gCodeFiles.safeFilename}, ${safeFilename ?? null})`;
  const named = safeFilename === undefined ? {} : { safeFilename: ownName };
  const copied = sql`select ${wanted.printerId}, ${gCodeFiles.id}, ${safeFilename ?? gCodeFiles.safeFilename},
    ${agentSignature ?? ""} from ${gCodeFiles} where ${and(isReachable, isNull(gCodeFiles.residentPrinterId))}`;
  const kept = {
    safeFilename: safeFilename ?? sql`${gCodeCopies.safeFilename}`,
    agentSignature: agentSignature === undefined ? sql`${gCodeCopies.agentSignature}` : (agentSignature ?? ""),
  };
  const [[file]] = await db.batch([
    db
      .update(gCodeFiles)
      .set({ ...named, agentSignature, updatedAt: now })
      .where(isReachable)
      .returning(fileColumns),
    db
      .insert(gCodeCopies)
      .select(copied)
      .onConflictDoUpdate({ target: [gCodeCopies.printerId, gCodeCopies.gCodeFileId], set: kept }),
  ]);
  return file === undefined ? undefined : { ...file, safeFilename: safeFilename ?? file.safeFilename };
}
