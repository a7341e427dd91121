/** The local D1, opened for a moment: by Miniflare, in the folder of `wrangler dev`, with or without a server beside it. */
import { setTimeout as pause } from "node:timers/promises";
import type { SigningKeys } from "./agent-keys.ts";
import { Refusal, reasonOf } from "./refusal.ts";
import { makeState } from "./state-folder.ts";
import type { BuiltWorker } from "./worker.ts";
import type { Migration } from "./worker-declared.ts";

const BINDING = "DB";

/** A server that was killed a moment ago may still hold the database. */
const LOCKED = /database is locked|SQLITE_BUSY/;
const LOCKED_TRIES = 10;
/** The runtime does not say what of: mostly of the disk, or of another server that writes. */
const HIDDEN = /internal error; reference/;
/** On a slow machine the runtime closes a connection of Miniflare's before its next call. */
const UNREACHED = /fetch failed/;
const OTHER_TRIES = 4;
const RETRY_MS = 500;

/**
 * `state`: the folder that wrangler names with `--persist-to`; `worker` declares the database. A refusal when it cannot be opened;
 * what D1 refuses is an error of its own.
 */
export async function withLocalDatabase<T>(
  state: string,
  worker: BuiltWorker,
  use: (database: D1Database) => Promise<T>,
): Promise<T> {
  makeState(state);
  for (let tries = 1; ; tries += 1) {
    try {
      return await openOnce(state, worker, use);
    } catch (error) {
      if (tries >= triesOf(String(error))) throw openRefusal(state, error) ?? error;
      await pause(RETRY_MS);
    }
  }
}

async function openOnce<T>(state: string, worker: BuiltWorker, use: (database: D1Database) => Promise<T>): Promise<T> {
  const { miniflareOptions, openMiniflare } = await import("./miniflare.ts");
  const { name = "", compatibilityDate = "", d1Databases = {} } = worker.options;
  const empty = { name, compatibilityDate, d1Databases, modules: true, script: "export default {};" };
  const miniflare = openMiniflare(miniflareOptions(state, [empty], () => {}));
  try {
    return await use(await miniflare.getD1Database(BINDING));
  } finally {
    await miniflare.dispose();
  }
}

/** How often it is worth trying what ends with that. */
function triesOf(error: string): number {
  if (LOCKED.test(error)) return LOCKED_TRIES;
  return HIDDEN.test(error) || UNREACHED.test(error) ? OTHER_TRIES : 1;
}

/** In the words of SQLite and of the runtime, which says them as it ends. */
const FAULTS: readonly (readonly [RegExp, string])[] = [
  [/SQLITE_NOTADB|SQLITE_CORRUPT/, "it is damaged. Restore the folder from a back-up"],
  [/SQLITE_FULL/, "the disk is full"],
  [/SQLITE_READONLY|SQLITE_CANTOPEN|SQLITE_PERM/, "this user may not write all that is in it"],
  [/SQLITE_IOERR/, "the disk is full, or does not work"],
  [UNREACHED, "the runtime (workerd) does not answer"],
  [HIDDEN, "it is damaged, or the disk is full or does not work"],
];

/** Null for what has nothing to do with the folder. */
export function openRefusal(state: string, error: unknown): Refusal | null {
  if (error instanceof Refusal) return error;
  const text = String(error);
  const reason = FAULTS.find(([words]) => words.test(text))?.[1] ?? reasonOf(error);
  return reason === null ? null : new Refusal(`The database in ${state} cannot be used: ${reason}.`);
}

/** What the printers tell of the keys that signed their agents' tokens. */
export async function readSigningKeys(database: D1Database): Promise<SigningKeys> {
  const query =
    "SELECT agent_key_id AS id, deleted_at IS NULL AS lives, count(*) AS printers FROM printers GROUP BY 1, 2";
  const { results } = await database.prepare(query).all<{ id: string | null; lives: number; printers: number }>();
  const idsOf = (rows: typeof results) => [...new Set(rows.flatMap(({ id }) => id ?? []))];
  const living = results.filter(({ lives }) => lives === 1);
  return {
    printers: living.reduce((sum, row) => sum + row.printers, 0),
    inUse: idsOf(living),
    everUsed: idsOf(results),
  };
}

/** The table in which wrangler keeps count of what it has applied, as wrangler makes it. */
const APPLIED = "d1_migrations";
const MAKE_APPLIED = `CREATE TABLE IF NOT EXISTS "${APPLIED}" (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

/** Applies what is missing, each migration whole or not at all. A refusal when one cannot be applied. */
export async function migrate(database: D1Database, migrations: readonly Migration[]): Promise<void> {
  await database.prepare(MAKE_APPLIED).run();
  const { results } = await database.prepare(`SELECT name FROM "${APPLIED}"`).all<{ name: string }>();
  const applied = new Set(results.map(({ name }) => name));
  for (const { name, statements } of migrations.filter((migration) => !applied.has(migration.name))) {
    const note = database.prepare(`INSERT INTO "${APPLIED}" (name) VALUES (?)`).bind(name);
    await database.batch([...statements.map((text) => database.prepare(text)), note]).catch((error: unknown) => {
      if (triesOf(String(error)) > 1) throw error;
      throw new Refusal(`Migration ${name} could not be applied: ${error instanceof Error ? error.message : error}`);
    });
  }
}
