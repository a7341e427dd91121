/** The one way to D1: a Drizzle client over the binding. */
import { sql } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";

/** What a SELECT of expressions alone is from: Drizzle asks for a FROM. */
export const ONE_ROW = sql`(select 1)`;

export type Db = ReturnType<typeof connect>;

/** Columns are snake_case in SQL, camelCase here. */
export const CASING = "snake_case";

const clients = new WeakMap<D1Database, DrizzleD1Database & { readonly $client: D1Database }>();

/** The binding's one client. No connection is opened until a query runs. */
export function connect(database: D1Database) {
  const client = clients.get(database) ?? drizzle(database, { casing: CASING });
  clients.set(database, client);
  return client;
}
