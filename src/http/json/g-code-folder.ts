/** A folder of G-code files as clients read it. */
import * as z from "zod";
import type { GCodeFolder } from "../../db/g-code-folders.ts";
import { TimeJson, timeJson } from "./time.ts";

export const GCodeFolderJson = z
  .object({
    id: z.int(),
    parent_folder: z.int().nullable().describe("Null at the root."),
    name: z.string(),
    safe_name: z.string(),
    created_at: TimeJson,
    updated_at: TimeJson,
    g_code_folder_count: z.int().describe("Folders directly in it."),
    g_code_file_count: z.int().describe("Files directly in it."),
  })
  .meta({ id: "GCodeFolder" });

export function gCodeFolderJson(folder: GCodeFolder): z.input<typeof GCodeFolderJson> {
  return {
    id: folder.id,
    parent_folder: folder.parentFolderId,
    name: folder.name,
    safe_name: folder.safeName,
    created_at: timeJson(folder.createdAt),
    updated_at: timeJson(folder.updatedAt),
    g_code_folder_count: folder.folderCount,
    g_code_file_count: folder.fileCount,
  };
}
