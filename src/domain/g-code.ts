/** Names and bounds of G-code files and folders. */
import { checksum } from "./checksum.ts";

export const FILE_BYTES_MAX = 50 * 1024 * 1024;
export const NAME_CODE_POINTS_MAX = 1000;

/** File systems take 255 bytes in a name; agents put words of their own beside it. */
const SAFE_NAME_BYTES = 200;
const ENDING = /\.[^.]{1,16}$/u;

/**
 * A name that every file system takes ([G30]): whatever is no letter, digit, underscore or dot becomes an underscore, and
 * so do dots in front. A longer one keeps its ending, and the checksum tells it from another that begins alike.
 */
export function safeName(name: string): string {
  const safe = name
    .normalize("NFC")
    .replace(/[^\p{L}\p{N}_.]/gu, "_")
    .replace(/^\.+/, (dots) => "_".repeat(dots.length));
  if (utf8LengthOf(safe) <= SAFE_NAME_BYTES) return safe;
  const [ending = ""] = ENDING.exec(safe) ?? [];
  const tail = `_${checksum(safe)}${ending}`;
  return cut(safe, SAFE_NAME_BYTES - utf8LengthOf(tail)) + tail;
}

/** As many of its characters as fit into `bytes` of UTF-8. */
function cut(text: string, bytes: number): string {
  let rest = bytes;
  let kept = "";
  for (const character of text) {
    rest -= utf8LengthOf(character);
    if (rest < 0) break;
    kept += character;
  }
  return kept;
}

function utf8LengthOf(text: string): number {
  return encodeURIComponent(text).replace(/%../g, "_").length;
}

/** What a search compares ([G35]): the same for a name in any case, composed or not; `İ` and `ı` are an i, too. */
export function searchName(name: string): string {
  const upper = name.normalize("NFKD").toLowerCase().toUpperCase();
  return upper.replace(/I\u0307/g, "I").normalize("NFKC");
}
