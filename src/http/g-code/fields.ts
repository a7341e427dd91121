/** What files and folders of G-code have in common on the wire. */
import * as z from "zod";
import { invalid } from "../../domain/failure.ts";
import { NAME_CODE_POINTS_MAX } from "../../domain/g-code.ts";
import { FailureError } from "../kit/errors.ts";
import { freeTextField, idField, REQUIRED, refuse, textField } from "../kit/fields.ts";

export const SEARCH = "Part of the name, in any case.";

const NO_INTEGER = "A valid integer is required.";

export const gCodeNameField = textField(NAME_CODE_POINTS_MAX);

/**
 * A folder by its id; the root as null, as empty text or as the text `null`; or the folder as a file's own GET shows it,
 * because that body may be sent back whole ([G12]).
 */
export const targetField = z
  .unknown()
  .transform((value, c) => readParent(value) ?? refuse(c, value === undefined ? REQUIRED : NO_INTEGER))
  .transform(({ id }) => id)
  .meta({
    description: "A folder's id; null: the root.",
    anyOf: [{ type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER }, { type: "null" }],
  });

/** The same where it may be absent. */
export const parentField = targetField.optional();

const PATH_CODE_POINTS = 4000;
const PATH_FOLDERS = 16;

/** Names of folders, each judged as one; empty ones and `.` say nothing, and no way leads up. */
export const pathField = freeTextField(PATH_CODE_POINTS)
  .default("")
  .transform((path, c) => {
    const names = path.split(/[/\\]/).filter((name) => !/^\s*\.?\s*$/.test(name));
    if (names.length > PATH_FOLDERS) return refuse(c, `Ensure this path has no more than ${PATH_FOLDERS} folders.`);
    return names.map((name) => {
      const read = gCodeNameField.safeParse(name);
      if (read.success && read.data !== "..") return read.data;
      return refuse(c, read.error?.issues[0]?.message ?? "A path cannot lead upwards.");
    });
  });

/** A printer as OrcaSlicer names it: by the id in the brackets behind its name; no text is none. The bare id does, too. */
export const printerField = z
  .string()
  .trim()
  .transform((text, c) => {
    const [, bare, bracketed] = /^(?:(\d{1,15})|.*\[(\d{1,15})\])$/s.exec(text) ?? [];
    const id = Number(bare ?? bracketed ?? 0);
    if (text === "") return null;
    return id > 0 ? id : refuse(c, NO_INTEGER);
  })
  .optional();

const folderField = idField();

function readParent(value: unknown): { readonly id: number | null } | null {
  if (value === null || value === "" || value === "null") return { id: null };
  const id = typeof value === "object" && "id" in value ? value.id : value;
  const read = folderField.safeParse(typeof id === "string" && /^\d{1,16}$/.test(id) ? Number(id) : id);
  return read.success ? { id: read.data } : null;
}

export function noParent(): FailureError {
  return new FailureError(invalid("parent_folder", "Parent folder does not exist"));
}
