/** Accounts of people who sign in at the operator's identity provider: known by issuer and subject, made on first sight. */
import { and, eq, sql } from "drizzle-orm";
import type { Db } from "./client.ts";
import { type OwnedPrinter, ownedPrinter, ownedPrinterColumns } from "./printers.ts";
import { users } from "./schema/accounts.ts";
import { printers } from "./schema/printers.ts";

export interface SignInIdentity {
  readonly issuer: string;
  readonly subject: string;
  readonly email: string | null;
}

export interface SignInHolder {
  readonly userId: number;
  /** Null when the account has no such printer, or none was asked for. */
  readonly printer: OwnedPrinter | null;
}

/** One round trip for a known account. An address that another account has is left out: it never opens that account. */
export async function findOrInsertSignIn(
  db: Db,
  identity: SignInIdentity,
  printerId: number | null,
  now: number,
): Promise<SignInHolder> {
  const existing = await findSignIn(db, identity, printerId);
  if (existing !== undefined) return existing;
  const { issuer, subject, email } = identity;
  const isTaken = sql`exists (select 1 from ${users} where ${users.email} = ${email})`;
  await db
    .insert(users)
    .values({
      issuer,
      subject,
      email: sql`case when ${isTaken} then null else ${email} end`,
      unsubToken: crypto.randomUUID(),
      createdAt: now,
    })
    .onConflictDoNothing();
  const made = await findSignIn(db, identity, printerId);
  if (made === undefined) throw new Error("the account that was just made is not there");
  return made;
}

async function findSignIn(
  db: Db,
  identity: SignInIdentity,
  printerId: number | null,
): Promise<SignInHolder | undefined> {
  const [row] = await db
    .select({ userId: users.id, printer: ownedPrinterColumns })
    .from(users)
    .leftJoin(printers, ownedPrinter(users.id, printerId))
    .where(and(eq(users.issuer, identity.issuer), eq(users.subject, identity.subject)));
  return row;
}
