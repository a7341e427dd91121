/**
 * The tables of a printer's object, as numbered migrations. One that has landed is never edited: objects that ran it do not
 * run it again.
 */

/** Migration 1 says IF NOT EXISTS because objects from before the migrations have its tables, but no number. */
const MIGRATIONS: readonly (readonly string[])[] = [
  [
    "CREATE TABLE IF NOT EXISTS printer (one INTEGER PRIMARY KEY CHECK (one = 1), state TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS document (name TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS print (ext_id INTEGER PRIMARY KEY, id INTEGER NOT NULL, image TEXT NOT NULL)",
    `CREATE TABLE IF NOT EXISTS command
      (id TEXT PRIMARY KEY, created_at INTEGER NOT NULL, image TEXT NOT NULL) WITHOUT ROWID`,
    `CREATE TABLE IF NOT EXISTS idempotency
      (key TEXT PRIMARY KEY, request TEXT NOT NULL, command_id TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID`,
    "CREATE TABLE IF NOT EXISTS tombstone (uid TEXT PRIMARY KEY) WITHOUT ROWID",
    // `image` NULL: the tombstone of a revoked token, so that a call under way cannot cache it again.
    `CREATE TABLE IF NOT EXISTS principal
      (hash TEXT PRIMARY KEY, noted_at INTEGER NOT NULL, image TEXT) WITHOUT ROWID`,
    `CREATE TABLE IF NOT EXISTS outbox
      (key TEXT PRIMARY KEY, place INTEGER NOT NULL, revision INTEGER NOT NULL, refused INTEGER NOT NULL DEFAULT 0,
       projection TEXT NOT NULL) WITHOUT ROWID`,
  ],
];

/** Tables of the printer that lives in the object; `tombstone` and `migration` are the object's own. */
const OF_PRINTER = ["printer", "document", "print", "command", "idempotency", "principal", "outbox"] as const;

const NUMBER =
  "CREATE TABLE IF NOT EXISTS migration (one INTEGER PRIMARY KEY CHECK (one = 1), applied INTEGER NOT NULL)";

/** False for an object that never held a printer: asking it leaves nothing behind. */
export function hasTables(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'printer'").toArray().length > 0;
}

/** Applies what this object has not had yet, in order. The caller makes it one transaction. Tables of a newer program stay. */
export function migrateTables(sql: SqlStorage, migrations = MIGRATIONS): void {
  sql.exec(NUMBER);
  const [row] = sql.exec<{ applied: number }>("SELECT applied FROM migration").toArray();
  const applied = row?.applied ?? 0;
  if (applied >= migrations.length) return;
  for (const statement of migrations.slice(applied).flat()) sql.exec(statement);
  sql.exec("INSERT OR REPLACE INTO migration (one, applied) VALUES (1, ?)", migrations.length);
}

/** Deletes every row of the printer that was here; tombstones stay. */
export function clearTables(sql: SqlStorage): void {
  for (const table of OF_PRINTER) sql.exec(`DELETE FROM ${table}`);
}
