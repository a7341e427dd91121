/** A G-code record as clients read it, with its foreign keys as ids. */
import * as z from "zod";
import type { GCodeFile } from "../../db/g-code-files.ts";
import { TimeJson, timeJson } from "./time.ts";

export const GCodeFileJson = z
  .object({
    id: z.int(),
    user: z.int(),
    filename: z.string(),
    safe_filename: z.string(),
    parent_folder: z.int().nullable(),
    url: z.string().nullable().describe("Where an agent keeps it, or where its content can be had for an hour."),
    num_bytes: z.int().nullable(),
    resident_printer: z.int().nullable().describe("Null for a file in the cloud."),
    agent_signature: z.string().nullable().describe("`scheme:value`, as the agent tells files apart."),
    metadata_json: z.string().nullable(),
    filament_total: z.number().nullable(),
    estimated_time: z.number().nullable(),
    thumbnail1_url: z.string().nullable(),
    thumbnail2_url: z.string().nullable(),
    thumbnail3_url: z.string().nullable(),
    created_at: TimeJson,
    updated_at: TimeJson,
    deleted: TimeJson.nullable(),
    deleted_by_cascade: z.boolean(),
  })
  .meta({ id: "GCodeFile" });

/** What would have to be read out of the file's content: nothing reads it yet. */
const UNREAD = {
  metadata_json: null,
  filament_total: null,
  estimated_time: null,
  thumbnail1_url: null,
  thumbnail2_url: null,
  thumbnail3_url: null,
} as const;

/** `url`: null inside a print for a cloud file, whose URLs are made where files are asked for. */
export function gCodeFileJson(file: GCodeFile, url = file.url): z.input<typeof GCodeFileJson> {
  return {
    id: file.id,
    user: file.userId,
    filename: file.filename,
    safe_filename: file.safeFilename,
    parent_folder: file.parentFolderId,
    url,
    num_bytes: file.numBytes,
    resident_printer: file.residentPrinterId,
    agent_signature: file.agentSignature,
    ...UNREAD,
    created_at: timeJson(file.createdAt),
    updated_at: timeJson(file.updatedAt),
    deleted: timeJson(file.deletedAt),
    deleted_by_cascade: false,
  };
}
