/** D1 from a script, here or at Cloudflare: Drizzle's statements, run by `wrangler d1 execute`. */
import { setTimeout as pause } from "node:timers/promises";
import type { SQLWrapper } from "drizzle-orm";
import { drizzle } from "drizzle-orm/sqlite-proxy";
import { Refusal } from "./refusal.ts";
import { runWrangler, wranglerEnvironment } from "./wrangler.ts";

/** Builds statements only; columns are snake_case in SQL, camelCase here, as in `src/db/client.ts`. */
export const statements = drizzle(async () => ({ rows: [] }), undefined, { casing: "snake_case" });

interface Statement extends SQLWrapper {
  toSQL(): { sql: string; params: unknown[] };
}

export type Row = Readonly<Record<string, string | number | null>>;

export interface Database {
  /** Runs the statements in order; the rows of each, columns named as in SQL. A refusal when D1 refuses. */
  run(queries: readonly Statement[]): Promise<Row[][]>;
}

/** `state`: the folder of the local D1. `remote`: the deployed one instead. */
export function openDatabase(state: string, remote: boolean): Database {
  const where = remote ? ["--remote"] : ["--local", "--persist-to", state];
  const execute = (text: string) =>
    runWrangler(["d1", "execute", "DB", ...where, "--yes", "--json", "--command", text], wranglerEnvironment(state));
  return {
    async run(queries) {
      const text = queries.map((query) => inlined(query.toSQL())).join(";\n");
      const first = await execute(text);
      const needsTables = !first.ok && !remote && /no such table/i.test(first.stdout + first.stderr);
      if (needsTables) await migrate(state);
      return readRows(needsTables ? await execute(text) : first);
    },
  };
}

/** A server that was killed a moment ago may still hold the database. */
const LOCKED = /database is locked|SQLITE_BUSY/;
const LOCKED_TRIES = 10;
const LOCKED_MS = 500;

/** Brings the local D1 up to date; nothing happens when it is. */
export async function migrate(state: string): Promise<void> {
  const args = ["d1", "migrations", "apply", "DB", "--local", "--persist-to", state];
  const apply = () => runWrangler(args, wranglerEnvironment(state));
  let run = await apply();
  for (let tries = 1; tries < LOCKED_TRIES && !run.ok && LOCKED.test(run.stdout + run.stderr); tries += 1) {
    await pause(LOCKED_MS);
    run = await apply();
  }
  if (!run.ok) throw new Refusal(`The migrations could not be applied:\n${run.stderr.trim() || run.stdout.trim()}`);
}

/** The statement with its parameters as literals: the command line takes no parameters. */
function inlined({ sql, params }: { sql: string; params: readonly unknown[] }): string {
  let next = 0;
  return sql.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|\?/g, (token) => (token === "?" ? literal(params[next++]) : token));
}

function literal(value: unknown): string {
  if (value === null) return "NULL";
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  // A NUL would end the text for SQLite.
  if (typeof value === "string" && !value.includes("\u0000")) return `'${value.replaceAll("'", "''")}'`;
  throw new TypeError(`no SQL literal for ${typeof value}`);
}

function readRows({ ok, stdout, stderr }: { ok: boolean; stdout: string; stderr: string }): Row[][] {
  const answer: unknown = ok ? JSON.parse(stdout) : null;
  if (!Array.isArray(answer)) throw new Refusal(`D1 refused: ${reasonOf(stdout, stderr)}`);
  return answer.map((part: { results: Row[] }) => part.results);
}

function reasonOf(stdout: string, stderr: string): string {
  const [, text] = /"text":\s*"((?:[^"\\]|\\.)*)"/.exec(stdout) ?? [];
  return text ?? (stderr.trim().split("\n")[0] || "no reason was given");
}
