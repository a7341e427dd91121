/** G-code records on their own routes: whole with folder and prints when they are read, with ids when they are written. */
import * as z from "zod";
import type { GCodeFile } from "../../db/g-code-files.ts";
import type { ListedFile } from "../../db/g-code-list.ts";
import type { HttpContext } from "../kit/context.ts";
import { GCodeFileJson, gCodeFileJson } from "./g-code-file.ts";
import { GCodeFolderJson, gCodeFolderJson } from "./g-code-folder.ts";
import { gCodeFileUrl } from "./g-code-url.ts";
import { PrintJson, printJson } from "./print.ts";

export const ReadFileJson = GCodeFileJson.extend({
  parent_folder: GCodeFolderJson.nullable(),
  print_set: z.array(PrintJson).describe("The newest first, 50 at most; fewer in a page for more than 20 files."),
}).meta({ id: "ListedGCodeFile" });

export async function readFileJson(
  c: HttpContext,
  { file, folder, prints }: ListedFile,
): Promise<z.input<typeof ReadFileJson>> {
  return {
    ...gCodeFileJson(file, await gCodeFileUrl(c, file)),
    parent_folder: folder === null ? null : gCodeFolderJson(folder),
    print_set: prints.map(({ print, ...owner }) => printJson(print, owner)),
  };
}

export const WrittenFileJson = GCodeFileJson.omit({ user: true }).meta({ id: "WrittenGCodeFile" });

export async function writtenFileJson(c: HttpContext, file: GCodeFile): Promise<z.input<typeof WrittenFileJson>> {
  const { user: _user, ...written } = gCodeFileJson(file, await gCodeFileUrl(c, file));
  return written;
}
