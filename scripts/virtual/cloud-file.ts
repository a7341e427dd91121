/** A file in the server's cloud that an agent is asked to fetch and print [A27]. */
import { isJsonObject } from "./json.ts";

export interface CloudFile {
  readonly id: unknown;
  /** Fetched without credentials. */
  readonly url: string;
  readonly filename: string;
  readonly safeFilename: string;
}

/** The argument of `file_downloader.download`; null when something is missing. */
export function readCloudFile(argument: unknown): CloudFile | null {
  if (!isJsonObject(argument)) return null;
  const { id, url, filename, safe_filename: safeFilename } = argument;
  if (typeof url !== "string" || typeof filename !== "string" || typeof safeFilename !== "string") return null;
  return { id, url, filename, safeFilename };
}
