/** G-code records as their owner changes them: renamed, moved, deleted. Their objects in R2 are erased later. */
import { and, eq, isNull, sql } from "drizzle-orm";
import { safeName, searchName } from "../domain/g-code.ts";
import { type Db, ONE_ROW } from "./client.ts";
import { fileColumns, type GCodeFile } from "./g-code-files.ts";
import { isOwnFolder } from "./g-code-folders.ts";
import { anyOf } from "./print-selection.ts";
import { gCodeFiles } from "./schema/g-code.ts";

/** Undefined parts stay as they are; the parent null is the root. */
export interface FileEdit {
  readonly filename?: string | undefined;
  readonly parentFolderId?: number | null | undefined;
}

function isOwn(userId: number, ids: readonly number[]) {
  return and(eq(gCodeFiles.userId, userId), sql`${gCodeFiles.id} in ${anyOf(ids)}`, isNull(gCodeFiles.deletedAt));
}

/** Whether the account has that file, and it is not deleted. */
export async function hasGCodeFile(db: Db, userId: number, id: number): Promise<boolean> {
  const rows = await db
    .select({ id: gCodeFiles.id })
    .from(gCodeFiles)
    .where(isOwn(userId, [id]));
  return rows.length > 0;
}

/** Undefined when the account has no such file any more. */
export async function editGCodeFile(
  db: Db,
  { userId, id }: { readonly userId: number; readonly id: number },
  { filename, parentFolderId }: FileEdit,
  now: number,
): Promise<GCodeFile | "no_parent" | undefined> {
  const names = filename === undefined ? {} : namesOf(filename);
  const hasParent = isOwnFolder(userId, parentFolderId ?? null);
  const [[judged], [file]] = await db.batch([
    db.select({ hasParent }).from(ONE_ROW),
    db
      .update(gCodeFiles)
      .set({ ...names, parentFolderId, updatedAt: now })
      .where(and(isOwn(userId, [id]), hasParent))
      .returning(fileColumns),
  ]);
  return judged?.hasParent ? file : "no_parent";
}

/** An agent finds its own file by the safe name: a rename leaves that as it is. */
function namesOf(filename: string) {
  const safeFilename = sql`iif(${gCodeFiles.residentPrinterId} is null, ${safeName(filename)}, ${gCodeFiles.safeFilename})`;
  return { filename, safeFilename, searchName: searchName(filename) };
}

/** Moves those of `ids` that the account has; false: it has no such folder, and nothing was moved. */
export async function moveGCodeFiles(
  db: Db,
  userId: number,
  ids: readonly number[],
  parentFolderId: number | null,
  now: number,
): Promise<boolean> {
  const hasParent = isOwnFolder(userId, parentFolderId);
  const [[judged]] = await db.batch([
    db.select({ hasParent }).from(ONE_ROW),
    db
      .update(gCodeFiles)
      .set({ parentFolderId, updatedAt: now })
      .where(and(isOwn(userId, ids), hasParent)),
  ]);
  return Boolean(judged?.hasParent);
}

/** Marks those of `ids` that the account has as deleted; how many those were. Prints keep pointing at them. */
export async function deleteGCodeFiles(db: Db, userId: number, ids: readonly number[], now: number): Promise<number> {
  const rows = await db
    .update(gCodeFiles)
    .set({ deletedAt: now, url: null })
    .where(isOwn(userId, ids))
    .returning({ id: gCodeFiles.id });
  return rows.length;
}
