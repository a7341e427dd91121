/**
 * Cloud files and their objects in R2. An object's key is noted before the object is made (write-ahead), and the note is
 * deleted in the batch that makes its file: whatever fails in between, no object is orphaned and no file lacks its own.
 */
import { and, asc, eq, isNotNull, isNull, lt, sql } from "drizzle-orm";
import { safeName, searchName } from "../domain/g-code.ts";
import { DAY_MS } from "../domain/local-day.ts";
import type { Db } from "./client.ts";
import { fileColumns, type GCodeFile } from "./g-code-files.ts";
import { isOwnFolder } from "./g-code-folders.ts";
import { insertOnce, type KeyUse, type Once } from "./idempotency.ts";
import { valuesIf } from "./insert-if.ts";
import { anyOf } from "./print-selection.ts";
import { gCodeFiles, gCodeUploads } from "./schema/g-code.ts";

export interface NewCloudFile {
  readonly userId: number;
  readonly parentFolderId: number | null;
  readonly filename: string;
  /** Both null: a record without content. */
  readonly objectKey: string | null;
  readonly numBytes: number | null;
}

/** Notes that an upload begins; false: the account has no such folder. */
export async function insertUpload(
  db: Db,
  objectKey: string,
  { userId, parentFolderId }: Pick<NewCloudFile, "userId" | "parentFolderId">,
  now: number,
): Promise<boolean> {
  const noted = await db
    .insert(gCodeUploads)
    .select(valuesIf(gCodeUploads, { objectKey, startedAt: now }, isOwnFolder(userId, parentFolderId)))
    .returning();
  return noted.length > 0;
}

/** Undefined: the account has no such folder (any more). */
export function insertCloudFile(
  db: Db,
  file: NewCloudFile,
  key: KeyUse | null,
  now: number,
): Promise<Once<GCodeFile | undefined>> {
  const { objectKey, filename } = file;
  const names = { safeFilename: safeName(filename), searchName: searchName(filename) };
  const row = { ...file, ...names, createdAt: now, updatedAt: now };
  // The newest file is this one, if it was made.
  const isMade = sql`(select ${gCodeFiles.objectKey} from ${gCodeFiles} order by ${gCodeFiles.id} desc limit 1) = ${objectKey}`;
  return insertOnce(
    db,
    key,
    now,
    (isFree) => [
      db
        .insert(gCodeFiles)
        .select(valuesIf(gCodeFiles, row, sql`${isOwnFolder(file.userId, file.parentFolderId)} and ${isFree}`))
        .returning(fileColumns),
      db.delete(gCodeUploads).where(and(eq(gCodeUploads.objectKey, objectKey ?? ""), isMade)),
    ],
    ([[made]]) => made,
  );
}

/** That file, whoever's it is, unless it is deleted. */
export async function findCloudFile(db: Db, id: number): Promise<GCodeFile | undefined> {
  const [file] = await db
    .select(fileColumns)
    .from(gCodeFiles)
    .where(and(eq(gCodeFiles.id, id), isNull(gCodeFiles.deletedAt)));
  return file;
}

/** A download that is under way when its file is deleted may finish. */
const FETCHED_MS = 60 * 60_000;
/** No upload takes longer. */
const UPLOAD_MS = DAY_MS;

/** Keys of objects to erase, `limit` of each kind at most: those of deleted files and of uploads that never ended. */
export async function listErasable(db: Db, now: number, limit: number): Promise<string[]> {
  const { objectKey, deletedAt, id } = gCodeFiles;
  const [ofFiles, ofUploads] = await db.batch([
    db
      .select({ objectKey: sql<string>`${objectKey}` })
      .from(gCodeFiles)
      .where(and(isNotNull(deletedAt), isNotNull(objectKey), lt(deletedAt, now - FETCHED_MS)))
      .orderBy(asc(id))
      .limit(limit),
    db
      .select({ objectKey: gCodeUploads.objectKey })
      .from(gCodeUploads)
      .where(lt(gCodeUploads.startedAt, now - UPLOAD_MS))
      .limit(limit),
  ]);
  return [...ofFiles, ...ofUploads].map((row) => row.objectKey);
}

/** Forgets the keys of objects that were erased. */
export async function settleErased(db: Db, keys: readonly string[]): Promise<void> {
  const { deletedAt, objectKey } = gCodeFiles;
  const isErased = and(isNotNull(deletedAt), isNotNull(objectKey), sql`${objectKey} in ${anyOf(keys)}`);
  await db.batch([
    db.update(gCodeFiles).set({ objectKey: null }).where(isErased),
    db.delete(gCodeUploads).where(sql`${gCodeUploads.objectKey} in ${anyOf(keys)}`),
  ]);
}
