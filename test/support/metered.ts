/** A D1 binding that keeps what it is asked: statements, round trips, and the rows that D1 says were written. */

export interface Meter {
  readonly database: D1Database;
  /** Every statement prepared so far. */
  readonly statements: readonly string[];
  /** Counts since the last call. */
  take(): { roundTrips: number; rowsWritten: number };
}

const WRAPPED = Symbol("statement");

type Wrapped = D1PreparedStatement & { [WRAPPED]?: D1PreparedStatement };

export function meter(database: D1Database): Meter {
  const statements: string[] = [];
  let roundTrips = 0;
  let rowsWritten = 0;
  const count = <T extends { meta?: { rows_written?: number } }>(results: T[]): void => {
    roundTrips += 1;
    for (const result of results) rowsWritten += result.meta?.rows_written ?? 0;
  };
  const wrap = (statement: D1PreparedStatement): Wrapped =>
    new Proxy(statement, {
      get(target, key) {
        if (key === WRAPPED) return target;
        if (key === "bind") return (...values: unknown[]) => wrap(target.bind(...values));
        if (key === "raw")
          return (...options: []) => {
            roundTrips += 1;
            return target.raw(...options);
          };
        if (key === "all" || key === "run") {
          return async () => {
            const result = await target[key]();
            count([result]);
            return result;
          };
        }
        return Reflect.get(target, key);
      },
    });
  const metered = new Proxy(database, {
    get(target, key) {
      if (key === "prepare") {
        return (query: string) => {
          statements.push(query);
          return wrap(target.prepare(query));
        };
      }
      if (key === "batch") {
        return async (statements: Wrapped[]) => {
          const results = await target.batch(statements.map((statement) => statement[WRAPPED] ?? statement));
          count(results);
          return results;
        };
      }
      return Reflect.get(target, key);
    },
  });
  return {
    database: metered,
    statements,
    take() {
      const counted = { roundTrips, rowsWritten };
      roundTrips = 0;
      rowsWritten = 0;
      return counted;
    },
  };
}

/** The tables that these statements read from end to end, by SQLite's own plan. */
export async function scannedTables(database: D1Database, statements: readonly string[]): Promise<string[]> {
  const steps = await planOf(database, statements);
  return steps.filter((step) => /^SCAN [a-z]/.test(step) && !step.includes("USING"));
}

/** The steps of SQLite's own plan for these statements. */
export async function planOf(database: D1Database, statements: readonly string[]): Promise<string[]> {
  const plans = await Promise.all(
    statements.map((statement) => {
      const binds = Array.from(statement.matchAll(/\?/g), () => null);
      return database
        .prepare(`explain query plan ${statement}`)
        .bind(...binds)
        .all<{ detail: string }>();
    }),
  );
  return plans.flatMap(({ results }) => results.map(({ detail }) => detail));
}
