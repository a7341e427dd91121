/** Statements of the hot paths, written once for the isolate: Drizzle takes longer to write one than D1 to carry it out. */
import { fillPlaceholders, type Query } from "drizzle-orm";
import type { Db } from "./client.ts";

export class PreparedQuery {
  readonly #query: Query;

  constructor(query: { toSQL(): Query }) {
    this.#query = query.toSQL();
  }

  /** The statement with a value for each placeholder, to run alone or in a batch of that binding. */
  bind(db: Db, values: Readonly<Record<string, unknown>>): D1PreparedStatement {
    const { sql, params } = this.#query;
    return db.$client.prepare(sql).bind(...fillPlaceholders(params, values));
  }
}
