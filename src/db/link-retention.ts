/** Deletes what linking left behind. */
import { type SQL, sql } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import { CLAIM_LIFE_MS, GUESSES, PASSCODE_LIFE_MS } from "../domain/linking.ts";
import { DAY_MS } from "../domain/local-day.ts";
import type { Db } from "./client.ts";
import { deleteChunk, mayHaveMore } from "./delete-chunk.ts";
import {
  discoveryMessages,
  linkFailures,
  oneTimePasscodes,
  oneTimeVerificationCodes,
  unlinkedAgents,
} from "./schema/linking.ts";

/** Used and expired codes stay readable that long for whoever polls them. */
const CODE_KEPT_MS = DAY_MS;

/** Agents that are not shown any more; longer than a minute, so that the last minute's ids stay dense and can be counted. */
const AGENT_KEPT_MS = 10 * 60_000;

/** Rows of each table that one call deletes at most. */
const CHUNK = 1000;

/** One chunk of every table, oldest rows first; true: there may be more, call again. */
export async function pruneLinking(db: Db, now: number): Promise<boolean> {
  const results = await db.batch([
    deleteOver(db, oneTimeVerificationCodes, sql`${oneTimeVerificationCodes.expiredAt} < ${now - CODE_KEPT_MS}`),
    deleteOver(db, oneTimePasscodes, sql`${oneTimePasscodes.createdAt} < ${now - PASSCODE_LIFE_MS - CLAIM_LIFE_MS}`),
    deleteOver(db, unlinkedAgents, sql`${unlinkedAgents.seenAt} < ${now - AGENT_KEPT_MS}`),
    deleteOver(db, discoveryMessages, sql`${discoveryMessages.expiresAt} < ${now}`),
    deleteOver(db, linkFailures, sql`${linkFailures.at} < ${now - GUESSES.windowMs}`),
  ]);
  return mayHaveMore(results, CHUNK);
}

function deleteOver(db: Db, table: SQLiteTable & { readonly id: SQLiteColumn }, isOver: SQL) {
  return deleteChunk(db, table, sql`select ${table.id} from ${table} where ${isOver} order by ${table.id}`, CHUNK);
}
