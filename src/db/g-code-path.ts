/** Folders by their path, made where they are absent. */
import { type SQL, sql } from "drizzle-orm";
import { type Db, ONE_ROW } from "./client.ts";
import { isOwnFolder, namesOf } from "./g-code-folders.ts";
import { valuesIf } from "./insert-if.ts";
import { gCodeFolders } from "./schema/g-code.ts";

export interface FolderPath {
  readonly userId: number;
  /** Where it begins; null: the root. */
  readonly parentFolderId: number | null;
  /** From above to below; a folder is found by the safe name. */
  readonly names: readonly string[];
}

/**
 * The id of the last folder; of the parent, without names. One transaction, so that of two calls at once one makes each
 * folder; undefined: the account has no such parent, and nothing was made.
 */
export async function findOrInsertPath(db: Db, path: FolderPath, now: number): Promise<number | null | undefined> {
  const { userId, parentFolderId } = path;
  const hasParent = isOwnFolder(userId, parentFolderId);
  const [first, ...others] = path.names.map((name, depth) => {
    const row = { ...namesOf(name), userId, parentFolderId: folderAt(path, depth), createdAt: now, updatedAt: now };
    return db
      .insert(gCodeFolders)
      .select(valuesIf(gCodeFolders, row, hasParent))
      .onConflictDoNothing();
  });
  if (first === undefined) return parentFolderId;
  const id = sql<number>`${folderAt(path, path.names.length)}`;
  const last = db.select({ id }).from(ONE_ROW).where(hasParent);
  const answers = await db.batch([first, ...others, last]);
  const [found] = answers.at(-1) as Awaited<typeof last>; // safe: the last statement's
  return found?.id;
}

/** The id of the folder that lies so deep on the way. */
function folderAt({ userId, parentFolderId, names }: FolderPath, depth: number): SQL {
  const safeNames = JSON.stringify(names.map((name) => namesOf(name).safeName));
  return sql`(with recursive way(depth, id) as (select 0, ${parentFolderId}
    union all select way.depth + 1, folder.id from way
      inner join json_each(${safeNames}) as name on name.key = way.depth
      inner join g_code_folders as folder on folder.user_id = ${userId} and folder.parent_folder_id is way.id
        and folder.safe_name = name.value)
    select id from way where depth = ${depth})`;
}
