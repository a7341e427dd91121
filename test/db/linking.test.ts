import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { connect } from "../../src/db/client.ts";
import { findOrInsertCode, insertLinkedPrinter, releaseCode, useCode } from "../../src/db/linking.ts";
import { oneTimeVerificationCodes } from "../../src/db/schema/linking.ts";
import { printers } from "../../src/db/schema/printers.ts";
import { DEFAULT_CONFIGURATION } from "../../src/domain/configuration.ts";
import { CODE_LIFE_MS, REPEAT_MS } from "../../src/domain/linking.ts";
import {
  codeNow,
  db,
  elsewhere,
  freshDigits,
  insertCode,
  insertPrinterRow,
  insertUser,
  tryCode,
} from "../support/linking.ts";
import { meter } from "../support/metered.ts";

describe("one live code for each account and printer", () => {
  test("[S30] the same code is handed out again while it lives, and another one afterwards", async () => {
    const { now } = elsewhere();
    const userId = await insertUser();
    const first = await insertCode(userId, null, now);
    expect(first).toMatchObject({ userId, printerId: null, expiredAt: now + CODE_LIFE_MS, verifiedAt: null });
    expect((await insertCode(userId, null, now + CODE_LIFE_MS)).id).toBe(first.id);
    expect((await insertCode(userId, null, now + CODE_LIFE_MS + 1)).id).not.toBe(first.id);
  });

  test("[S30] ten calls at once make one code", async () => {
    const { now } = elsewhere();
    const userId = await insertUser();
    const codes = await Promise.all(Array.from({ length: 10 }, () => insertCode(userId, null, now)));
    expect(new Set(codes.map((code) => code.id)).size).toBe(1);
  });

  test("[S30] another printer, another account, and no printer have codes of their own", async () => {
    const { now } = elsewhere();
    const [ada, bob] = [await insertUser(), await insertUser()];
    const printer = await insertPrinterRow(ada);
    const made = [
      await insertCode(ada, null, now),
      await insertCode(ada, printer.id, now),
      await insertCode(bob, null, now),
    ];
    expect(new Set(made.map((code) => code.code)).size).toBe(3);
  });

  test("[S30] digits of a live code are never given to a second one; those of a dead one may be", async () => {
    const { now } = elsewhere();
    const digits = freshDigits();
    const [ada, bob] = [await insertUser(), await insertUser()];
    const first = await findOrInsertCode(db, { userId: ada, printerId: null, digits }, now);
    expect(await findOrInsertCode(db, { userId: bob, printerId: null, digits }, now + 1)).toEqual({ kind: "taken" });
    const later = now + CODE_LIFE_MS + 1;
    const second = await findOrInsertCode(db, { userId: bob, printerId: null, digits }, later);
    expect(second).toMatchObject({ kind: "live", code: { userId: bob, code: digits } });
    expect(await tryCode(digits, { ...elsewhere(), now: later })).toMatchObject({
      kind: "used",
      code: { userId: bob },
    });
    if (first.kind !== "live") throw new Error(first.kind);
    expect(await codeNow(ada, first.code.id)).toMatchObject({ verifiedAt: null });
  });

  test.each([
    { name: "somebody else's", of: (other: number) => insertPrinterRow(other) },
    { name: "an archived", of: (_: number, own: number) => insertPrinterRow(own, { archivedAt: 1 }) },
    { name: "a deleted", of: (_: number, own: number) => insertPrinterRow(own, { deletedAt: 1 }) },
    { name: "no", of: async () => ({ id: 2 ** 40 }) },
  ])("[S31] $name printer gets none, and no row is written", async ({ of }) => {
    const { now } = elsewhere();
    const [own, other] = [await insertUser(), await insertUser()];
    const { id: printerId } = await of(other, own);
    const wanted = { userId: own, printerId, digits: freshDigits() };
    expect(await findOrInsertCode(db, wanted, now)).toEqual({ kind: "unknown_printer" });
    expect(await db.$count(oneTimeVerificationCodes, eq(oneTimeVerificationCodes.userId, own))).toBe(0);
  });

  test("[S31] a code is found by its own account only", async () => {
    const { now } = elsewhere();
    const [ada, bob] = [await insertUser(), await insertUser()];
    const code = await insertCode(ada, null, now);
    expect(await codeNow(ada, code.id)).toEqual(code);
    expect(await codeNow(bob, code.id)).toBeUndefined();
  });
});

describe("a code works once, and only while it lives", () => {
  test("[S32] of many uses at once exactly one wins", async () => {
    const at = elsewhere();
    const code = await insertCode(await insertUser(), null, at.now);
    const uses = await Promise.all(
      Array.from({ length: 8 }, () => tryCode(code.code, { ...elsewhere(), now: at.now })),
    );
    expect(uses.map((result) => result.kind).sort()).toEqual([...Array(7).fill("unknown"), "used"]);
  });

  test.each([
    { name: "at its birth", after: 0, kind: "used" },
    { name: "at its last millisecond", after: CODE_LIFE_MS, kind: "used" },
    { name: "a millisecond later", after: CODE_LIFE_MS + 1, kind: "unknown" },
  ])("[S32] $name: $kind", async ({ after, kind }) => {
    const at = elsewhere();
    const code = await insertCode(await insertUser(), null, at.now);
    expect(await tryCode(code.code, { ...at, now: at.now + after })).toMatchObject({ kind });
  });

  test("[S32] its use is dated, and ends it", async () => {
    const at = elsewhere();
    const userId = await insertUser();
    const code = await insertCode(userId, null, at.now);
    await tryCode(code.code, { ...at, now: at.now + 5 });
    expect(await codeNow(userId, code.id)).toMatchObject({ verifiedAt: at.now + 5, expiredAt: at.now + 5 });
    expect((await insertCode(userId, null, at.now + 6)).id).not.toBe(code.id);
  });

  test.each([
    { name: "archived", marks: { archivedAt: 1 } },
    { name: "deleted", marks: { deletedAt: 1 } },
  ])("[S33] the code of a printer that was $name meanwhile is dead", async ({ marks }) => {
    const at = elsewhere();
    const userId = await insertUser();
    const printer = await insertPrinterRow(userId);
    const code = await insertCode(userId, printer.id, at.now);
    await db.update(printers).set(marks).where(eq(printers.id, printer.id));
    expect(await tryCode(code.code, at)).toEqual({ kind: "unknown" });
  });

  test("[S33] a code never reaches a printer of another account", async () => {
    const at = elsewhere();
    const [owner, other] = [await insertUser(), await insertUser()];
    const printer = await insertPrinterRow(owner);
    const code = freshDigits();
    const row = { userId: other, printerId: printer.id, code, createdAt: at.now, expiredAt: at.now + 1 };
    await db.insert(oneTimeVerificationCodes).values(row);
    expect(await tryCode(code, at)).toEqual({ kind: "unknown" });
  });

  test("[S32] the code of a printer tells which one", async () => {
    const at = elsewhere();
    const userId = await insertUser();
    const printer = await insertPrinterRow(userId);
    const code = await insertCode(userId, printer.id, at.now);
    expect(await tryCode(code.code, at)).toMatchObject({
      kind: "used",
      printer: { id: printer.id, uid: printer.uid },
      code: { printerId: printer.id },
    });
  });

  /** A code that was just used. */
  async function usedCode(at: ReturnType<typeof elsewhere>) {
    const userId = await insertUser();
    const code = await insertCode(userId, null, at.now);
    const use = await tryCode(code.code, at);
    if (use.kind !== "used") throw new Error(use.kind);
    return { userId, code, used: use.code };
  }

  const bornIn = (userId: number, maxPrinters = 1) => ({
    ...{ userId, maxPrinters, uid: crypto.randomUUID() },
    configuration: { ...DEFAULT_CONFIGURATION, name: "My Printer" },
  });

  test("[S35] a released code is what it was, and works", async () => {
    const at = elsewhere();
    const { userId, code, used } = await usedCode(at);
    await releaseCode(db, used, at.now);
    expect(await codeNow(userId, code.id)).toEqual(code);
    expect((await tryCode(code.code, at)).kind).toBe("used");
  });

  test("[S32] the printer that a code made is shown with it, and the code makes no second one", async () => {
    const at = elsewhere();
    const { userId, code, used } = await usedCode(at);
    const printer = await insertLinkedPrinter(db, code.id, bornIn(userId), at.now);
    expect(await codeNow(userId, code.id)).toMatchObject({ printerId: printer?.id });
    await releaseCode(db, used, at.now);
    expect(await tryCode(code.code, at)).toMatchObject({ kind: "used", printer: { id: printer?.id } });
  });

  test("[S35] in a full account nothing is made, and the released code is what it was", async () => {
    const at = elsewhere();
    const { userId, code, used } = await usedCode(at);
    await insertPrinterRow(userId);
    expect(await insertLinkedPrinter(db, code.id, bornIn(userId), at.now)).toBeUndefined();
    await releaseCode(db, used, at.now);
    expect(await codeNow(userId, code.id)).toEqual(code);
  });

  test("[S35] a release that comes late takes no other use back", async () => {
    const at = elsewhere();
    const { userId, code, used } = await usedCode(at);
    await releaseCode(db, used, at.now);
    await tryCode(code.code, { ...at, now: at.now + 1 });
    await releaseCode(db, used, at.now);
    expect(await codeNow(userId, code.id)).toMatchObject({ verifiedAt: at.now + 1 });
  });

  test("[S35] a code is not given back when its digits belong to another one by now", async () => {
    const at = elsewhere();
    const { userId, code, used } = await usedCode(at);
    const other = { userId: await insertUser(), printerId: null, digits: code.code };
    expect(await findOrInsertCode(db, other, at.now + REPEAT_MS)).toMatchObject({ kind: "live" });
    await releaseCode(db, used, at.now + REPEAT_MS);
    expect(await codeNow(userId, code.id)).toMatchObject({ verifiedAt: at.now });
  });

  test("[S60] its use may be repeated from its address for two minutes, as the same use, and from no other one", async () => {
    const at = elsewhere();
    const { userId, code, used } = await usedCode(at);
    const last = at.now + REPEAT_MS - 1;
    const repeated = await tryCode(code.code, { ...at, now: last });
    expect(repeated).toMatchObject({ kind: "used", isRepeated: true, code: { id: code.id, verifiedAt: at.now } });
    expect(await codeNow(userId, code.id)).toMatchObject({ verifiedAt: at.now, expiredAt: at.now });
    expect((await tryCode(code.code, { ...elsewhere(), now: last })).kind).toBe("unknown");
    expect((await tryCode(code.code, { ...at, now: at.now + REPEAT_MS })).kind).toBe("unknown");
    expect(used.verifiedAt).toBe(at.now);
  });

  test("[S60] of many uses at once from one address one uses it, the others repeat that, and they make one printer", async () => {
    const at = elsewhere();
    const userId = await insertUser();
    const code = await insertCode(userId, null, at.now);
    const uses = await Promise.all(Array.from({ length: 8 }, () => tryCode(code.code, at)));
    expect(uses.filter((use) => use.kind === "used" && !use.isRepeated)).toHaveLength(1);
    const made = await Promise.all(uses.map(() => insertLinkedPrinter(db, code.id, bornIn(userId, 9), at.now)));
    expect(new Set(made.map((printer) => printer?.id)).size).toBe(1);
    expect(await db.$count(printers, eq(printers.userId, userId))).toBe(1);
  });

  test("[S60] while it may be repeated its digits are given to nobody else", async () => {
    const at = elsewhere();
    const { code } = await usedCode(at);
    const other = { userId: await insertUser(), printerId: null, digits: code.code };
    expect(await findOrInsertCode(db, other, at.now + REPEAT_MS - 1)).toEqual({ kind: "taken" });
    expect(await findOrInsertCode(db, other, at.now + REPEAT_MS)).toMatchObject({ kind: "live" });
  });

  test("[S60] it costs one round trip and no row, and once its printer is gone there is nothing to repeat", async () => {
    const at = elsewhere();
    const { userId, code } = await usedCode(at);
    const made = await insertLinkedPrinter(db, code.id, bornIn(userId), at.now);
    const { database, take } = meter(env.DB);
    const repeat = () => useCode(connect(database), { digits: code.code, source: at.source }, at.now);
    expect(await repeat()).toMatchObject({ kind: "used", printer: { id: made?.id, isMade: true } });
    expect(take()).toEqual({ roundTrips: 1, rowsWritten: 0 });
    await db
      .update(printers)
      .set({ deletedAt: 1 })
      .where(eq(printers.id, made?.id ?? 0));
    expect((await repeat()).kind).toBe("unknown");
  });
});
