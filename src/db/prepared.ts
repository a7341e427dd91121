/**
 * Statements of the hot paths, written once for the isolate: Drizzle takes longer to write one than D1 to carry it out. Rows
 * come as D1 gives them, by the names that `named` and `PackedColumns` give their columns.
 */
import { fillPlaceholders, type GetColumnData, type Query, type SQL, sql } from "drizzle-orm";
import { QueryBuilder, type SQLiteColumn } from "drizzle-orm/sqlite-core";
import { CASING, type Db } from "./client.ts";

/** Builds SELECTs that no binding runs yet. */
export const queries = new QueryBuilder({ casing: CASING });

/** `Row`: what D1 gives for a row. A boolean is 0 or 1 there. */
export class PreparedQuery<Row = never> {
  readonly #query: Query;

  constructor(query: { toSQL(): Query }) {
    this.#query = query.toSQL();
  }

  /** The statement with a value for each placeholder, to run alone or in a batch of that binding. */
  bind(db: Db, values: Readonly<Record<string, unknown>>): D1PreparedStatement {
    const { sql, params } = this.#query;
    return db.$client.prepare(sql).bind(...fillPlaceholders(params, values));
  }

  async first(db: Db, values: Readonly<Record<string, unknown>>): Promise<Row | undefined> {
    return (await this.bind(db, values).first<Row>()) ?? undefined;
  }
}

/** Each column under its key: D1 gives rows by name, and those of a join may be called the same. */
export function named<Key extends string>(columns: Readonly<Record<Key, SQLiteColumn | SQL>>) {
  const entries = Object.entries<SQLiteColumn | SQL>(columns);
  return Object.fromEntries(entries.map(([key, column]) => [key, sql`${column}`.as(key)])) as Record<Key, SQL.Aliased>; // safe: every key of it
}

type Columns = Readonly<Record<string, SQLiteColumn>>;

type NamedColumn = readonly [key: string, column: SQLiteColumn];

const isReal = ([, column]: NamedColumn) => column.getSQLType() === "real";

/** What Drizzle would read of those columns. */
type RowOf<C extends Columns> = { [K in keyof C]: GetColumnData<C[K]> };

/** A row of D1's with packed columns in it: texts and numbers by the names of `PackedColumns.selection`. */
export type PackedRow = Readonly<Record<string, unknown>>;

/**
 * Columns of one table as one JSON array: to D1 and back a row costs by the number of its columns, above all where a join
 * finds nothing. Reals stay columns of their own, under their keys, because SQLite writes 15 digits of them into JSON.
 */
export class PackedColumns<C extends Columns> {
  readonly #name: string;
  readonly #key: SQLiteColumn;
  readonly #packed: readonly NamedColumn[];
  readonly #reals: readonly NamedColumn[];

  /** `key` is null in a row of a join that found nothing. */
  constructor(name: string, columns: C, key: SQLiteColumn) {
    const all: readonly NamedColumn[] = Object.entries(columns);
    this.#name = name;
    this.#key = key;
    this.#packed = all.filter((one) => !isReal(one));
    this.#reals = all.filter(isReal);
  }

  selection(): Record<string, SQL.Aliased> {
    const columns = this.#packed.map(([, column]) => column);
    const packed = sql`iif(${this.#key} is null, null, json_array(${sql.join(columns, sql`, `)}))`;
    return named({ [this.#name]: packed, ...Object.fromEntries(this.#reals) });
  }

  /** Null where the join found nothing, or these columns were not asked for. */
  read(row: PackedRow): RowOf<C> | null {
    const text = row[this.#name];
    if (typeof text !== "string") return null;
    const values = JSON.parse(text) as unknown[]; // safe: a json_array
    const read: Record<string, unknown> = {};
    for (let index = 0; index < values.length; index += 1) {
      const [key, column] = this.#packed[index] as NamedColumn; // safe: a value for each
      const value = values[index];
      read[key] = value === null ? null : column.mapFromDriverValue(value);
    }
    for (const [key] of this.#reals) read[key] = row[key];
    return read as RowOf<C>; // safe: every column's value under its key
  }
}
