/** API tokens, found by their hash together with what the call is about: who calls, and the printer in their account. */
import { and, asc, desc, eq, gt, inArray, isNotNull, isNull, lt, or, type Placeholder, sql } from "drizzle-orm";
import type { Db } from "./client.ts";
import { insertOnce, type KeyUse, type Once } from "./idempotency.ts";
import { valuesIf } from "./insert-if.ts";
import { named, type PackedRow, PreparedQuery, queries } from "./prepared.ts";
import { type ListedPrinter, PrinterLists, type PrinterSelection } from "./printer-list.ts";
import {
  type OwnedPrinter,
  type OwnedPrinterRow,
  ownedPrinter,
  ownedPrinterOf,
  ownedPrinterSelection,
  selectPrinterIds,
} from "./printers.ts";
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
  /** Of the account's printers those that were asked for. */
  readonly listed: readonly ListedPrinter[];
}

const { hash: tokenHash, revokedAt, expiresAt: endsAt } = apiTokens;

/** A valid token of the placeholder `hash` at the placeholder `now`. */
const isAsked = and(eq(tokenHash, sql.placeholder("hash")), isValid(sql.placeholder("now")));

const holderColumns = {
  tokenId: apiTokens.id,
  tokenName: apiTokens.name,
  userId: apiTokens.userId,
  canRead: apiTokens.canRead,
  canWrite: apiTokens.canWrite,
  expiresAt: endsAt,
  lastUsedOn: apiTokens.lastUsedOn,
};

type HolderRow = Omit<TokenHolder, "canRead" | "canWrite" | "printer" | "listed"> &
  Readonly<Record<"canRead" | "canWrite", 0 | 1>>;

const HOLDER = new PreparedQuery<HolderRow>(queries.select(named(holderColumns)).from(apiTokens).where(isAsked));

const HOLDER_AND_PRINTER = new PreparedQuery<HolderRow & OwnedPrinterRow>(
  queries
    .select(named({ ...holderColumns, ...ownedPrinterSelection }))
    .from(apiTokens)
    .leftJoin(printers, ownedPrinter(apiTokens.userId, sql.placeholder("printerId")))
    .where(isAsked),
);

/** One round trip: the token of that hash, if it is neither revoked nor expired at `now`, and the account's printer. */
export async function findTokenHolder(
  db: Db,
  hash: string,
  printerId: number | null,
  now: number,
): Promise<TokenHolder | undefined> {
  if (printerId === null) {
    const row = await HOLDER.first(db, { hash, now });
    return row && holderOf(row);
  }
  const row = await HOLDER_AND_PRINTER.first(db, { hash, now, printerId });
  return row && { ...holderOf(row), printer: ownedPrinterOf(row) };
}

function holderOf(row: HolderRow): TokenHolder {
  return { ...row, canRead: row.canRead === 1, canWrite: row.canWrite === 1, printer: null, listed: [] };
}

const LISTS_OF_HOLDERS = new PrinterLists(
  sql`(select ${apiTokens.userId} from ${apiTokens} where ${and(isAsked, eq(apiTokens.canRead, true))})`,
);

/** One round trip, unless long texts are cut: that token, and those of its account's printers if it may read. */
export async function findTokenHolderWithPrinters(
  db: Db,
  hash: string,
  selection: PrinterSelection,
  now: number,
): Promise<TokenHolder | undefined> {
  const asked = { hash, now };
  const [found, listed] = await db.$client.batch<HolderRow | PackedRow>([
    HOLDER.bind(db, asked),
    LISTS_OF_HOLDERS.bind(db, selection, asked),
  ]);
  const row = found?.results[0] as HolderRow | undefined; // safe: results come in the order of their statements
  const rows = (listed?.results ?? []) as PackedRow[]; // safe: the same
  return row && { ...holderOf(row), listed: await LISTS_OF_HOLDERS.read(db, selection, asked, rows, now) };
}

function isValid(now: number | Placeholder) {
  return and(isNull(revokedAt), or(isNull(endsAt), gt(endsAt, now)));
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
export type ApiToken = Omit<typeof apiTokens.$inferSelect, "hash" | "userId" | "revokedAt" | "toldAt">;

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
export function insertToken(
  db: Db,
  token: NewToken,
  { makerId, maxTokens }: { readonly makerId: number | null; readonly maxTokens: number },
  key: KeyUse | null,
  now: number,
): Promise<Once<ApiToken | undefined>> {
  const held = sql`select count(*) from ${apiTokens} where ${and(eq(apiTokens.userId, token.userId), isValid(now))}`;
  const isMakerValid = sql`exists (select 1 from ${apiTokens} where ${and(eq(apiTokens.id, makerId ?? 0), isValid(now))})`;
  const isAllowed = sql`(${held}) < ${maxTokens} and ${makerId === null ? sql`1` : isMakerValid}`;
  return insertOnce(
    db,
    key,
    now,
    (isFree) => [
      db
        .insert(apiTokens)
        .select(valuesIf(apiTokens, { ...token, createdAt: now }, sql`${isAllowed} and ${isFree}`))
        .returning(tokenColumns),
    ],
    ([[made]]) => made,
  );
}

/** The account's token of that id, if its hash is one of `hashes` and it still counts. */
export async function findOwnToken(
  db: Db,
  wanted: { readonly userId: number; readonly id: number; readonly hashes: readonly string[] },
  now: number,
): Promise<(ApiToken & { readonly hash: string }) | undefined> {
  const isWanted = and(eq(id, wanted.id), eq(apiTokens.userId, wanted.userId), inArray(tokenHash, [...wanted.hashes]));
  const [token] = await db
    .select({ ...tokenColumns, hash: tokenHash })
    .from(apiTokens)
    .where(and(isWanted, isValid(now)));
  return token;
}

/** A token that counts no longer, and the printers whose objects may still know it. */
export interface Revocation {
  readonly tokenId: number;
  readonly hash: string;
  readonly printerIds: readonly number[];
}

/** Revokes a token, or finds it revoked: that is kept, so that it can be told again. Undefined: the account has no such token. */
export async function revokeToken(
  db: Db,
  userId: number,
  tokenId: number,
  now: number,
): Promise<Revocation | undefined> {
  const [[revoked], held] = await db.batch([
    db
      .update(apiTokens)
      .set({ revokedAt: sql`coalesce(${revokedAt}, ${now})` })
      .where(and(eq(apiTokens.id, tokenId), eq(apiTokens.userId, userId)))
      .returning({ hash: apiTokens.hash }),
    selectPrinterIds(db, userId),
  ]);
  return revoked && { tokenId, hash: revoked.hash, printerIds: held.map((printer) => printer.id) };
}

/** Every object that could know that token was told. */
export async function markTold(db: Db, tokenId: number, now: number): Promise<void> {
  await db.update(apiTokens).set({ toldAt: now }).where(eq(apiTokens.id, tokenId));
}

/** Revocations since `since` (epoch milliseconds) that were not told everywhere, the newest `limit`. */
export async function listUntold(db: Db, since: number, limit: number): Promise<Revocation[]> {
  // Of a column's own SQL Drizzle would leave out the tables' names.
  const ofAccount = sql`select json_group_array(${printers.id}) from ${printers}
    where ${printers.userId} = ${apiTokens.userId} and ${printers.deletedAt} is null`;
  const printerIds = sql<string>`(${ofAccount})`;
  const rows = await db
    .select({ tokenId: apiTokens.id, hash: apiTokens.hash, printerIds })
    .from(apiTokens)
    .where(and(isNull(apiTokens.toldAt), isNotNull(revokedAt), gt(revokedAt, since)))
    .orderBy(desc(revokedAt))
    .limit(limit);
  return rows.map((row) => ({ ...row, printerIds: JSON.parse(row.printerIds) as number[] })); // safe: an array of ids
}
