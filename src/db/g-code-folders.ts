/** Folders of cloud files: a tree within each account, whose siblings have different names. */
import { and, asc, desc, eq, getTableColumns, isNull, type SQL, sql } from "drizzle-orm";
import { safeName, searchName } from "../domain/g-code.ts";
import { type Db, ONE_ROW } from "./client.ts";
import { cutList } from "./g-code-search.ts";
import { insertOnce, type KeyUse, type Once } from "./idempotency.ts";
import { valuesIf } from "./insert-if.ts";
import type { NumberedPage } from "./numbered-page.ts";
import { type gCodeFiles, gCodeFolders } from "./schema/g-code.ts";

export type GCodeFolder = Omit<typeof gCodeFolders.$inferSelect, "searchName"> & {
  /** What lies directly in it. */
  readonly folderCount: number;
  readonly fileCount: number;
};

/** Aliases, because a folder is counted beside itself; its own columns carry their table's name for the same reason. */
const childFolders = sql`select count(*) from g_code_folders as child
  where child.user_id = g_code_folders.user_id and child.parent_folder_id = g_code_folders.id`;
const childFiles = sql`select count(*) from g_code_files as child
  where child.parent_folder_id = g_code_folders.id and child.deleted_at is null`;

const { searchName: _searchName, ...ownColumns } = getTableColumns(gCodeFolders);

export const folderColumns = {
  ...ownColumns,
  folderCount: sql<number>`(${childFolders})`,
  fileCount: sql<number>`(${childFiles})`,
};

export const FOLDER_SORTINGS = ["created_at_desc", "created_at_asc", "name_desc", "name_asc"] as const;
type FolderSorting = (typeof FOLDER_SORTINGS)[number];

export interface FolderSelection {
  readonly userId: number;
  /** Undefined: wherever it is; null: at the root. */
  readonly parentFolderId: number | null | undefined;
  /** Part of the name, in any case ([G35]); null: whichever. */
  readonly contains: string | null;
  readonly sorting: FolderSorting;
}

/** Whether that column of either table names the parent; null: the root; undefined: no matter where. */
export function isIn(
  column: typeof gCodeFolders.parentFolderId | typeof gCodeFiles.parentFolderId,
  parentFolderId: number | null | undefined,
) {
  if (parentFolderId === undefined) return undefined;
  return parentFolderId === null ? isNull(column) : eq(column, parentFolderId);
}

/** One round trip: the page, and how many there are in all. */
export async function listGCodeFolders(
  db: Db,
  selection: FolderSelection,
  page: NumberedPage,
): Promise<{ readonly count: number; readonly folders: GCodeFolder[] }> {
  const { userId, parentFolderId, contains, sorting } = selection;
  const { id, name } = gCodeFolders;
  const isOwn = eq(gCodeFolders.userId, userId);
  const isSelected = and(isOwn, isIn(gCodeFolders.parentFolderId, parentFolderId));
  const order = sorting.endsWith("_desc") ? desc : asc;
  const by = sorting.startsWith("name") ? name : gCodeFolders.createdAt;
  const searched = sql`select ${id} from ${gCodeFolders} where ${isOwn}`;
  const list = { table: gCodeFolders, name, isSelected, order, by, searched, contains };
  const { tables, count, paged } = cutList(db, list, page);
  const [[counted], folders] = await db.batch([
    db
      .with(...tables)
      .select({ count: sql<number>`(${count})` })
      .from(ONE_ROW),
    db
      .with(...tables)
      .select(folderColumns)
      .from(gCodeFolders)
      .where(sql`${gCodeFolders.id} in ${paged}`)
      .orderBy(order(by), order(gCodeFolders.id)),
  ]);
  return { count: counted?.count ?? 0, folders };
}

/** Undefined unless the account has it. */
export async function findGCodeFolder(db: Db, userId: number, id: number): Promise<GCodeFolder | undefined> {
  const [folder] = await selectFolder(db, userId, id);
  return folder;
}

/** The same as a statement of a batch. */
export function selectFolder(db: Db, userId: number, id: number) {
  return db
    .select(folderColumns)
    .from(gCodeFolders)
    .where(and(eq(gCodeFolders.id, id), eq(gCodeFolders.userId, userId)));
}

/** Whether the account has that folder; true for the root, which is null. */
export function isOwnFolder(userId: number, id: number | null): SQL<number> {
  if (id === null) return sql`1`;
  return sql`exists (select 1 from ${gCodeFolders} where ${gCodeFolders.id} = ${id} and ${gCodeFolders.userId} = ${userId})`;
}

/** Why a folder cannot be where it is wanted: the first that applies. */
export type FolderRefusal = "no_parent" | "cycle" | "name_taken";

/** Checked and made in one statement: of folders made at once only one gets the name. */
export async function insertGCodeFolder(
  db: Db,
  {
    userId,
    parentFolderId,
    name,
  }: { readonly userId: number; readonly parentFolderId: number | null; readonly name: string },
  key: KeyUse | null,
  now: number,
): Promise<Once<GCodeFolder | FolderRefusal>> {
  const names = namesOf(name);
  const hasParent = isOwnFolder(userId, parentFolderId);
  const isFree = sql`not exists (select 1 from ${gCodeFolders} where ${sameName(userId, parentFolderId, names.safeName)})`;
  const row = { ...names, userId, parentFolderId, createdAt: now, updatedAt: now };
  return insertOnce(
    db,
    key,
    now,
    (isKeyFree) => [
      db
        .insert(gCodeFolders)
        .select(valuesIf(gCodeFolders, row, sql`${hasParent} and ${isFree} and ${isKeyFree}`))
        .returning(ownColumns),
      db.select({ isThere: hasParent }).from(ONE_ROW),
    ],
    ([[made], [parent]]) => {
      if (made !== undefined) return { ...made, folderCount: 0, fileCount: 0 };
      return parent?.isThere ? "name_taken" : "no_parent";
    },
  );
}

/** A folder's columns that follow from its name. */
export function namesOf(name: string) {
  return { name, safeName: safeName(name), searchName: searchName(name) };
}

function sameName(userId: number, parentFolderId: number | null, safeName: string): SQL | undefined {
  return and(
    eq(gCodeFolders.userId, userId),
    isIn(gCodeFolders.parentFolderId, parentFolderId),
    eq(gCodeFolders.safeName, safeName),
  );
}
