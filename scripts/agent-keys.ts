/**
 * The keys that sign agents' tokens. They belong to the state, whose printers they let in: whoever copies the folder has both.
 * `.dev.vars` holds a copy of the default folder's, for plain `npx wrangler dev`.
 */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync } from "node:fs";
import path from "node:path";
import { readSettings } from "../src/env.ts";
import { DEV_VARS, readValues, writeValue } from "./dev-vars.ts";
import { Refusal } from "./refusal.ts";
import { quote } from "./shell.ts";
import { stateFolder } from "./wrangler.ts";

const NAME = "AGENT_KEYS";

/** What the printers of a state tell of its keys. */
export interface SigningKeys {
  /** Printers that are not deleted. */
  readonly printers: number;
  /** Ids of the keys that signed the tokens which agents of those printers used last. */
  readonly inUse: readonly string[];
  /** Of any printer that ever was. */
  readonly everUsed: readonly string[];
}

/** Texts of the form of `AGENT_KEYS`; null where there is none. */
interface Sources {
  /** In the state. */
  readonly kept: string | null;
  readonly devVars: string | null;
  /** Whether `.dev.vars` is for this state. */
  readonly isDefault: boolean;
  readonly signing: SigningKeys;
  /** Where the state has them, for the words. */
  readonly file: string;
}

/** The keys of the state, made if it has no printer; `tell` gets what a person should know. A refusal where they are lost ([R60]). */
export function ensureAgentKeys(state: string, signing: SigningKeys, tell: (line: string) => void): string {
  const file = path.join(state, "agent-keys");
  const isDefault = state === stateFolder(undefined);
  const [kept, devVars] = [file, DEV_VARS].map((from) => readValues(from, [NAME])[NAME] || null);
  const { keys, told } = decideKeys({
    kept: existsSync(file) ? (kept ?? "") : null,
    devVars: devVars ?? null,
    isDefault,
    signing,
    file,
  });
  if (keys !== kept) writeValue(file, NAME, keys);
  chmodSync(file, 0o600);
  if (isDefault && keys !== devVars) writeValue(DEV_VARS, NAME, keys);
  if (told !== null) tell(told);
  return keys;
}

/** Which keys count, and what is to be said of it. A refusal where no answer lets the printers' agents in. */
export function decideKeys(sources: Sources): { readonly keys: string; readonly told: string | null } {
  const { kept, devVars, isDefault, file } = sources;
  if (kept === null) return foundKeys(sources);
  if (!isReadable(kept)) {
    throw new Refusal(`${file} holds no keys that can be read. Restore it from a back-up of the folder.`);
  }
  const isCopy = devVars === null || pairsOf(devVars).every((pair) => pairsOf(kept).includes(pair));
  if (!isDefault || isCopy) return { keys: kept, told: lackOf(kept, sources) };
  if (isRotation(kept, devVars)) {
    const told = `New key ${idsOf(devVars)[0]} of .dev.vars: it signs agents' tokens from now on, and the older ones stay good.`;
    return { keys: devVars, told: withLack(told, devVars, sources) };
  }
  const told = `.dev.vars had other agents' keys than ${file}, which counts; the old line stands there as a comment.`;
  return { keys: kept, told: withLack(told, kept, sources) };
}

function withLack(told: string, keys: string, sources: Sources): string {
  return [told, lackOf(keys, sources)].filter((line) => line !== null).join(" ");
}

/** Of a state that has none yet. */
function foundKeys({ devVars, isDefault, signing, file }: Sources): { keys: string; told: string | null } {
  const { printers, inUse, everUsed } = signing;
  const found = devVars !== null && isReadable(devVars) ? devVars : null;
  if (found !== null && (isDefault || printers > 0) && inUse.every((id) => idsOf(found).includes(id))) {
    return { keys: found, told: printers > 0 ? `The agents' keys of .dev.vars lie in ${file} from now on.` : null };
  }
  const fresh = drawKeyId(new Set([...everUsed, ...idsOf(devVars ?? "")]));
  if (printers === 0) return { keys: `${fresh}:${randomBytes(32).toString("base64url")}`, told: null };
  const of = inUse.length === 0 ? "" : ` (${inUse.join(", ")})`;
  const program = `console.log("${NAME}=${fresh}:" + crypto.randomBytes(32).toString("base64url"))`;
  throw new Refusal(
    `This state has printers, but the keys of their agents' tokens${of} are missing. Restore ${file} from a back-up, or put the .dev.vars ` +
      `that belongs to the state into the project's folder. If both are lost, this makes a new key, and every agent has to be ` +
      `linked again: node -e '${program}' > ${quote(file)}`,
  );
}

/** Printers whose agents no key lets in any more. */
function lackOf(keys: string, { signing, file }: Sources): string | null {
  const lost = signing.inUse.filter((id) => !idsOf(keys).includes(id));
  if (lost.length === 0) return null;
  return `${file} lacks ${lost.join(", ")}: agents with tokens of that key are refused. Put it back behind the newest one, or link them again.`;
}

/** A new first key, and every one that there was. */
function isRotation(kept: string, devVars: string): boolean {
  const pairs = pairsOf(devVars);
  return (
    isReadable(devVars) &&
    pairsOf(kept).every((pair) => pairs.includes(pair)) &&
    !idsOf(kept).includes(idsOf(devVars)[0] ?? "")
  );
}

function isReadable(keys: string): boolean {
  return readSettings({ [NAME]: keys } as Env).ok; // safe: it asks for no more than that
}

function pairsOf(keys: string): string[] {
  return keys.split(",").map((pair) => pair.trim());
}

function idsOf(keys: string): string[] {
  return pairsOf(keys).map((pair) => pair.split(":")[0] ?? "");
}

const DRAWN = 36 ** 3;

/** Random, so that two states tell their keys apart. */
function drawKeyId(taken: ReadonlySet<string>): string {
  for (;;) {
    const id = `k${Math.floor(Math.random() * DRAWN)
      .toString(36)
      .padStart(3, "0")}`;
    if (!taken.has(id)) return id;
  }
}
