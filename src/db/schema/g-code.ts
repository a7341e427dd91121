/** G-code: folders and files of the cloud, files that agents keep, objects on their way to R2. */
import { sql } from "drizzle-orm";
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { users } from "./accounts.ts";
import { printers } from "./printers.ts";

/** Folders of cloud files. `parentFolderId` is no foreign key: a folder is deleted with all that it holds. */
export const gCodeFolders = sqliteTable(
  "g_code_folders",
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer()
      .notNull()
      .references(() => users.id),
    parentFolderId: integer(),
    name: text().notNull(),
    safeName: text().notNull(),
    /** As a search compares names; null in a row that is older than the column, until the hourly job fills it. */
    searchName: text(),
    createdAt: integer().notNull(),
    updatedAt: integer().notNull(),
  },
  (t) => [
    uniqueIndex("g_code_folders_name").on(t.userId, t.parentFolderId, t.safeName),
    uniqueIndex("g_code_folders_root_name").on(t.userId, t.safeName).where(sql`${t.parentFolderId} is null`),
    index("g_code_folders_unread").on(t.id).where(sql`${t.searchName} is null`),
  ],
);

export const gCodeFiles = sqliteTable(
  "g_code_files",
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer()
      .notNull()
      .references(() => users.id),
    /** The printer whose agent reported the file; null for a file in the cloud. */
    residentPrinterId: integer().references(() => printers.id),
    /** Null at the root; no foreign key, as that of folders. */
    parentFolderId: integer(),
    filename: text().notNull(),
    safeFilename: text().notNull(),
    /** As that of folders. */
    searchName: text(),
    agentSignature: text(),
    /** Where the agent keeps it; null for a file in the cloud. */
    url: text(),
    /** Its object in R2; null for an agent's file, and once a deleted file's object was erased. */
    objectKey: text(),
    numBytes: integer(),
    createdAt: integer().notNull(),
    updatedAt: integer().notNull(),
    deletedAt: integer(),
  },
  (t) => [
    index("g_code_files_signature").on(t.userId, t.safeFilename, t.agentSignature),
    index("g_code_files_user").on(t.userId, t.residentPrinterId, t.createdAt).where(sql`${t.deletedAt} is null`),
    index("g_code_files_folder").on(t.parentFolderId).where(sql`${t.parentFolderId} is not null`),
    index("g_code_files_unread").on(t.id).where(sql`${t.searchName} is null`),
    index("g_code_files_erasable").on(t.id).where(sql`${t.deletedAt} is not null and ${t.objectKey} is not null`),
  ],
);

/** A cloud file as a printer's agent keeps it since it fetched it: each agent signs its own copy. */
export const gCodeCopies = sqliteTable(
  "g_code_copies",
  {
    printerId: integer()
      .notNull()
      .references(() => printers.id),
    gCodeFileId: integer()
      .notNull()
      .references(() => gCodeFiles.id),
    safeFilename: text().notNull(),
    agentSignature: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.printerId, t.gCodeFileId] })],
);

/** Objects in R2 that no file owns yet: noted before they are made, erased if their upload never ended. */
export const gCodeUploads = sqliteTable("g_code_uploads", {
  objectKey: text().primaryKey(),
  startedAt: integer().notNull(),
});
