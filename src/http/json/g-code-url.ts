/** URLs that open a cloud file without credentials, for an hour ([G7]). */

import { makeFileToken } from "../../credentials/file-token.ts";
import type { GCodeFile } from "../../db/g-code-files.ts";
import type { PrintFile } from "../../domain/command.ts";
import type { HttpContext } from "../kit/context.ts";
import { publicUrl } from "../kit/origin.ts";

/**
 * Path and query under which the file's content can be had; the agent's own path for a file on a printer, null without
 * content. The token stands in the query, which logs and traces leave out.
 */
async function gCodeFilePath(c: HttpContext, file: GCodeFile): Promise<string | null> {
  if (file.objectKey === null || file.deletedAt !== null) return file.url;
  const token = await makeFileToken(file.id, c.var.settings.agentKeys[0], Date.now());
  return `/files/${file.id}/${encodeURIComponent(file.safeFilename)}?token=${encodeURIComponent(token)}`;
}

/** What an agent needs to fetch and print a file of the cloud; null for one without content. */
export async function cloudPrintFile(c: HttpContext, file: GCodeFile): Promise<PrintFile | null> {
  const { id, filename, safeFilename } = file;
  const path = file.objectKey === null ? null : await gCodeFilePath(c, file);
  return path === null ? null : { id, path, filename, safeFilename, agentSignature: null };
}

/** The path as a URL; an agent's own stays as it is. */
export async function gCodeFileUrl(c: HttpContext, file: GCodeFile): Promise<string | null> {
  const path = await gCodeFilePath(c, file);
  return path === null || file.objectKey === null ? path : publicUrl(c, path);
}
