/** Names in rows that are older than the columns made of them: SQL cannot make these, so a job does, a chunk at a time. */
import { and, asc, isNull, sql } from "drizzle-orm";
import { safeName, searchName } from "../domain/g-code.ts";
import type { Db } from "./client.ts";
import { gCodeFiles, gCodeFolders } from "./schema/g-code.ts";

/** Rows of each table that one call reads at most. */
const CHUNK = 500;

/** One chunk of both tables; true: there may be more, call again. A row that was renamed meanwhile stays as it is. */
export async function readNames(db: Db): Promise<boolean> {
  const { id, filename, safeFilename, residentPrinterId } = gCodeFiles;
  const [files, folders] = await db.batch([
    db
      .select({ id, filename, safeFilename, residentPrinterId })
      .from(gCodeFiles)
      .where(isNull(gCodeFiles.searchName))
      .orderBy(asc(id))
      .limit(CHUNK),
    db
      .select({ id: gCodeFolders.id, name: gCodeFolders.name })
      .from(gCodeFolders)
      .where(isNull(gCodeFolders.searchName))
      .orderBy(asc(gCodeFolders.id))
      .limit(CHUNK),
  ]);
  if (files.length + folders.length === 0) return false;
  const ofFiles = files.map((file) => {
    const said = file.residentPrinterId === null ? file.filename : file.safeFilename;
    return [file.id, searchName(file.filename), safeName(said)];
  });
  const ofFolders = folders.map((folder) => [folder.id, searchName(folder.name)]);
  await db.batch([
    db
      .update(gCodeFiles)
      .set({ searchName: sql`row.value ->> 1`, safeFilename: sql`row.value ->> 2` })
      .from(sql`json_each(${JSON.stringify(ofFiles)}) as row`)
      .where(and(sql`${id} = row.value ->> 0`, isNull(gCodeFiles.searchName))),
    db
      .update(gCodeFolders)
      .set({ searchName: sql`row.value ->> 1` })
      .from(sql`json_each(${JSON.stringify(ofFolders)}) as row`)
      .where(and(sql`${gCodeFolders.id} = row.value ->> 0`, isNull(gCodeFolders.searchName))),
  ]);
  return Math.max(files.length, folders.length) >= CHUNK;
}
