/** G-code records as their owner sees them: in pages, each with its folder and its newest prints. */
import { and, asc, desc, eq, isNull, type SQL, sql } from "drizzle-orm";
import type { Db } from "./client.ts";
import { fileColumns, type GCodeFile, isNamed } from "./g-code-files.ts";
import { folderColumns, type GCodeFolder, isIn } from "./g-code-folders.ts";
import { cutList } from "./g-code-search.ts";
import type { NumberedPage } from "./numbered-page.ts";
import { current, type ListedPrint, listedOfRow, printerColumns } from "./prints.ts";
import { gCodeFiles, gCodeFolders } from "./schema/g-code.ts";
import { prints } from "./schema/history.ts";
import { printerLive, printers } from "./schema/printers.ts";

export const FILE_SORTINGS = [
  "created_at_desc",
  "created_at_asc",
  "num_bytes_desc",
  "num_bytes_asc",
  "filename_desc",
  "filename_asc",
] as const;

const SORTED_BY = {
  created_at_desc: [desc, gCodeFiles.createdAt],
  created_at_asc: [asc, gCodeFiles.createdAt],
  num_bytes_desc: [desc, gCodeFiles.numBytes],
  num_bytes_asc: [asc, gCodeFiles.numBytes],
  filename_desc: [desc, gCodeFiles.filename],
  filename_asc: [asc, gCodeFiles.filename],
} as const satisfies Record<(typeof FILE_SORTINGS)[number], unknown>;

/** Every part narrows the others. */
export interface FileSelection {
  readonly userId: number;
  /** Null: files in the cloud. */
  readonly residentPrinterId: number | null;
  /** Undefined: wherever it is; null: at the root. */
  readonly parentFolderId: number | null | undefined;
  /** Part of the name, in any case ([G35]); null: whichever. */
  readonly contains: string | null;
  /** As an agent tells files apart; null: whichever. */
  readonly safeFilename: string | null;
  readonly agentSignature: string | null;
  readonly sorting: (typeof FILE_SORTINGS)[number];
}

export interface ListedFile {
  readonly file: GCodeFile;
  /** Null at the root, and once the folder is gone. */
  readonly folder: GCodeFolder | null;
  /** The newest first, as many as `printsShown` says at most. */
  readonly prints: readonly ListedPrint[];
}

/** A file may have been printed for years: its prints' own list has all of them. */
const PRINTS_SHOWN = 50;
/** Of all files of a page together: each print comes with its printer. */
const PRINTS_OF_PAGE = 1000;

/** Of each file in a page of that many ([G11]). */
function printsShown(files: number): number {
  return Math.min(PRINTS_SHOWN, Math.floor(PRINTS_OF_PAGE / files));
}

/** One query: the page with its folders and prints, and how many records there are in all. */
export async function listGCodeFiles(
  db: Db,
  selection: FileSelection,
  page: NumberedPage,
  now: number,
): Promise<{ readonly count: number; readonly files: ListedFile[] }> {
  const [order, by] = SORTED_BY[selection.sorting];
  const { id, filename: name, createdAt } = gCodeFiles;
  const searched = sql`select ${id} from ${gCodeFiles} where ${isWhere(selection)} order by ${desc(createdAt)}`;
  const list = { table: gCodeFiles, name, isSelected: selects(selection), order, by, searched };
  const { tables, count, paged } = cutList(db, { ...list, contains: selection.contains }, page);
  const rows = await joined(db.with(...tables), paged, count, page.size).orderBy(
    order(by),
    order(gCodeFiles.id),
    ...newestFirst,
  );
  return { count: rows[0]?.count ?? 0, files: filesOfRows(rows, now) };
}

/** Undefined unless the account has it; a deleted one is found too, because its prints name it ([G14]). */
export async function findGCodeFile(db: Db, userId: number, id: number, now: number): Promise<ListedFile | undefined> {
  const isOwn = and(eq(gCodeFiles.id, id), eq(gCodeFiles.userId, userId));
  const own = sql`(select ${gCodeFiles.id} from ${gCodeFiles} where ${isOwn})`;
  return filesOfRows(await joined(db, own, sql`1`, 1).orderBy(...newestFirst), now)[0];
}

function isWhere({ userId, residentPrinterId }: FileSelection): SQL | undefined {
  return and(
    eq(gCodeFiles.userId, userId),
    residentPrinterId === null
      ? isNull(gCodeFiles.residentPrinterId)
      : eq(gCodeFiles.residentPrinterId, residentPrinterId),
    isNull(gCodeFiles.deletedAt),
  );
}

function selects(selection: FileSelection): SQL | undefined {
  const { safeFilename, agentSignature } = selection;
  return and(
    isWhere(selection),
    isIn(gCodeFiles.parentFolderId, selection.parentFolderId),
    safeFilename === null ? undefined : isNamed(gCodeFiles.safeFilename, safeFilename),
    agentSignature === null ? undefined : eq(gCodeFiles.agentSignature, agentSignature),
  );
}

const newestFirst = [desc(prints.startedAt), desc(prints.id)] as const;

/**
 * A row for each print of those files, one for a file without any. Not in a batch: D1 gives a batch's rows as objects, in
 * which columns of the same name collide. `files`: a SELECT of ids, `size` at most.
 */
function joined(db: Pick<Db, "select">, files: SQL, count: SQL, size: number) {
  const ranked = sql`(select ${prints.id}, row_number() over (
    partition by ${prints.gCodeFileId} order by ${prints.startedAt} desc, ${prints.id} desc) as place
    from ${prints} where ${prints.gCodeFileId} in ${files} and ${prints.deletedAt} is null)`;
  const isShown = sql`${prints.id} in (select id from ${ranked} where place <= ${printsShown(size)})`;
  const printer = { printer: printerColumns, isPrinting: printerLive.isPrinting, current };
  return db
    .select({ file: fileColumns, folder: folderColumns, print: prints, ...printer, count: sql<number>`(${count})` })
    .from(gCodeFiles)
    .leftJoin(gCodeFolders, eq(gCodeFolders.id, gCodeFiles.parentFolderId))
    .leftJoin(prints, and(eq(prints.gCodeFileId, gCodeFiles.id), isShown))
    .leftJoin(printers, and(eq(printers.id, prints.printerId), isNull(printers.deletedAt)))
    .leftJoin(printerLive, eq(printerLive.printerId, printers.id))
    .leftJoin(current, eq(current.id, printers.currentPrintId))
    .where(sql`${gCodeFiles.id} in ${files}`)
    .$dynamic();
}

type JoinedRow = Awaited<ReturnType<typeof joined>>[number];

/** A file's rows stand together. */
function filesOfRows(rows: readonly JoinedRow[], now: number): ListedFile[] {
  const files = new Map<number, ListedFile & { readonly prints: ListedPrint[] }>();
  for (const { file, folder, print, ...row } of rows) {
    const listed = files.get(file.id) ?? { file, folder, prints: [] };
    if (print !== null) listed.prints.push(listedOfRow({ ...row, print, file }, now));
    files.set(file.id, listed);
  }
  return [...files.values()];
}
