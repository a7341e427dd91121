/** Values in files of wrangler's form, `NAME=value` a line: `.dev.vars`, from which `npx wrangler dev` reads, and the state's keys. */
import { chmodSync, existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseEnv } from "node:util";
import { replaceFile } from "./replaced-file.ts";
import { PROJECT } from "./wrangler.ts";

export const DEV_VARS = path.join(PROJECT, ".dev.vars");

/** What the file has for these names; nothing where there is no file. */
export function readValues(file: string, names: readonly string[]): Record<string, string> {
  const values = existsSync(file) ? Object.entries(parseEnv(readFileSync(file, "utf8"))) : [];
  return Object.fromEntries(values.flatMap(([name, value = ""]) => (names.includes(name) ? [[name, value]] : [])));
}

/** Sets that value and leaves all else in the file, which only its owner may read. A value that was there stays as a comment. */
export function writeValue(file: string, name: string, value: string): void {
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
  const kept = lines.map((line) => (new RegExp(`^\\s*(export\\s+)?${name}\\s*=`).test(line) ? `# ${line}` : line));
  while (kept.at(-1) === "") kept.pop();
  replaceFile(file, [...kept, `${name}=${value}`, ""].join("\n"));
  chmodSync(file, 0o600);
}
