/** API tokens, found by their hash together with what the call is about: who calls, and the printer in their account. */
import { and, asc, eq, gt, isNull, lt, or, sql } from "drizzle-orm";
import type { Db } from "./client.ts";
import { valuesIf } from "./insert-if.ts";
import { type OwnedPrinter, ownedPrinter, ownedPrinterColumns } from "./printers.ts";
import { apiTokens } from "./schema/accounts.ts";
import { printers } from "./schema/printers.ts";

export interface TokenHolder {
  readonly tokenId: number;
  readonly tokenName: string;
  readonly userId: number;
  readonly canRead: boolean;
  readonly canWrite: boolean;
  /** Epoch milliseconds; null: never. */
  readonly expiresAt: number | null;
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
  const [row] = await db
    .select({ token: apiTokens, printer: ownedPrinterColumns })
    .from(apiTokens)
    .leftJoin(printers, ownedPrinter(apiTokens.userId, printerId))
    .where(and(eq(apiTokens.hash, hash), isValid(now)));
  if (row === undefined) return undefined;
  const { id, name, userId, canRead, canWrite, expiresAt, lastUsedOn } = row.token;
  return { tokenId: id, tokenName: name, userId, canRead, canWrite, expiresAt, lastUsedOn, printer: row.printer };
}

function isValid(now: number) {
  return and(isNull(apiTokens.revokedAt), or(isNull(apiTokens.expiresAt), gt(apiTokens.expiresAt, now)));
}

/** Notes the day of a token's use; of calls at once one writes. */
export async function moveLastUsedOn(db: Db, tokenId: number, day: string): Promise<void> {
  const isEarlier = or(isNull(apiTokens.lastUsedOn), lt(apiTokens.lastUsedOn, day));
  await db
    .update(apiTokens)
    .set({ lastUsedOn: day })
    .where(and(eq(apiTokens.id, tokenId), isEarlier));
}

/** A token as its account sees it: without its hash. */
export type ApiToken = Omit<typeof apiTokens.$inferSelect, "hash" | "userId" | "revokedAt">;

const { id, name, canRead, canWrite, createdAt, expiresAt, lastUsedOn } = apiTokens;
const tokenColumns = { id, name, canRead, canWrite, createdAt, expiresAt, lastUsedOn };

/** The account's tokens that are neither revoked nor expired at `now`, oldest first. */
export async function listTokens(db: Db, userId: number, now: number): Promise<ApiToken[]> {
  return db
    .select(tokenColumns)
    .from(apiTokens)
    .where(and(eq(apiTokens.userId, userId), isValid(now)))
    .orderBy(asc(apiTokens.id));
}

export interface NewToken {
  readonly userId: number;
  readonly name: string;
  readonly hash: string;
  readonly canRead: boolean;
  readonly canWrite: boolean;
  /** Epoch milliseconds; null: never. */
  readonly expiresAt: number | null;
}

/**
 * Undefined when the account holds `maxTokens` already, or when `makerId`, the token that asks for it (null: a sign-in),
 * was revoked meanwhile. One statement, so that calls at once cannot exceed the bound together.
 */
export async function insertToken(
  db: Db,
  token: NewToken,
  { makerId, maxTokens }: { readonly makerId: number | null; readonly maxTokens: number },
  now: number,
): Promise<ApiToken | undefined> {
  const held = sql`select count(*) from ${apiTokens} where ${and(eq(apiTokens.userId, token.userId), isValid(now))}`;
  const isMakerValid = sql`exists (select 1 from ${apiTokens} where ${and(eq(apiTokens.id, makerId ?? 0), isValid(now))})`;
  const isAllowed = sql`(${held}) < ${maxTokens} and ${makerId === null ? sql`1` : isMakerValid}`;
  const [made] = await db
    .insert(apiTokens)
    .select(valuesIf(apiTokens, { ...token, createdAt: now }, isAllowed))
    .returning(tokenColumns);
  return made;
}

/** Its hash; undefined: the account has no such token, or it was revoked before. */
export async function revokeToken(db: Db, userId: number, tokenId: number, now: number): Promise<string | undefined> {
  const [revoked] = await db
    .update(apiTokens)
    .set({ revokedAt: now })
    .where(and(eq(apiTokens.id, tokenId), eq(apiTokens.userId, userId), isNull(apiTokens.revokedAt)))
    .returning({ hash: apiTokens.hash });
  return revoked?.hash;
}
