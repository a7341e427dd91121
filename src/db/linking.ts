/** Verification codes: made, looked at, used once. Of a code's digits at most one row is live at any time. */
import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import type { Source } from "../domain/address.ts";
import { CODE_LIFE_MS, guessAgainAt } from "../domain/linking.ts";
import type { PrinterView } from "../domain/view.ts";
import type { Db } from "./client.ts";
import { valuesIf } from "./insert-if.ts";
import { guessHistory, insertFailureIf, isRefused } from "./link-failures.ts";
import { viewOfRow } from "./printers.ts";
import { oneTimeVerificationCodes as codes, printerLive, printers, prints } from "./schema.ts";

export type VerificationCode = typeof codes.$inferSelect;

/** A code that may be used at `now`: its printer, if it has one, is still in its owner's account and not archived. */
export function isLiveCode(now: number): SQL {
  return sql`(${codes.verifiedAt} is null and ${codes.expiredAt} >= ${now} and (${codes.printerId} is null or exists (
    select 1 from ${printers} where ${printers.id} = ${codes.printerId} and ${printers.userId} = ${codes.userId}
    and ${printers.archivedAt} is null and ${printers.deletedAt} is null)))`;
}

/**
 * The live code of that account for that printer (null: for a new one), made from `digits` if there is none. Undefined:
 * those digits belong to another live code, draw others.
 */
export async function findOrInsertCode(
  db: Db,
  wanted: { readonly userId: number; readonly printerId: number | null; readonly digits: string },
  now: number,
): Promise<VerificationCode | undefined> {
  const own = sql`${codes.userId} = ${wanted.userId} and ${codes.printerId} is ${wanted.printerId} and ${isLiveCode(now)}`;
  const taken = sql`${codes.code} = ${wanted.digits} and ${codes.verifiedAt} is null and ${codes.expiredAt} >= ${now}`;
  const isFree = sql`not exists (select 1 from ${codes} where ${own}) and not exists (select 1 from ${codes} where ${taken})`;
  const { userId, printerId, digits: code } = wanted;
  const row = { userId, printerId, code, createdAt: now, expiredAt: now + CODE_LIFE_MS };
  const [, rows] = await db.batch([
    db.insert(codes).select(valuesIf(codes, row, isFree)),
    db.select().from(codes).where(own).limit(1),
  ]);
  return rows[0];
}

/** The account's code, with its printer as the list shows it; no printer once that one is deleted. */
export async function findCode(
  db: Db,
  userId: number,
  id: number,
  now: number,
): Promise<{ readonly code: VerificationCode; readonly printer: PrinterView | null } | undefined> {
  const [row] = await db
    .select({ code: codes, printer: printers, live: printerLive, print: prints })
    .from(codes)
    .leftJoin(printers, and(eq(printers.id, codes.printerId), isNull(printers.deletedAt)))
    .leftJoin(printerLive, eq(printerLive.printerId, printers.id))
    .leftJoin(prints, eq(prints.id, printers.currentPrintId))
    .where(and(eq(codes.id, id), eq(codes.userId, userId)));
  if (row === undefined) return undefined;
  const { code, printer, live, print } = row;
  return { code, printer: printer === null ? null : viewOfRow({ printer, live, print }, now) };
}

/** The account's live code of those digits. */
export async function findLiveCode(
  db: Db,
  userId: number,
  digits: string,
  now: number,
): Promise<VerificationCode | undefined> {
  const [row] = await db
    .select()
    .from(codes)
    .where(and(eq(codes.code, digits), eq(codes.userId, userId), isLiveCode(now)));
  return row;
}

export type CodeUse =
  /** Nobody else can use it any more; `printerUid` is null when a printer is to be made. */
  | { readonly kind: "used"; readonly code: VerificationCode; readonly printerUid: string | null }
  | { readonly kind: "unknown" }
  | { readonly kind: "refused"; readonly againAt: number };

/**
 * Uses a code up, or counts a wrong guess, in one round trip. Of two calls at once exactly one gets `used`. A refused call
 * writes nothing and learns nothing, whatever it guessed.
 */
export async function useCode(
  db: Db,
  guess: { readonly digits: string; readonly source: Source },
  now: number,
): Promise<CodeUse> {
  const history = guessHistory(guess.source, now);
  const refused = isRefused(history);
  const match = sql`${codes.code} = ${guess.digits} and ${isLiveCode(now)}`;
  const [before] = await db.batch([
    db
      .select({ ...history, code: codes, printerUid: printers.uid })
      .from(sql`(select 1)`)
      .leftJoin(codes, match)
      .leftJoin(printers, eq(printers.id, codes.printerId)),
    insertFailureIf(db, guess.source, now, sql`not exists (select 1 from ${codes} where ${match}) and not ${refused}`),
    db.update(codes).set({ verifiedAt: now, expiredAt: now }).where(sql`${match} and not ${refused}`),
  ]);
  const found = before[0];
  const againAt = found === undefined ? null : guessAgainAt(found);
  if (againAt !== null) return { kind: "refused", againAt };
  if (!found?.code) return { kind: "unknown" };
  return { kind: "used", code: { ...found.code, verifiedAt: now }, printerUid: found.printerUid };
}

/** Shows the new printer to whoever polls the code that made it. */
export async function settleCode(db: Db, id: number, printerId: number): Promise<void> {
  await db.update(codes).set({ printerId }).where(eq(codes.id, id));
}

/** Gives a used code back, as it was, because what it was used for did not happen. */
export async function releaseCode(db: Db, code: VerificationCode): Promise<void> {
  await db
    .update(codes)
    .set({ verifiedAt: null, expiredAt: code.expiredAt })
    .where(sql`${codes.id} = ${code.id} and ${codes.verifiedAt} = ${code.verifiedAt}`);
}
