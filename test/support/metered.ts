/** A D1 binding that keeps what it is asked: statements, round trips, and the rows that D1 says were written. */

export interface Meter {
  readonly database: D1Database;
  /** Every statement that was run so far. */
  readonly statements: readonly string[];
  /** Rows and entries of indexes that D1 looks at for the queries so far: they are asked again, because not all tell. */
  rowsRead(): Promise<number>;
  /** Counts since the last call. */
  take(): { roundTrips: number; rowsWritten: number };
}

/** A statement with its text, behind the one that is metered. */
interface Known {
  readonly statement: D1PreparedStatement;
  readonly query: string;
}

/** Counts what is run, however long ago its statement was prepared or bound. */
export function meter(database: D1Database): Meter {
  const statements: string[] = [];
  const queries: D1PreparedStatement[] = [];
  const known = new WeakMap<D1PreparedStatement, Known>();
  let roundTrips = 0;
  let rowsWritten = 0;
  const count = (asked: readonly Known[], results: readonly unknown[]): void => {
    roundTrips += 1;
    statements.push(...asked.map(({ query }) => query));
    queries.push(...asked.filter(({ query }) => /^(select|with) /i.test(query)).map(({ statement }) => statement));
    for (const result of results) rowsWritten += writtenBy(result);
  };
  const wrap = ({ statement, query }: Known): D1PreparedStatement => {
    const run =
      (name: "all" | "first" | "raw" | "run") =>
      async (...options: unknown[]) => {
        const method = statement[name] as (...options: unknown[]) => Promise<unknown>; // safe: each takes its own options
        const result = await method.apply(statement, options);
        count([{ statement, query }], [result]);
        return result;
      };
    const bind = (...values: unknown[]) => wrap({ statement: statement.bind(...values), query });
    // safe: every method of a statement
    const wrapped = {
      bind,
      all: run("all"),
      first: run("first"),
      raw: run("raw"),
      run: run("run"),
    } as D1PreparedStatement;
    known.set(wrapped, { statement, query });
    return wrapped;
  };
  const methods: Pick<D1Database, "prepare" | "batch"> = {
    prepare: (query) => wrap({ statement: database.prepare(query), query }),
    batch: async <T>(wrapped: D1PreparedStatement[]) => {
      const own = wrapped.map((statement) => known.get(statement) ?? { statement, query: "" });
      const results = await database.batch<T>(own.map(({ statement }) => statement));
      count(own, results);
      return results;
    },
  };
  return {
    database: methods as D1Database, // safe: nobody calls another method
    statements,
    async rowsRead() {
      const results = await Promise.all(queries.map((query) => query.all()));
      return results.reduce((sum, { meta }) => sum + meta.rows_read, 0);
    },
    take() {
      const counted = { roundTrips, rowsWritten };
      roundTrips = 0;
      rowsWritten = 0;
      return counted;
    },
  };
}

/** Rows that D1 says a statement wrote; none for an answer without its figures. */
function writtenBy(result: unknown): number {
  const { meta } = Object(result) as Partial<D1Result>; // safe: every key is optional
  return meta?.rows_written ?? 0;
}

/** The tables that these statements read from end to end, by SQLite's own plan. */
export async function scannedTables(database: D1Database, statements: readonly string[]): Promise<string[]> {
  const steps = await planOf(database, statements);
  // What the query itself made is no table.
  const made = new Set(steps.flatMap((step) => /^(?:MATERIALIZE|CO-ROUTINE) (\w+)/.exec(step)?.[1] ?? []));
  const scanned = steps.filter((step) => /^SCAN [a-z]/.test(step) && !step.includes("USING"));
  return scanned.filter((step) => !made.has(step.slice("SCAN ".length)));
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
