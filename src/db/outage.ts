/** Tells an outage of D1 from a mistake in a statement, and bounds how long anybody waits for D1. */

/** What SQLite itself refuses stays refused: a constraint, a type, a table or column that is not there. */
const REFUSED = /SQLITE_(?:CONSTRAINT|ERROR|MISMATCH|RANGE|TOOBIG)|D1_TYPE_ERROR|D1_COLUMN_NOTFOUND/;
const FROM_D1 = /D1_|D1 DB|Network connection lost|storage caused object to be reset/;
/** A missing table or column is not among these: a migration may be on its way. */
const UNWRITABLE = /constraint failed|SQLITE_(?:CONSTRAINT|MISMATCH|TOOBIG)|D1_TYPE_ERROR|too big/i;

/** True for errors of D1 that another try may not meet. Drizzle wraps single statements, but not batches. */
export function isDatabaseOutage(error: unknown): boolean {
  const chain = causes(error);
  const isOfDatabase = chain.some((cause) => cause.name === "DrizzleQueryError" || FROM_D1.test(cause.message));
  return isOfDatabase && !chain.some((cause) => cause.name !== "DrizzleQueryError" && REFUSED.test(cause.message));
}

/** True when D1 refused these very values: it would refuse them for ever. */
export function isUnwritable(error: unknown): boolean {
  return causes(error).some((cause) => cause.name !== "DrizzleQueryError" && UNWRITABLE.test(cause.message));
}

/** What `query` gives, or an outage after `ms`; the statement itself may still be carried out. */
export async function within<T>(ms: number, query: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`D1_ERROR: no answer within ${ms} ms`)), ms);
  });
  return Promise.race([query, late]).finally(() => clearTimeout(timer));
}

function causes(error: unknown): Error[] {
  return error instanceof Error ? [error, ...causes(error.cause)] : [];
}
