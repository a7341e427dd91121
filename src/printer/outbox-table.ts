/**
 * The table of what waits for D1: a row a target row, with its newest image. What was put since the last drain is kept in
 * memory, too, so that the next one reads nothing back.
 */
import type { Projection } from "../db/projection.ts";
import { readProjection } from "./stored-json.ts";

/** The order of writing, because of foreign keys. */
const PLACES = { printer: 0, print: 1, event: 2, command: 3, live: 4 } as const satisfies Record<
  Projection["kind"],
  number
>;

export const BATCH_ROWS = 100;

export interface OutboxRow {
  readonly key: string;
  /** The printer's, when it was put. */
  readonly revision: number;
  readonly projection: Projection;
}

export class OutboxTable {
  readonly #sql: SqlStorage;
  /** All rows that wait, or that they are not kept here; null: nobody looked since the table may have changed. */
  #waiting: Map<string, OutboxRow> | "stored" | null = null;
  /** Keys that were put since the last page was read: the page's images of them are not the newest. */
  readonly #renewed = new Set<string>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Runs inside the transaction that saves the state. */
  put(projection: Projection, revision: number): void {
    const key = keyOf(projection);
    const waiting = this.#look();
    this.#sql.exec(
      "INSERT OR REPLACE INTO outbox (key, place, revision, refused, projection) VALUES (?, ?, ?, 0, ?)",
      ...[key, PLACES[projection.kind], revision, JSON.stringify(projection)],
    );
    this.#renewed.add(key);
    if (waiting === "stored") return;
    waiting.set(key, { key, revision, projection });
    if (waiting.size > BATCH_ROWS) this.#waiting = "stored";
  }

  isEmpty(): boolean {
    const waiting = this.#look();
    return waiting !== "stored" && waiting.size === 0;
  }

  hasUpTo(revision: number): boolean {
    const waiting = this.#look();
    if (waiting !== "stored") return [...waiting.values()].some((row) => row.revision <= revision);
    const query = "SELECT 1 FROM outbox WHERE refused = 0 AND revision <= ? LIMIT 1";
    return this.#sql.exec(query, revision).toArray().length > 0;
  }

  /** The first rows to write, in their order. */
  readPage(): OutboxRow[] {
    this.#renewed.clear();
    const waiting = this.#look();
    if (waiting !== "stored") return [...waiting.values()].sort(compareRows);
    const query = "SELECT key, revision, projection FROM outbox WHERE refused = 0 ORDER BY place, key LIMIT ?";
    const rows = this.#sql.exec<{ key: string; revision: number; projection: string }>(query, BATCH_ROWS).toArray();
    return rows.map((row) => ({ ...row, projection: readProjection(row.projection) }));
  }

  /** D1 has these rows of the page; those that were put meanwhile stay. */
  remove(rows: readonly OutboxRow[]): void {
    for (const { key } of rows) this.#settle(key, "DELETE FROM outbox WHERE key = ?");
  }

  /** D1 would refuse this row on every try. */
  setAside({ key }: OutboxRow): void {
    this.#settle(key, "UPDATE outbox SET refused = 1 WHERE key = ?");
  }

  /** Lets go of what is in memory: it may wait long, or the table was cleared, or a transaction rolled back. */
  forget(): void {
    this.#waiting = null;
  }

  #settle(key: string, statement: string): void {
    if (this.#renewed.has(key)) return;
    this.#sql.exec(statement, key);
    if (this.#waiting instanceof Map) this.#waiting.delete(key);
    else this.#waiting = null;
  }

  #look(): Map<string, OutboxRow> | "stored" {
    this.#waiting ??= this.#hasRows() ? "stored" : new Map();
    return this.#waiting;
  }

  #hasRows(): boolean {
    return this.#sql.exec("SELECT 1 FROM outbox WHERE refused = 0 LIMIT 1").toArray().length > 0;
  }
}

function compareRows(a: OutboxRow, b: OutboxRow): number {
  const byPlace = PLACES[a.projection.kind] - PLACES[b.projection.kind];
  return byPlace !== 0 ? byPlace : a.key < b.key ? -1 : 1;
}

function keyOf(projection: Projection): string {
  switch (projection.kind) {
    case "printer":
    case "live":
      return projection.kind;
    default:
      return `${projection.kind}:${projection.image.id}`;
  }
}
