/** API tokens, found by their hash together with what the call is about: who calls, and the printer in their account. */
import { and, eq, gt, isNull, lt, or } from "drizzle-orm";
import type { Db } from "./client.ts";
import { type OwnedPrinter, ownedPrinter, ownedPrinterColumns } from "./printers.ts";
import { apiTokens, printers } from "./schema.ts";

export interface TokenHolder {
  readonly tokenId: number;
  readonly tokenName: string;
  readonly userId: number;
  readonly canRead: boolean;
  readonly canWrite: boolean;
  /** `YYYY-MM-DD`, UTC. */
  readonly lastUsedOn: string | null;
  /** Null when the account has no such printer, or none was asked for. */
  readonly printer: OwnedPrinter | null;
}

/** One round trip: the token of that hash, if it is neither revoked nor expired at `now`, and the account's printer. */
export async function findTokenHolder(
  db: Db,
  hash: string,
  printerId: number | null,
  now: number,
): Promise<TokenHolder | undefined> {
  const isValid = and(
    eq(apiTokens.hash, hash),
    isNull(apiTokens.revokedAt),
    or(isNull(apiTokens.expiresAt), gt(apiTokens.expiresAt, now)),
  );
  const [row] = await db
    .select({ token: apiTokens, printer: ownedPrinterColumns })
    .from(apiTokens)
    .leftJoin(printers, ownedPrinter(apiTokens.userId, printerId))
    .where(isValid);
  if (row === undefined) return undefined;
  const { id, name, userId, canRead, canWrite, lastUsedOn } = row.token;
  return { tokenId: id, tokenName: name, userId, canRead, canWrite, lastUsedOn, printer: row.printer };
}

/** Notes the day of a token's use; of many calls at once one writes. */
export async function moveLastUsedOn(db: Db, tokenId: number, day: string): Promise<void> {
  const isEarlier = or(isNull(apiTokens.lastUsedOn), lt(apiTokens.lastUsedOn, day));
  await db
    .update(apiTokens)
    .set({ lastUsedOn: day })
    .where(and(eq(apiTokens.id, tokenId), isEarlier));
}
