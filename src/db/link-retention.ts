/** Deletes what linking left behind. */
import { type SQL, sql } from "drizzle-orm";
import type { SQLiteTable } from "drizzle-orm/sqlite-core";
import { CLAIM_LIFE_MS, GUESSES, PASSCODE_LIFE_MS } from "../domain/linking.ts";
import type { Db } from "./client.ts";
import {
  discoveryMessages,
  linkFailures,
  oneTimePasscodes,
  oneTimeVerificationCodes,
  unlinkedAgents,
} from "./schema.ts";

/** Used and expired codes stay readable that long for whoever polls them. */
const CODE_KEPT_MS = 24 * 3_600_000;

/** Agents that nobody can see any more; longer than a minute, so that the ids of the last minute stay dense. */
const AGENT_KEPT_MS = 10 * 60_000;

/** Rows of each table that one call deletes at most. */
const CHUNK = 1000;

/** One chunk of every table, oldest rows first; true: there may be more, call again. */
export async function pruneLinking(db: Db, now: number): Promise<boolean> {
  const results = await db.batch([
    deleteChunk(db, oneTimeVerificationCodes, sql`${oneTimeVerificationCodes.expiredAt} < ${now - CODE_KEPT_MS}`),
    deleteChunk(db, oneTimePasscodes, sql`${oneTimePasscodes.createdAt} < ${now - PASSCODE_LIFE_MS - CLAIM_LIFE_MS}`),
    deleteChunk(db, unlinkedAgents, sql`${unlinkedAgents.seenAt} < ${now - AGENT_KEPT_MS}`),
    deleteChunk(db, discoveryMessages, sql`${discoveryMessages.expiresAt} < ${now}`),
    deleteChunk(db, linkFailures, sql`${linkFailures.at} < ${now - GUESSES.windowMs}`),
  ]);
  return results.some((result) => result.meta.changes >= CHUNK);
}

function deleteChunk(db: Db, table: SQLiteTable, isOver: SQL) {
  return db.delete(table).where(sql`id in (select id from ${table} where ${isOver} order by id limit ${CHUNK})`);
}
