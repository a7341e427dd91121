/** What files and folders of G-code have in common on the wire. */
import * as z from "zod";
import { invalid } from "../../domain/failure.ts";
import { NAME_CODE_POINTS_MAX } from "../../domain/g-code.ts";
import { FailureError } from "../kit/errors.ts";
import { idField, REQUIRED, refuse, textField } from "../kit/fields.ts";

export const SEARCH = "Part of the name, in any case.";

export const gCodeNameField = textField(NAME_CODE_POINTS_MAX);

/**
 * A folder by its id; the root as null, as empty text or as the text `null`; or the folder as a file's own GET shows it,
 * because that body may be sent back whole ([G12]).
 */
export const targetField = z
  .unknown()
  .transform(
    (value, c) => readParent(value) ?? refuse(c, value === undefined ? REQUIRED : "A valid integer is required."),
  )
  .transform(({ id }) => id)
  .meta({ description: "A folder's id; null: the root." });

/** The same where it may be absent. */
export const parentField = targetField.optional();

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
