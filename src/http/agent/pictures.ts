/** Pictures that agents post. They are accepted and checked; none is kept yet. */
import { invalid } from "../../domain/failure.ts";
import { FailureError } from "../kit/errors.ts";

export const PICTURE_BYTES = 8 * 1024 * 1024;

const START = [0xff, 0xd8, 0xff] as const;

/** 400 under the field's name unless it is a JPEG file. */
export async function checkPicture(field: string, value: File | undefined): Promise<void> {
  if (value === undefined) throw new FailureError(invalid(field, "This field is required."));
  const head = new Uint8Array(await value.slice(0, START.length).arrayBuffer());
  if (!START.every((byte, place) => head[place] === byte)) throw new FailureError(invalid(field, "Corrupted image."));
}
