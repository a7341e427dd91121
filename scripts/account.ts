/** Accounts and API tokens, as the scripts make, list and revoke them. */
import { randomUUID } from "node:crypto";
import { and, asc, eq, lt, sql } from "drizzle-orm";
import { drawApiToken } from "../src/credentials/api-token.ts";
import { digest } from "../src/credentials/digest.ts";
import { valuesIf } from "../src/db/insert-if.ts";
import { apiTokens, users } from "../src/db/schema/accounts.ts";
import { type Database, type Row, statements } from "./database.ts";

export interface TokenWish {
  readonly email: string;
  readonly name: string;
  readonly canRead: boolean;
  readonly canWrite: boolean;
  /** Epoch milliseconds; null: never. */
  readonly expiresAt: number | null;
}

/** A new token of the account with that address, which is made if it is missing. Only the token's hash is kept. */
export async function makeToken(database: Database, wish: TokenWish, now: number): Promise<string> {
  const token = drawApiToken();
  const { email, name, canRead, canWrite, expiresAt } = wish;
  const user = { email, unsubToken: randomUUID(), createdAt: now };
  const userId = sql<number>`(select ${users.id} from ${users} where ${users.email} = ${email})`;
  const hash = await digest(token);
  await database.run([
    statements.insert(users).values(user).onConflictDoNothing(),
    statements.insert(apiTokens).values({ userId, name, hash, canRead, canWrite, createdAt: now, expiresAt }),
  ]);
  return token;
}

/** Oldest first, the revoked ones too; of every account when `email` is null. */
export async function listTokens(database: Database, email: string | null): Promise<Row[]> {
  const query = statements
    .select({
      id: apiTokens.id,
      name: apiTokens.name,
      email: users.email,
      canRead: apiTokens.canRead,
      canWrite: apiTokens.canWrite,
      createdAt: apiTokens.createdAt,
      expiresAt: apiTokens.expiresAt,
      revokedAt: apiTokens.revokedAt,
      lastUsedOn: apiTokens.lastUsedOn,
    })
    .from(apiTokens)
    .innerJoin(users, eq(users.id, apiTokens.userId))
    .where(email === null ? undefined : eq(users.email, email))
    .orderBy(asc(apiTokens.id));
  const [rows = []] = await database.run([query]);
  return rows;
}

/** How long an operator's token is good: as long as one call takes. */
const OPERATOR_MS = 60_000;

/**
 * Revokes a token, or finds it revoked; a token of its account comes back with which the service can be told so, good for a
 * minute. Null: there is no such token.
 */
export async function revokeToken(database: Database, id: number, now: number): Promise<string | null> {
  const operator = drawApiToken();
  const owner = sql`select ${apiTokens.userId} from ${apiTokens} where ${apiTokens.id} = ${id}`;
  const isOver = and(
    eq(apiTokens.name, OPERATOR),
    eq(sql`expires_at - created_at`, OPERATOR_MS),
    lt(apiTokens.expiresAt, now),
  );
  const row = {
    ...{ name: OPERATOR, hash: await digest(operator), canRead: false, canWrite: true },
    ...{ userId: sql`(${owner})`, createdAt: now, expiresAt: now + OPERATOR_MS },
  };
  const [, rows = []] = await database.run([
    statements.delete(apiTokens).where(isOver),
    statements
      .update(apiTokens)
      .set({ revokedAt: sql`coalesce(${apiTokens.revokedAt}, ${now})` })
      .where(eq(apiTokens.id, id))
      .returning({ id: apiTokens.id }),
    statements.insert(apiTokens).select(valuesIf(apiTokens, row, sql`exists (${owner})`)),
  ]);
  return rows.length === 0 ? null : operator;
}

const OPERATOR = "operator";
