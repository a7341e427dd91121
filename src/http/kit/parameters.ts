/** Parameters of a header's value, as `Content-Type` and `Content-Disposition` have them. */

const PARAMETER = /;\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;"]*))/g;

/** By their names in lower case. What stands inside quotation marks is a value's; of repeated ones the first counts. */
export function parametersOf(header: string): ReadonlyMap<string, string> {
  const found = [...header.matchAll(PARAMETER)].map(([, name = "", quoted, bare = ""]): [string, string] => [
    name.toLowerCase(),
    // Browsers write a backslash as it is.
    quoted?.replace(/\\(["\\])/g, "$1") ?? bare.trim(),
  ]);
  return new Map(found.reverse());
}
