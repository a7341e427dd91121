/** D1 from a script: Drizzle's statements, run by Miniflare here, and by `wrangler d1 execute` at Cloudflare. */
import type { SQLWrapper } from "drizzle-orm";
import { drizzle } from "drizzle-orm/sqlite-proxy";
import { migrate, openRefusal, withLocalDatabase } from "./local-database.ts";
import { Refusal } from "./refusal.ts";
import { buildWorker } from "./worker.ts";
import { runWrangler, type WranglerRun, wranglerEnvironment } from "./wrangler.ts";

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
  return { run: (queries) => (remote ? runRemotely(state, queries) : runLocally(state, queries)) };
}

async function runLocally(state: string, queries: readonly Statement[]): Promise<Row[][]> {
  const worker = await buildWorker();
  return withLocalDatabase(state, worker, async (database) => {
    const run = () =>
      database.batch<Row>(
        queries.map((query) => {
          const { sql, params } = query.toSQL();
          return database.prepare(sql).bind(...params);
        }),
      );
    try {
      const parts = await run().catch(async (error: unknown) => {
        if (!/no such table/i.test(String(error))) throw error;
        await migrate(database, worker.migrations);
        return run();
      });
      return parts.map(({ results }) => results);
    } catch (error) {
      if (openRefusal(state, error) !== null) throw error;
      throw new Refusal(`D1 refused: ${error instanceof Error ? error.message : error}`);
    }
  });
}

async function runRemotely(state: string, queries: readonly Statement[]): Promise<Row[][]> {
  const text = queries.map((query) => inlined(query.toSQL())).join(";\n");
  const args = ["d1", "execute", "DB", "--remote", "--yes", "--json", "--command", text];
  return readRows(await runWrangler(args, wranglerEnvironment(state)));
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

function readRows({ ok, stdout, stderr }: WranglerRun): Row[][] {
  const answer: unknown = ok ? JSON.parse(stdout) : null;
  if (!Array.isArray(answer)) throw new Refusal(`D1 refused: ${reasonOf(stdout, stderr)}`);
  return answer.map((part: { results: Row[] }) => part.results);
}

function reasonOf(stdout: string, stderr: string): string {
  const [, text] = /"text":\s*"((?:[^"\\]|\\.)*)"/.exec(stdout) ?? [];
  return text ?? (stderr.trim().split("\n")[0] || "no reason was given");
}
