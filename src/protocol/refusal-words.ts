/** The words with which an agent refuses: what people may read of them ([A71]). */

const CODE_UNITS = 200;
/** Read of a text whose credentials take up much of it. */
const READ_CODE_UNITS = 4_000;

/** An agent may quote the URL that it was to open, which opens without credentials, and what it calls others with. */
const SECRETS = [
  [/\?[^\s"'<>=?]*=[^\s"'<>]*/g, "?…"],
  [/\/\/[^\s/]+@/g, "//…@"],
  [/\b(bearer|basic)\s+[^\s"',;]+/gi, "$1 …"],
  [/\b(\w*(?:token|key|password|secret))["']?\s*[=:]\s*(?:"[^"]*"?|'[^']*'?|[^\s"'&]+)/gi, "$1=…"],
  [/\bplt_[\w-]+|[A-Za-z0-9]{24,}/g, "…"],
] as const satisfies readonly (readonly [RegExp, string])[];

/** One line of plain text, at most 200 code units, without queries of URLs and without tokens. */
export function refusalWords(text: string): string {
  const line = text
    .slice(0, READ_CODE_UNITS)
    .replaceAll(/[\p{Cc}\s]+/gu, " ")
    .trim();
  const masked = SECRETS.reduce((left, [secret, mask]) => left.replaceAll(secret, mask), line);
  return (masked.length > CODE_UNITS ? `${masked.slice(0, CODE_UNITS - 1)}…` : masked).toWellFormed();
}
