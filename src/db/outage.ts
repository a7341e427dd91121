/** Tells an outage of D1 from a mistake in a statement, and bounds how long anybody waits for D1. */
import { DrizzleQueryError } from "drizzle-orm";

/** What SQLite itself refuses is refused on every try: a constraint, a type, a table or column that is not there. */
const REFUSED = /SQLITE_(?:CONSTRAINT|ERROR|MISMATCH|RANGE|TOOBIG)|D1_TYPE_ERROR|D1_COLUMN_NOTFOUND/;
/** The last is all that the platform says of a fault of its own, in a batch without a word of D1: a full disk, for instance. */
const FROM_D1 = /D1_|D1 DB|Network connection lost|storage caused object to be reset|^internal error; reference/;
/** A missing table or column is not among these: a migration may be about to add it. */
const UNWRITABLE = /constraint failed|SQLITE_(?:CONSTRAINT|MISMATCH|TOOBIG)|D1_TYPE_ERROR|too big/i;

/** True for errors of D1 that may pass: a retry may succeed. Drizzle wraps single statements, but not batches. */
export function isDatabaseOutage(error: unknown): boolean {
  const said = messagesOf(error);
  const isOfDatabase = error instanceof DrizzleQueryError || said.some((message) => FROM_D1.test(message));
  return isOfDatabase && !said.some((message) => REFUSED.test(message));
}

/** True when D1 refused these values: it would refuse them on every try. */
export function isUnwritable(error: unknown): boolean {
  return messagesOf(error).some((message) => UNWRITABLE.test(message));
}

/** What `query` gives, or an outage after `ms`; the statement itself may still be carried out. */
export function within<T>(ms: number, query: Promise<T>): Promise<T> {
  return orAfter(ms, query, () => {
    throw new Error(`D1_ERROR: no answer within ${ms} ms`);
  });
}

/** What `promise` gives, or after `ms` what `late` gives or throws; the timer ends with whichever comes first. */
export async function orAfter<T, L>(ms: number, promise: Promise<T>, late: () => L): Promise<T | L> {
  const timer = Promise.withResolvers<void>();
  const id = setTimeout(timer.resolve, ms);
  return Promise.race([promise, timer.promise.then(late)]).finally(() => clearTimeout(id));
}

/** Messages down the chain of causes, without Drizzle's own: that one quotes the statement with its parameters. */
function messagesOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const causes = messagesOf(error.cause);
  return error instanceof DrizzleQueryError ? causes : [error.message, ...causes];
}
