/** Verification codes: made, read, used once. No two live codes have the same digits. */
import { and, eq, isNull, type SQL, sql } from "drizzle-orm";
import type { Source } from "../domain/linking.ts";
import { CODE_LIFE_MS, guessAgainAt, REPEAT_MS } from "../domain/linking.ts";
import type { PrinterView } from "../domain/view.ts";
import { type Db, ONE_ROW } from "./client.ts";
import { valuesIf } from "./insert-if.ts";
import { guessHistory, insertFailureIf, isRefused } from "./link-failures.ts";
import { insertPrinterIfRoom, type NewPrinter, printOfRow, type ShownPrinter, viewOfRow } from "./printers.ts";
import { gCodeFiles } from "./schema/g-code.ts";
import { prints } from "./schema/history.ts";
import { oneTimeVerificationCodes as codes } from "./schema/linking.ts";
import { printerLive, printers } from "./schema/printers.ts";

export type VerificationCode = typeof codes.$inferSelect;

/** Whether a code's printer, if it has one, is still its owner's and in use. */
const isOfUse = sql`(${codes.printerId} is null or exists (
  select 1 from ${printers} where ${printers.id} = ${codes.printerId} and ${printers.userId} = ${codes.userId}
  and ${printers.archivedAt} is null and ${printers.deletedAt} is null))`;

/** Whether a code may be used at `now`: unused, unexpired, and its printer, if it has one, still its owner's and in use. */
export function isLiveCode(now: number): SQL {
  return sql`(${codes.verifiedAt} is null and ${codes.expiredAt} >= ${now} and ${isOfUse})`;
}

/** A code as its account sees it. */
export interface ShownCode {
  readonly code: VerificationCode;
  /** As the list shows it; null before there is one, and once it is deleted. */
  readonly printer: ShownPrinter | null;
}

export type CodeRequest =
  | ({ readonly kind: "live" } & ShownCode)
  /** The account has no such printer that could be linked. */
  | { readonly kind: "unknown_printer" }
  /** Those digits belong to another live code: draw others. */
  | { readonly kind: "taken" };

/** The live code of that account for that printer (null: for a new one), made from `digits` if there is none. */
export async function findOrInsertCode(
  db: Db,
  wanted: { readonly userId: number; readonly printerId: number | null; readonly digits: string },
  now: number,
): Promise<CodeRequest> {
  const { userId, printerId, digits: code } = wanted;
  const own = sql`${codes.userId} = ${userId} and ${codes.printerId} is ${printerId} and ${isLiveCode(now)}`;
  const owned = sql`${printers.id} = ${printerId} and ${printers.userId} = ${userId}
    and ${printers.archivedAt} is null and ${printers.deletedAt} is null`;
  const isFree = sql`(${printerId} is null or exists (select 1 from ${printers} where ${owned}))
    and not exists (select 1 from ${codes} where ${own}) and not ${isTaken(code, now)}`;
  const row = { userId, printerId, code, createdAt: now, expiredAt: now + CODE_LIFE_MS };
  const [, [live], [printer]] = await db.batch([
    db.insert(codes).select(valuesIf(codes, row, isFree)),
    db.select().from(codes).where(own).limit(1),
    db.select({ id: printers.id }).from(printers).where(owned),
  ]);
  if (printerId !== null && printer === undefined) return { kind: "unknown_printer" };
  if (live === undefined) return { kind: "taken" };
  const shown = printerId === null ? { code: live, printer: null } : await findCode(db, userId, live.id, now);
  return shown === undefined ? { kind: "taken" } : { kind: "live", ...shown };
}

/** Whether an unused, unexpired code has those digits already, or one whose use may be repeated; the code `but` aside. */
function isTaken(digits: string, now: number, but = 0): SQL {
  return sql`exists (select 1 from ${codes} where ${codes.code} = ${digits} and ${codes.id} <> ${but} and (${codes.verifiedAt} > ${now - REPEAT_MS}
    or (${codes.verifiedAt} is null and ${codes.expiredAt} >= ${now})))`;
}

/** The account's code, used or expired ones too. */
export async function findCode(db: Db, userId: number, id: number, now: number): Promise<ShownCode | undefined> {
  const [row] = await db
    .select({ code: codes, printer: printers, live: printerLive, print: prints, file: gCodeFiles })
    .from(codes)
    .leftJoin(printers, and(eq(printers.id, codes.printerId), isNull(printers.deletedAt)))
    .leftJoin(printerLive, eq(printerLive.printerId, printers.id))
    .leftJoin(prints, eq(prints.id, printers.currentPrintId))
    .leftJoin(gCodeFiles, eq(gCodeFiles.id, prints.gCodeFileId))
    .where(and(eq(codes.id, id), eq(codes.userId, userId)));
  if (row === undefined) return undefined;
  const { code, printer, live, print, file } = row;
  return {
    code,
    printer:
      printer === null ? null : { printer: viewOfRow({ printer, live, print: print && printOfRow(print) }, now), file },
  };
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

/** A code that was used: nobody else can use it any more. */
export type UsedCode = VerificationCode & { readonly verifiedAt: number };

export interface CodeUsed {
  readonly kind: "used";
  readonly code: UsedCode;
  /** The same address used it a moment ago already. */
  readonly isRepeated: boolean;
  /** The one to link again, or that this code made before (`isMade`); null when one is to be made. */
  readonly printer: { readonly id: number; readonly uid: string; readonly isMade: boolean } | null;
}

export type CodeUse = CodeUsed | { readonly kind: "unknown" } | { readonly kind: "refused"; readonly againAt: number };

/**
 * Uses a code, or counts a wrong guess, in one round trip. Of two calls at once exactly one gets `used`, unless both come from
 * one address: then the other one repeats it ([S60]). A refused call writes nothing and is told nothing.
 */
export async function useCode(
  db: Db,
  guess: { readonly digits: string; readonly source: Source },
  now: number,
): Promise<CodeUse> {
  const { address } = guess.source;
  const history = guessHistory(guess.source, now);
  const refused = isRefused(history);
  const live = sql`${codes.code} = ${guess.digits} and ${isLiveCode(now)}`;
  const match = sql`${codes.code} = ${guess.digits} and (${isLiveCode(now)}
    or (${codes.verifiedAt} > ${now - REPEAT_MS} and ${codes.usedBy} = ${address} and ${isOfUse}))`;
  const [before] = await db.batch([
    db
      // Rows of a batch are keyed by column names, so no two may be alike.
      .select({
        ...history,
        code: codes,
        printerUid: printers.uid,
        printerIsMade: sql<0 | 1>`${printers.createdAt} >= ${codes.createdAt}`,
      })
      .from(ONE_ROW)
      .leftJoin(codes, match)
      .leftJoin(printers, eq(printers.id, codes.printerId)),
    insertFailureIf(db, guess.source, now, sql`not exists (select 1 from ${codes} where ${match}) and not ${refused}`),
    db.update(codes).set({ verifiedAt: now, expiredAt: now, usedBy: address }).where(sql`${live} and not ${refused}`),
  ]);
  const found = before[0];
  const againAt = found === undefined ? null : guessAgainAt(found);
  if (againAt !== null) return { kind: "refused", againAt };
  if (!found?.code) return { kind: "unknown" };
  const { code, printerUid: uid, printerIsMade } = found;
  const printer =
    uid === null || code.printerId === null ? null : { id: code.printerId, uid, isMade: printerIsMade === 1 };
  return {
    kind: "used",
    code: { ...code, verifiedAt: code.verifiedAt ?? now },
    isRepeated: code.verifiedAt !== null,
    printer,
  };
}

/**
 * Makes the printer of a used code and notes it in the code's row, in one transaction: neither a released code nor a repeated
 * use makes a second printer. Undefined when the account holds `maxPrinters` already.
 */
export async function insertLinkedPrinter(
  db: Db,
  codeId: number,
  born: NewPrinter,
  now: number,
): Promise<PrinterView | undefined> {
  const isOpen = sql`exists (select 1 from ${codes} where ${codes.id} = ${codeId} and ${codes.printerId} is null)`;
  const made = sql`(select ${printers.id} from ${printers} where ${printers.uid} = ${born.uid})`;
  const [, , [printer]] = await db.batch([
    insertPrinterIfRoom(db, born, now, isOpen),
    db
      .update(codes)
      .set({ printerId: made })
      .where(and(eq(codes.id, codeId), isNull(codes.printerId))),
    db
      .select()
      .from(printers)
      .where(eq(printers.id, sql`(select ${codes.printerId} from ${codes} where ${codes.id} = ${codeId})`)),
  ]);
  return printer === undefined ? undefined : viewOfRow({ printer, live: null, print: null }, now);
}

/** Makes a used code live again after its use failed, unless another code has its digits by now. */
export async function releaseCode(db: Db, code: UsedCode, now: number): Promise<void> {
  await db
    .update(codes)
    .set({ verifiedAt: null, expiredAt: code.createdAt + CODE_LIFE_MS, usedBy: null })
    .where(
      sql`${codes.id} = ${code.id} and ${codes.verifiedAt} = ${code.verifiedAt} 
        and not ${isTaken(code.code, now, code.id)}`,
    );
}
