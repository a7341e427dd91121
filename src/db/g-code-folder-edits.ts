/** Folders renamed, moved and deleted, each checked and written in one transaction: no two calls make a cycle together. */
import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import { type Db, ONE_ROW } from "./client.ts";
import { type FolderRefusal, type GCodeFolder, isOwnFolder, namesOf, selectFolder } from "./g-code-folders.ts";
import { anyOf } from "./print-selection.ts";
import { gCodeFiles, gCodeFolders } from "./schema/g-code.ts";

/** Undefined parts stay as they are; the parent null is the root. */
export interface FolderEdit {
  readonly name?: string | undefined;
  readonly parentFolderId?: number | null | undefined;
}

/** Undefined when the account has no such folder. */
export async function editGCodeFolder(
  db: Db,
  { userId, id }: { readonly userId: number; readonly id: number },
  edit: FolderEdit,
  now: number,
): Promise<GCodeFolder | FolderRefusal | undefined> {
  const [[judged], , [folder]] = await db.batch([...change(db, userId, [id], edit, now), selectFolder(db, userId, id)]);
  return judged?.refusal ?? folder;
}

/** All of `ids` that the account has, or none; null: done. */
export async function moveGCodeFolders(
  db: Db,
  userId: number,
  ids: readonly number[],
  parentFolderId: number | null,
  now: number,
): Promise<FolderRefusal | null> {
  const [[judged]] = await db.batch([...change(db, userId, ids, { parentFolderId }, now)]);
  return judged?.refusal ?? null;
}

/** Two statements of a batch: the reason to refuse, and the change, which is made only without one. */
function change(db: Db, userId: number, ids: readonly number[], edit: FolderEdit, now: number) {
  const names = edit.name === undefined ? {} : namesOf(edit.name);
  const refusal = refusalOf(userId, ids, { ...names, parentFolderId: edit.parentFolderId });
  const isMeant = and(eq(gCodeFolders.userId, userId), sql`${gCodeFolders.id} in ${anyOf(ids)}`);
  return [
    db.select({ refusal }).from(ONE_ROW),
    db
      .update(gCodeFolders)
      .set({ ...names, parentFolderId: edit.parentFolderId, updatedAt: now })
      .where(and(isMeant, isNull(refusal))),
  ] as const;
}

type FolderPlace = Pick<FolderEdit, "parentFolderId"> & { readonly safeName?: string };

function refusalOf(userId: number, ids: readonly number[], edit: FolderPlace): SQL<FolderRefusal | null> {
  const { parentFolderId } = edit;
  const hasNoParent = parentFolderId === undefined ? sql`0` : sql`not ${isOwnFolder(userId, parentFolderId)}`;
  return sql`case when ${hasNoParent} then 'no_parent' when ${makesLoop(ids, parentFolderId ?? null)} then 'cycle'
    when ${isNameTaken(userId, ids, edit)} then 'name_taken' end`;
}

/** Whether the new parent is one of them, or lies in one. */
function makesLoop(ids: readonly number[], parentFolderId: number | null): SQL {
  return sql`exists (with recursive above(id) as (select ${parentFolderId}
    union select folder.parent_folder_id from g_code_folders as folder inner join above on folder.id = above.id)
    select 1 from above where above.id in ${anyOf(ids)})`;
}

/** Whether their names, as they would be, are those of new siblings, or of each other. */
function isNameTaken(userId: number, ids: readonly number[], { safeName, parentFolderId }: FolderPlace): SQL {
  const name = safeName === undefined ? sql`folder.safe_name` : sql`${safeName}`;
  const parent = parentFolderId === undefined ? sql`folder.parent_folder_id` : sql`${parentFolderId}`;
  const wanted = sql`(select folder.id, ${name} as name, ${parent} as parent from g_code_folders as folder
    where folder.user_id = ${userId} and folder.id in ${anyOf(ids)})`;
  return sql`(exists (select 1 from ${wanted} as wanted inner join g_code_folders as other
    on other.user_id = ${userId} and other.parent_folder_id is wanted.parent and other.safe_name = wanted.name
    where other.id not in ${anyOf(ids)})
    or (select count(*) <> count(distinct name) from ${wanted}))`;
}

/** Those of `ids` that the account has, with all that lies in them. Folders go; files are marked as deleted. */
export async function deleteGCodeFolders(db: Db, userId: number, ids: readonly number[], now: number): Promise<void> {
  const tree = sql`(with recursive tree(id) as (
    select id from g_code_folders where user_id = ${userId} and id in ${anyOf(ids)}
    union select child.id from tree inner join g_code_folders as child
      on child.user_id = ${userId} and child.parent_folder_id = tree.id) select id from tree)`;
  const liesThere = and(
    sql`${gCodeFiles.parentFolderId} in ${tree}`,
    eq(gCodeFiles.userId, userId),
    isNull(gCodeFiles.deletedAt),
  );
  await db.batch([
    db.update(gCodeFiles).set({ deletedAt: now, url: null }).where(liesThere),
    db.delete(gCodeFolders).where(sql`${gCodeFolders.id} in ${tree}`),
  ]);
}
