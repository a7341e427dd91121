/**
 * Wrong guesses, counted in D1 because only there a bound holds at every location at once. Counting and looking up stand in
 * one batch, which D1 runs as one transaction: parallel guesses cannot exceed a bound together.
 */
import { type SQL, sql } from "drizzle-orm";
import type { Source } from "../domain/linking.ts";
import { GUESSES } from "../domain/linking.ts";
import type { Db } from "./client.ts";
import { valuesIf } from "./insert-if.ts";
import { linkFailures } from "./schema/linking.ts";

/** The columns of a `GuessHistory`, each null when its bound is not reached. */
export function guessHistory(source: Source, now: number) {
  const { network, address, at, id } = linkFailures;
  const recent = sql`${at} > ${now - GUESSES.windowMs}`;
  const ofNetwork = sql`from ${linkFailures} where ${network} = ${source.network} and ${recent}`;
  return {
    ownTenth: sql<number | null>`(select ${at} ${ofNetwork} and ${address} = ${source.address}
      order by ${at} desc limit 1 offset ${GUESSES.perSource - 1})`,
    networkThirtieth: sql<number | null>`(select ${at} ${ofNetwork}
      order by ${at} desc limit 1 offset ${GUESSES.perNetwork - 1})`,
    networkNewest: sql<number | null>`(select max(${at}) ${ofNetwork})`,
    // Only the oldest rows are ever deleted, so ids are dense and the 600th newest needs no count.
    sixHundredth: sql<number | null>`(select ${at} from ${linkFailures}
      where ${id} = (select max(${id}) from ${linkFailures}) - ${GUESSES.inAll - 1} and ${recent})`,
  };
}

/** Whether that history refuses the source: `guessAgainAt` says until when. */
export function isRefused(history: ReturnType<typeof guessHistory>): SQL {
  const { ownTenth, networkThirtieth, networkNewest, sixHundredth } = history;
  return sql`(${ownTenth} is not null or ${networkThirtieth} is not null or (${sixHundredth} is not null and ${networkNewest} is not null))`;
}

/** Counts one wrong guess if `condition` holds: two rows written. */
export function insertFailureIf(db: Db, source: Source, now: number, condition: SQL) {
  return db.insert(linkFailures).select(valuesIf(linkFailures, { ...source, at: now }, condition));
}
