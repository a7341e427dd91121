/** Tells an outage of D1 from a mistake in a statement. */

/** What SQLite itself refuses stays refused: a constraint, a type, a table or column that is not there. */
const REFUSED = /SQLITE_(?:CONSTRAINT|ERROR|MISMATCH|RANGE|TOOBIG)|D1_TYPE_ERROR|D1_COLUMN_NOTFOUND/;
const FROM_D1 = /D1_|D1 DB|Network connection lost|storage caused object to be reset/;

/** True for errors of D1 that another try may not meet. Drizzle wraps single statements, but not batches. */
export function isDatabaseOutage(error: unknown): boolean {
  const chain = causes(error);
  const isOfDatabase = chain.some((cause) => cause.name === "DrizzleQueryError" || FROM_D1.test(cause.message));
  return isOfDatabase && !chain.some((cause) => cause.name !== "DrizzleQueryError" && REFUSED.test(cause.message));
}

function causes(error: unknown): Error[] {
  return error instanceof Error ? [error, ...causes(error.cause)] : [];
}
