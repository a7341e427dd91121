/**
 * Uses of `Idempotency-Key` by accounts ([H95]). A key is noted in the batch that makes the thing, so whatever answer of D1 gets
 * lost, there are both or neither. Of a key only a hash is kept.
 */
import { and, eq, gt, type SQL, sql } from "drizzle-orm";
import type { BatchItem, BatchResponse } from "drizzle-orm/batch";
import { DAY_MS } from "../domain/local-day.ts";
import type { Db } from "./client.ts";
import { deleteChunk, mayHaveMore } from "./delete-chunk.ts";
import { valuesIf } from "./insert-if.ts";
import { idempotencyKeys } from "./schema/accounts.ts";

/** One call with a key. */
export interface KeyUse {
  readonly userId: number;
  /** SHA-256 (hex) of the key, and of action and body. */
  readonly keyHash: string;
  readonly requestHash: string;
  /** Random bits of this call: what is shown once can be derived again from those of the first one. */
  readonly salt: string;
}

/** What the first call with the key made. */
export interface EarlierUse {
  readonly madeId: number;
  readonly salt: string;
  /** Whether that call asked for the same. */
  readonly isSame: boolean;
}

export type Once<T> =
  | { readonly made: T; readonly earlier: null }
  | { readonly made: null; readonly earlier: EarlierUse };

type Statements = readonly [insert: BatchItem<"sqlite">, ...others: BatchItem<"sqlite">[]];

const { userId, keyHash, requestHash, salt, madeId, createdAt } = idempotencyKeys;

/**
 * One round trip. The first statement inserts one row, and returns it, or none where `isFree` does not hold; with a row it made
 * the key is used up. `use` null: a call without a key.
 */
export async function insertOnce<const S extends Statements, T>(
  db: Db,
  use: KeyUse | null,
  now: number,
  statements: (isFree: SQL) => S,
  read: (results: BatchResponse<S>) => T,
): Promise<Once<T>> {
  const [insert, ...others] = statements(use === null ? sql`1` : sql`not exists ${selectUse(db, use, now)}`);
  if (use === null) return { made: read(asResults<S>(await db.batch([insert, ...others]))), earlier: null };
  const [rows, , [found], ...rest] = await db.batch([
    insert,
    noteUse(db, use, now),
    selectUse(db, use, now),
    ...others,
  ]);
  const isMade = Array.isArray(rows) && rows.length > 0;
  if (isMade || found === undefined) return { made: read(asResults<S>([rows, ...rest])), earlier: null };
  return { made: null, earlier: { ...found, isSame: found.requestHash === use.requestHash } };
}

function asResults<S extends Statements>(results: readonly unknown[]): BatchResponse<S> {
  return results as unknown as BatchResponse<S>; // safe: results come in the order of their statements
}

/** The row of a key that was used within a day. */
function selectUse(db: Db, use: KeyUse, now: number) {
  return db
    .select({ madeId, salt, requestHash })
    .from(idempotencyKeys)
    .where(and(eq(userId, use.userId), eq(keyHash, use.keyHash), gt(createdAt, now - DAY_MS)));
}

/** Right after the insert: what that one made, if it made something. A use that is over gives way. */
function noteUse(db: Db, use: KeyUse, now: number) {
  const row = { ...use, madeId: sql`last_insert_rowid()`, createdAt: now };
  return db
    .insert(idempotencyKeys)
    .select(valuesIf(idempotencyKeys, row, sql`changes() > 0`))
    .onConflictDoUpdate({ target: [userId, keyHash], set: row });
}

/** Keys of an account that are kept. */
const KEPT = 1000;
/** Rows that one call deletes at most, of each kind. */
const CHUNK = 1000;

/** One chunk of keys that are over, and of each account's beyond its newest 1,000; true: there may be more, call again. */
export async function pruneKeys(db: Db, now: number): Promise<boolean> {
  const placed = sql`select id, row_number() over (
    partition by ${userId} order by ${createdAt} desc, ${idempotencyKeys.id} desc) as place from ${idempotencyKeys}`;
  const results = await db.batch([
    deleteChunk(
      db,
      idempotencyKeys,
      sql`select ${idempotencyKeys.id} from ${idempotencyKeys} where ${createdAt} <= ${now - DAY_MS}`,
      CHUNK,
    ),
    deleteChunk(db, idempotencyKeys, sql`select id from (${placed}) where place > ${KEPT}`, CHUNK),
  ]);
  return mayHaveMore(results, CHUNK);
}
