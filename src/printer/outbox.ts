/**
 * The way to D1 (write-behind): one row per target row, with its newest image and the revision of that moment, saved in the
 * state's transaction. The only writer of the projected tables. An outage of D1 delays history and loses nothing.
 */
import { connect } from "../db/client.ts";
import { isUnwritable, within } from "../db/outage.ts";
import { findLiveImage, type LiveImage, type Projection, type ProjectionOwner, projectRow } from "../db/projection.ts";
import { log } from "../log.ts";
import { BATCH_ROWS, type OutboxRow, OutboxTable } from "./outbox-table.ts";

const BACKOFF_MS = { first: 30_000, last: 5 * 60_000 } as const;
/** Limits for one call of D1. A write that took longer may still happen; it is idempotent, so it is tried again. */
const WRITE_MS = 30_000;
const READ_MS = 2_000;

export class Outbox {
  readonly #table: OutboxTable;
  readonly #database: D1Database;
  #drain: Promise<void> | null = null;
  #failures = 0;
  #retryAt: number | null = null;

  constructor(sql: SqlStorage, database: D1Database) {
    this.#table = new OutboxTable(sql);
    this.#database = database;
  }

  /** Runs inside the transaction that saves the state. */
  put(projection: Projection, revision: number): void {
    this.#table.put(projection, revision);
  }

  /** The table may hold something else: it was cleared, or a transaction was rolled back. */
  forget(): void {
    this.#table.forget();
  }

  isEmpty(): boolean {
    return this.#table.isEmpty();
  }

  /** Rows wait, and D1 did not fail lately: a drain that is not the alarm's would do something. */
  canDrain(): boolean {
    return this.#retryAt === null && !this.isEmpty();
  }

  /** When the alarm is to try, epoch milliseconds; null while nothing waits. */
  nextTry(now: number): number | null {
    return this.isEmpty() ? null : (this.#retryAt ?? now + BACKOFF_MS.first);
  }

  /**
   * Writes the rows that wait now, in batches; `owner` is asked before each. Concurrent calls share one run, and during a
   * backoff only the alarm's call does anything.
   */
  drain(owner: () => ProjectionOwner, byAlarm: boolean): Promise<void> {
    if (this.#retryAt !== null && !byAlarm) return Promise.resolve();
    this.#drain ??= this.#drainAll(owner).finally(() => {
      this.#drain = null;
    });
    return this.#drain;
  }

  /** Drains until no row up to `revision` waits, or D1 fails. */
  async flush(owner: () => ProjectionOwner, revision: number): Promise<void> {
    while (this.#retryAt === null && this.#table.hasUpTo(revision)) await this.drain(owner, false);
  }

  /** Writes the list's copy of the status without the outbox. False: it would have to wait for D1 there. */
  async refreshLive(owner: ProjectionOwner, image: LiveImage): Promise<boolean> {
    if (this.#retryAt !== null) return false;
    try {
      await within(WRITE_MS, projectRow(connect(this.#database), owner, { kind: "live", image }, 0).run());
      return true;
    } catch (error) {
      log({ event: "live.failed", printerId: owner.id, error });
      return isUnwritable(error);
    }
  }

  /** The list's copy of the status; null if there is none or D1 cannot be asked. */
  async findLive(printerId: number): Promise<LiveImage | null> {
    try {
      return (await within(READ_MS, findLiveImage(connect(this.#database), printerId))) ?? null;
    } catch (error) {
      log({ event: "live.failed", printerId, error });
      return null;
    }
  }

  async #drainAll(owner: () => ProjectionOwner): Promise<void> {
    let rows: readonly OutboxRow[];
    do {
      rows = this.#table.readPage();
      const failure = await this.#tryRows(owner(), rows);
      if (failure !== null) return this.#backOff(owner().id, failure);
      // What a batch that was not full left behind came during its write: the next drain has it.
    } while (rows.length === BATCH_ROWS);
    this.#failures = 0;
    this.#retryAt = null;
  }

  #backOff(printerId: number, error: unknown): void {
    this.#table.forget();
    this.#failures += 1;
    this.#retryAt = Date.now() + backoff(this.#failures, Math.random());
    log({ event: "outbox.failed", printerId, attempt: this.#failures, error });
  }

  /**
   * Null when every row is written or set aside, else D1's error. Of a batch that D1 would refuse on every try the rows are
   * written one by one, and those that it refuses are set aside.
   */
  async #tryRows(owner: ProjectionOwner, rows: readonly OutboxRow[]): Promise<unknown> {
    const failure = await this.#write(owner, rows);
    if (!isUnwritable(failure)) return failure;
    for (const row of rows) {
      const alone = await this.#write(owner, [row]);
      if (alone === null) continue;
      if (!isUnwritable(alone)) return alone;
      this.#table.setAside(row);
      log({ event: "outbox.refused", printerId: owner.id, key: row.key, error: alone });
    }
    return null;
  }

  /** Writes the rows in one batch and deletes them here. Null, or D1's error. */
  async #write(owner: ProjectionOwner, rows: readonly OutboxRow[]): Promise<unknown> {
    if (rows.length === 0) return null;
    const db = connect(this.#database);
    try {
      const statements = rows.map((row) => projectRow(db, owner, row.projection, row.revision));
      await within(WRITE_MS, this.#database.batch(statements));
    } catch (error) {
      return error;
    }
    this.#table.remove(rows);
    return null;
  }
}

/** Milliseconds: exponential backoff with full jitter, its ceiling from 30 s to 5 min; `random` is 0..1. */
function backoff(failures: number, random: number): number {
  const ceiling = Math.min(BACKOFF_MS.first * 2 ** (failures - 1), BACKOFF_MS.last);
  return Math.ceil(ceiling * random);
}
