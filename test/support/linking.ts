/** Rows, callers and moments for the tests of linking: none of them meets another test's. */
import { env } from "cloudflare:workers";
import { connect } from "../../src/db/client.ts";
import type { Poll } from "../../src/db/discovery.ts";
import { findCode, findOrInsertCode, useCode, type VerificationCode } from "../../src/db/linking.ts";
import { users } from "../../src/db/schema/accounts.ts";
import { printers } from "../../src/db/schema/printers.ts";
import { DEFAULT_CONFIGURATION } from "../../src/domain/configuration.ts";
import type { Source } from "../../src/domain/linking.ts";
import { sourceOf } from "../../src/http/kit/address.ts";

export const MINUTE = 60_000;
export const db = connect(env.DB);

const HOUR = 60 * MINUTE;
const count = { addresses: 0, hours: 0, digits: 0, passcodes: 36 ** 4 };

/** An IPv4 address that no other test has. */
export function freshIp(): string {
  count.addresses += 1;
  return `198.18.${count.addresses >> 8}.${count.addresses & 255}`;
}

/** A source and some hours of its own. */
export function elsewhere(): { source: Source; now: number } {
  count.hours += 3;
  return { source: sourceOf(freshIp()), now: 1_800_000_000_000 + count.hours * HOUR };
}

export async function insertUser(): Promise<number> {
  const [user] = await db.insert(users).values({ unsubToken: crypto.randomUUID(), createdAt: 0 }).returning();
  if (user === undefined) throw new Error("no user");
  return user.id;
}

export async function insertPrinterRow(userId: number, marks: { archivedAt?: number; deletedAt?: number } = {}) {
  const row = { ...DEFAULT_CONFIGURATION, ...marks, uid: crypto.randomUUID(), userId, name: "bench", createdAt: 0 };
  const [printer] = await db.insert(printers).values(row).returning();
  if (printer === undefined) throw new Error("no printer");
  return printer;
}

export function freshDigits(): string {
  count.digits += 1;
  return String(count.digits).padStart(6, "0");
}

export async function insertCode(userId: number, printerId: number | null, now: number): Promise<VerificationCode> {
  const request = await findOrInsertCode(db, { userId, printerId, digits: freshDigits() }, now);
  if (request.kind !== "live") throw new Error(request.kind);
  return request.code;
}

/** The row as its account sees it. */
export async function codeNow(userId: number, id: number): Promise<VerificationCode | undefined> {
  return (await findCode(db, userId, id, Date.now()))?.code;
}

/** `verify` as the store sees it. */
export function tryCode(digits: string, at: { source: Source; now: number }) {
  return useCode(db, { digits, source: at.source }, at.now);
}

/** An account with a code for a new printer. */
export async function ownerWithCode(now: number) {
  const userId = await insertUser();
  const code = await insertCode(userId, null, now);
  return { userId, digits: code.code, codeId: code.id };
}

export function freshPasscode(): string {
  count.passcodes += 1;
  return count.passcodes.toString(36);
}

/** A new agent that knows no passcodes (OctoPrint's), unless `changes` says otherwise. */
export function unlinkedAgent(changes: Partial<Poll> = {}): { poll: Poll; now: number } {
  const { source, now } = elsewhere();
  const deviceId = crypto.randomUUID().replaceAll("-", "");
  const info = JSON.stringify({ device_id: deviceId });
  return { poll: { source, deviceId, info, passcode: null, freshPasscode: freshPasscode(), ...changes }, now };
}
