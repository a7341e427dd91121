/**
 * What runs by the clock: revocations are told, old history, used keys, linking's leftovers and deleted files go, and names of
 * old rows are read, in chunks. One run does a bounded part of each; an outage ends its part, and the next run goes on.
 */
import { connect, type Db } from "../db/client.ts";
import { readNames } from "../db/g-code-names.ts";
import { listErasable, settleErased } from "../db/g-code-uploads.ts";
import { pruneKeys } from "../db/idempotency.ts";
import { pruneLinking } from "../db/link-retention.ts";
import { pruneHistory } from "../db/retention.ts";
import { readRetention } from "../env.ts";
import { log } from "../log.ts";
import { tellRevocations } from "./revocations.ts";

/** With 2,000 rows of history in each: what 1,000 printers make in an hour, many times over. */
const CHUNKS_PER_RUN = 50;
/** Objects that one call of R2 may delete are 1,000; a chunk has two kinds. */
const OBJECTS_PER_CHUNK = 500;

/** At `now`, epoch milliseconds. Never throws. */
export async function runRetention(env: Env, now: number): Promise<void> {
  const db = connect(env.DB);
  await runPart("revocations", () => tellRevocations(db, env.PRINTERS, now));
  await runPart("history", () => pruneHistory(db, now - readRetention(env)));
  await runPart("keys", () => pruneKeys(db, now));
  await runPart("linking", () => pruneLinking(db, now));
  await runPart("files", () => eraseFiles(db, env.GCODE, now));
  await runPart("names", () => readNames(db));
}

/** `chunk`: true when there may be more. */
async function runPart(part: string, chunk: () => Promise<unknown>): Promise<void> {
  try {
    for (let count = 0; count < CHUNKS_PER_RUN; count += 1) if ((await chunk()) !== true) return;
  } catch (error) {
    log({ event: "retention.failed", part, error });
  }
}

/** Objects first: a key that was forgotten before would leave its object for ever. */
async function eraseFiles(db: Db, bucket: R2Bucket, now: number): Promise<boolean> {
  const keys = await listErasable(db, now, OBJECTS_PER_CHUNK);
  if (keys.length === 0) return false;
  await bucket.delete(keys);
  await settleErased(db, keys);
  return keys.length >= OBJECTS_PER_CHUNK;
}
