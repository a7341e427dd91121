/** What runs by the clock ([O51] to [O56]): old history and deleted files go, a bounded part at a time. */
import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { describe, expect, test, vi } from "vitest";
import { connect } from "../../src/db/client.ts";
import { deleteGCodeFiles } from "../../src/db/g-code-file-edits.ts";
import { insertCloudFile, insertUpload, listErasable, settleErased } from "../../src/db/g-code-uploads.ts";
import { pruneKeys } from "../../src/db/idempotency.ts";
import { pruneHistory } from "../../src/db/retention.ts";
import { idempotencyKeys } from "../../src/db/schema/accounts.ts";
import { gCodeFiles, gCodeUploads } from "../../src/db/schema/g-code.ts";
import { commands, printerEvents, prints } from "../../src/db/schema/history.ts";
import { oneTimeVerificationCodes } from "../../src/db/schema/linking.ts";
import worker from "../../src/index.ts";
import { runRetention } from "../../src/jobs/retention.ts";
import { db, insertCode, insertPrinterRow, insertUser } from "../support/linking.ts";
import { meter, planOf, scannedTables } from "../support/metered.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const NOW = 1_900_000_000_000;

async function owned() {
  const userId = await insertUser();
  const { id: printerId } = await insertPrinterRow(userId);
  return { userId, printerId };
}

type Owned = Awaited<ReturnType<typeof owned>>;

let sequence = 0;

async function insertEvent({ userId, printerId }: Owned, createdAt: number): Promise<number> {
  sequence += 1;
  const id = printerId * 100_000_000 + sequence;
  await db.insert(printerEvents).values({ id, printerId, userId, eventType: "STARTED", eventClass: "INFO", createdAt });
  return id;
}

async function insertCommand({ printerId }: Owned, createdAt: number, endedAt: number | null): Promise<string> {
  const id = crypto.randomUUID();
  const state = { kind: "pause", state: "succeeded", initiator: "api" } as const;
  await db.insert(commands).values({ id, printerId, revision: 1, ...state, createdAt, expiresAt: createdAt, endedAt });
  return id;
}

/** That many events of one printer, a millisecond apart. */
async function insertEvents({ userId, printerId }: Owned, count: number): Promise<void> {
  await env.DB.prepare(
    `insert into printer_events (id, printer_id, user_id, event_type, event_class, created_at)
     with recursive counted(n) as (select 1 union all select n + 1 from counted where n < ?1)
     select ?2 * 100000000 + 1000000 + n, ?2, ?3, 'STARTED', 'INFO', n from counted`,
  )
    .bind(count, printerId, userId)
    .run();
}

const eventsOf = ({ printerId }: Owned) => db.$count(printerEvents, eq(printerEvents.printerId, printerId));

describe("history", () => {
  test("[O52] events and ended commands go once they are older than the operator keeps; prints stay", async () => {
    const owner = await owned();
    const before = NOW - 180 * DAY;
    await insertEvent(owner, before - 1);
    const keptEvent = await insertEvent(owner, before);
    await insertCommand(owner, before - 1, before + 1);
    const keptCommands = [await insertCommand(owner, before - 1, null), await insertCommand(owner, before, before)];
    const print = { id: owner.printerId * 100_000 + 1, revision: 1, extId: 1, filename: "a", startedAt: 1, endedAt: 2 };
    await db.insert(prints).values({ ...owner, ...print });
    await runRetention(env, NOW);
    const ids = async (rows: Promise<{ id: number | string }[]>) => (await rows).map(({ id }) => id);
    const { printerId } = owner;
    expect(await ids(db.select().from(printerEvents).where(eq(printerEvents.printerId, printerId)))).toEqual([
      keptEvent,
    ]);
    expect((await ids(db.select().from(commands).where(eq(commands.printerId, printerId)))).sort()).toEqual(
      keptCommands.sort(),
    );
    expect(await ids(db.select().from(prints).where(eq(prints.printerId, printerId)))).toEqual([print.id]);
    await runRetention({ ...env, RETENTION_DAYS: "1" } as unknown as Env, NOW); // safe: vars are text
    expect(await eventsOf(owner)).toBe(0);
  });

  test("[O53] a chunk is one round trip, 2,000 rows of each table at most", async () => {
    const owner = await owned();
    await insertEvents(owner, 2500);
    const metered = meter(env.DB);
    expect(await pruneHistory(connect(metered.database), NOW)).toBe(true);
    expect(metered.take().roundTrips).toBe(1);
    expect(await eventsOf(owner)).toBe(500);
    expect(await pruneHistory(db, NOW)).toBe(false);
    expect(await eventsOf(owner)).toBe(0);
  });

  test("[O53] old rows are found printer by printer in their indexes, never by reading the history", async () => {
    const metered = meter(env.DB);
    await pruneHistory(connect(metered.database), 0);
    const steps = await planOf(env.DB, metered.statements);
    const ofHistory = steps.filter((step) => /printer_events|commands/.test(step));
    expect(
      ofHistory.filter((step) => !/^SEARCH .*(_printer_created \(printer_id=\? AND|\((row)?id=\?\))/.test(step)),
    ).toEqual([]);
    expect(ofHistory).toHaveLength(4);
    // A printer costs one small row of an index, whatever its settings hold.
    const others = steps.filter((step) => step.includes("printers"));
    expect(others.map((step) => /^SCAN printers USING COVERING INDEX/.test(step))).toEqual([true, true]);
  });

  test("[O53] one run does fifty chunks at most, the next one goes on", async () => {
    const owner = await owned();
    await insertEvents(owner, 100_500);
    await runRetention(env, NOW);
    expect(await eventsOf(owner)).toBe(500);
    await runRetention(env, NOW);
    expect(await eventsOf(owner)).toBe(0);
  }, 30_000);
});

async function insertFile(userId: number, objectKey = `${userId}/${crypto.randomUUID()}`) {
  await env.GCODE.put(objectKey, "G28\n");
  const names = { filename: "a", parentFolderId: null };
  const { made: file } = await insertCloudFile(db, { userId, ...names, objectKey, numBytes: 4 }, null, NOW);
  if (!file) throw new Error("no file");
  return { id: file.id, objectKey };
}

const isStored = async (key: string) => (await env.GCODE.head(key)) !== null;

async function keyOf(id: number): Promise<string | null | undefined> {
  return (await db.select().from(gCodeFiles).where(eq(gCodeFiles.id, id)))[0]?.objectKey;
}

describe("keys of calls that made something", () => {
  const keysOf = (userId: number) => db.$count(idempotencyKeys, eq(idempotencyKeys.userId, userId));

  /** That many, a millisecond apart, the first of `from`. */
  async function insertKeys(userId: number, count: number, from: number): Promise<void> {
    await env.DB.prepare(
      `insert into idempotency_keys (user_id, key_hash, request_hash, salt, made_id, created_at)
       with recursive counted(n) as (select 0 union all select n + 1 from counted where n + 1 < ?2)
       select ?1, ?3 || n, 'r', 's', 1, ?3 + n from counted`,
    )
      .bind(userId, count, from)
      .run();
  }

  test("[O70] go after a day, and each account's beyond its newest 1,000", async () => {
    const [many, few] = [(await owned()).userId, (await owned()).userId];
    await insertKeys(few, 3, NOW - DAY - 2);
    await insertKeys(many, 2_500, NOW - HOUR);
    await insertKeys(few, 2, NOW - HOUR);
    await runRetention(env, NOW);
    expect([await keysOf(many), await keysOf(few)]).toEqual([1000, 2]);
    const [oldest] = await db
      .select()
      .from(idempotencyKeys)
      .where(eq(idempotencyKeys.userId, many))
      .orderBy(idempotencyKeys.createdAt)
      .limit(1);
    expect(oldest?.createdAt).toBe(NOW - HOUR + 1500);
  });

  test("[O70] a chunk is one round trip, 1,000 rows of each kind at most", async () => {
    const { userId } = await owned();
    await insertKeys(userId, 1_200, NOW - 2 * DAY);
    const metered = meter(env.DB);
    expect(await pruneKeys(connect(metered.database), NOW)).toBe(true);
    expect(metered.take().roundTrips).toBe(1);
    expect(await keysOf(userId)).toBe(200);
    expect(await pruneKeys(db, NOW)).toBe(false);
    expect(await keysOf(userId)).toBe(0);
  });
});

describe("objects in R2", () => {
  test("[O55] of deleted files go an hour later, when whoever was fetching them has them; others stay", async () => {
    const { userId } = await owned();
    const [deleted, kept] = [await insertFile(userId), await insertFile(userId)];
    await deleteGCodeFiles(db, userId, [deleted.id], NOW);
    await runRetention(env, NOW + HOUR);
    expect(await isStored(deleted.objectKey)).toBe(true);
    await runRetention(env, NOW + HOUR + 1);
    expect([await isStored(deleted.objectKey), await keyOf(deleted.id)]).toEqual([false, null]);
    expect([await isStored(kept.objectKey), await keyOf(kept.id)]).toEqual([true, kept.objectKey]);
  });

  test("[O55] of uploads that never ended go a day later", async () => {
    const { userId } = await owned();
    const key = `${userId}/${crypto.randomUUID()}`;
    expect(await insertUpload(db, key, { userId, parentFolderId: null }, NOW)).toBe(true);
    await env.GCODE.put(key, "G28\n");
    await runRetention(env, NOW + DAY);
    expect(await isStored(key)).toBe(true);
    await runRetention(env, NOW + DAY + 1);
    expect(await isStored(key)).toBe(false);
    expect(await db.$count(gCodeUploads, eq(gCodeUploads.objectKey, key))).toBe(0);
  });

  test("[O55] an upload that ended is crossed out with its file's first word", async () => {
    const { userId } = await owned();
    const key = `${userId}/${crypto.randomUUID()}`;
    await insertUpload(db, key, { userId, parentFolderId: null }, NOW);
    await insertFile(userId, key);
    await runRetention(env, NOW + 2 * DAY);
    expect(await isStored(key)).toBe(true);
  });

  test("[O51] an outage is told once, leaves everything for the next run, and holds up nothing else", async () => {
    const { userId } = await owned();
    const { id, objectKey } = await insertFile(userId);
    await deleteGCodeFiles(db, userId, [id], NOW);
    await insertCode(userId, null, NOW - 3 * DAY);
    const lines: string[] = [];
    const errors = vi.spyOn(console, "error").mockImplementation((line) => void lines.push(line));
    const broken = vi.spyOn(env.GCODE, "delete").mockRejectedValue(new Error("delete: internal error (10001)"));
    await runRetention(env, NOW + DAY);
    broken.mockRestore();
    errors.mockRestore();
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { event: "retention.failed", part: "files", error: "Error: delete: internal error (10001)" },
    ]);
    expect(await keyOf(id)).toBe(objectKey);
    expect(await db.$count(oneTimeVerificationCodes, eq(oneTimeVerificationCodes.userId, userId))).toBe(0);
    await runRetention(env, NOW + DAY);
    expect([await isStored(objectKey), await keyOf(id)]).toEqual([false, null]);
  });

  test("[O55] what is to be erased is found in an index of its own", async () => {
    const metered = meter(env.DB);
    const counted = connect(metered.database);
    await listErasable(counted, NOW, 10);
    await settleErased(counted, ["x"]);
    // Uploads under way are few: their table is read whole.
    const scanned = await scannedTables(env.DB, metered.statements);
    expect(scanned.filter((step) => !/g_code_uploads|json_each/.test(step))).toEqual([]);
    const steps = (await planOf(env.DB, metered.statements)).filter((step) => step.includes("g_code_files"));
    expect(steps.every((step) => step.includes("g_code_files_erasable"))).toBe(true);
    expect(steps).toHaveLength(2);
  });
});

test("[O54] the Worker's clock runs it", async () => {
  const owner = await owned();
  await insertEvent(owner, 1);
  await worker.scheduled(createScheduledController({ cron: "17 * * * *" }), env);
  expect(await eventsOf(owner)).toBe(0);
});
