/** Flags of the scripts: what is not one ends the script with a clear line and exit code 2. */
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";
import { Refusal } from "./refusal.ts";

/** The values of the flags; `--help` prints `help` and ends the script. */
export function readFlags<const T extends ParseArgsOptionsConfig>(help: string, options: T) {
  if (process.argv.slice(2).some((flag) => flag === "--help" || flag === "-h")) {
    console.log(help);
    process.exit(0);
  }
  const values = parse(options);
  for (const [flag, value] of Object.entries(values)) {
    if (value === "") throw new Refusal(`--${flag} is empty. --help shows what there is.`, 2);
  }
  return values;
}

function parse<const T extends ParseArgsOptionsConfig>(options: T) {
  try {
    return parseArgs({ options, allowPositionals: false }).values;
  } catch (error) {
    // Node's message goes on with advice that does not apply here.
    const [sentence] = (error instanceof Error ? error.message : String(error)).split(". ");
    throw new Refusal(`${sentence?.replace(/\.$/, "")}. --help shows what there is.`, 2);
  }
}

/** A whole number within the bounds; `flag` is named in the refusal. */
export function readCount(flag: string, text: string, low: number, high: number): number {
  const count = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (count >= low && count <= high) return count;
  throw new Refusal(`--${flag} ${text}: a whole number from ${low} to ${high} is expected.`, 2);
}

const HIGHEST_SEED = 2 ** 31 - 1;

/** The seed that `--seed` gives, or a random one. */
export function readSeed(text = String(Math.floor(Math.random() * 1e6))): number {
  return readCount("seed", text, 0, HIGHEST_SEED);
}

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A length of time such as 90d, 12h, 30m, 45s, in milliseconds. */
export function readDuration(flag: string, text: string): number {
  const [, count, unit] = /^([1-9]\d{0,5})([smhd])$/.exec(text) ?? [];
  if (count !== undefined && (unit === "s" || unit === "m" || unit === "h" || unit === "d")) {
    return Number(count) * UNIT_MS[unit];
  }
  throw new Refusal(`--${flag} ${text}: a number and one of s, m, h, d is expected, for instance 90d.`, 2);
}

/** The URL of a service that `--url` gives. */
export function readUrl(text: string): string {
  if (/^https?:/.test(text) && URL.canParse(text)) return text;
  throw new Refusal(`--url ${text} is no URL.`, 2);
}

/** The address that `--email` gives, in lower case. */
export function readEmail(text: string): string {
  const email = text.trim().toLowerCase();
  if (email.length <= 254 && /^[^\s@\p{Cc}]+@[^\s@\p{Cc}]+$/u.test(email)) return email;
  throw new Refusal(`--email ${JSON.stringify(text)} is no e-mail address.`, 2);
}
