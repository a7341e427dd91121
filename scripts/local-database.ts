/** The local D1, opened for a moment: by Miniflare, in the folder of `wrangler dev`, with or without a server beside it. */
import { setTimeout as pause } from "node:timers/promises";
import { Refusal } from "./refusal.ts";
import type { BuiltWorker } from "./worker.ts";
import type { Migration } from "./worker-declared.ts";

const BINDING = "DB";

/** A server that was killed a moment ago may still hold the database. */
const LOCKED = /database is locked|SQLITE_BUSY/;
const LOCKED_TRIES = 10;
const LOCKED_MS = 500;

/** `state`: the folder that wrangler names with `--persist-to`; `worker` declares the database. What D1 refuses is an error of its own. */
export async function withLocalDatabase<T>(
  state: string,
  worker: BuiltWorker,
  use: (database: D1Database) => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await openOnce(state, worker, use);
    } catch (error) {
      if (tries === LOCKED_TRIES || !LOCKED.test(String(error))) throw error;
      await pause(LOCKED_MS);
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
      throw new Refusal(`Migration ${name} could not be applied: ${error instanceof Error ? error.message : error}`);
    });
  }
}
