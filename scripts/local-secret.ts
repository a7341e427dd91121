/** The secrets of this machine, in the file from which wrangler reads them; the key that signs agents' tokens is made here. */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseEnv } from "node:util";
import { PROJECT } from "./wrangler.ts";

const FILE = path.join(PROJECT, ".dev.vars");

/** Makes the key on the first run; one that is there is left alone, and so is everything else in the file. */
export function ensureLocalSecret(): void {
  const text = existsSync(FILE) ? readFileSync(FILE, "utf8") : null;
  if (text !== null && /^\s*(export\s+)?AGENT_KEYS\s*=\s*["']?\w/m.test(text)) return;
  const line = `AGENT_KEYS=k1:${randomBytes(32).toString("base64url")}\n`;
  const fresh = `${FILE}.${process.pid}`;
  writeFileSync(fresh, text === null || text === "" ? line : `${text.replace(/\n?$/, "\n")}${line}`, { mode: 0o600 });
  try {
    if (text !== null) rmSync(FILE);
    // Of two first runs at the same time only one makes the key.
    linkSync(fresh, FILE);
    chmodSync(FILE, 0o600);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  } finally {
    rmSync(fresh);
  }
}

/** The values that the file has for these names. */
export function readLocalValues(names: readonly string[]): Record<string, string> {
  const values = Object.entries(parseEnv(readFileSync(FILE, "utf8")));
  return Object.fromEntries(values.flatMap(([name, value = ""]) => (names.includes(name) ? [[name, value]] : [])));
}
