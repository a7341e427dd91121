/** Names and bounds of G-code files and folders. */

export const FILE_BYTES_MAX = 50 * 1024 * 1024;
export const NAME_CODE_POINTS_MAX = 1000;

/**
 * A name that every file system takes: whatever is no letter, digit, underscore or dot becomes an underscore, and so does
 * a name of nothing but dots.
 */
export function safeName(name: string): string {
  const safe = name.replace(/[^\p{L}\p{N}_.]/gu, "_");
  return /^\.+$/.test(safe) ? "_".repeat(safe.length) : safe;
}
