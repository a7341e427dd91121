/**
 * A printer that version 1 of this program left in mid-print, while D1 refused: `fixtures/printer-v1.json` holds each table of
 * its object, its agent's attachment, the rows of D1, and what that program answered then.
 */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { asc, desc, eq } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { commands, printerEvents, prints } from "../../src/db/schema/history.ts";
import { printerLive, printers } from "../../src/db/schema/printers.ts";
import { breakDatabase } from "../support/database.ts";
import { frame } from "../support/frames.ts";
import { connectAgent, db, dial, type ScriptedAgent, type TestPrinter } from "../support/printer.ts";
import version1 from "./fixtures/printer-v1.json" with { type: "json" };

const CURRENT = { ts: 2_208_988_920, name: "third.gcode" };
const REMEMBERED = { ts: 2_208_988_801, name: "first.gcode" };

let heal: () => void = () => {};

beforeEach(() => {
  vi.spyOn(console, "error").mockImplementation(() => {});
});

afterEach(() => {
  heal();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

type Row = Readonly<Record<string, string | number | null>>;
type Stored = typeof version1;

let copies = 0;

/** A copy under ids of its own; those of prints and events begin with the printer's. */
function aCopy(): Stored {
  copies += 1;
  const id = String(version1.view.id + copies);
  const text = JSON.stringify(version1).replaceAll(String(version1.view.id), id);
  return JSON.parse(text.replaceAll("-v1-", `-${id}-`).replaceAll("unsubscribe-v1", `unsubscribe-${id}`));
}

async function insertRows(stored: Stored): Promise<void> {
  for (const [table, rows] of Object.entries(stored.database)) {
    for (const row of rows as Row[]) {
      const names = Object.keys(row);
      const insert = `INSERT INTO ${table} (${names.join(", ")}) VALUES (${names.map(() => "?").join(", ")})`;
      await env.DB.prepare(insert)
        .bind(...Object.values(row))
        .run();
    }
  }
}

/** Puts version 1's rows in the place of whatever this program's object holds, and its attachment on the open socket. */
function store(stored: Stored, ctx: DurableObjectState): void {
  const { sql } = ctx.storage;
  const tables = sql.exec<{ name: string }>(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf*'",
  );
  for (const { name } of tables.toArray()) sql.exec(`DROP TABLE ${name}`);
  for (const { name, sql: definition, rows } of stored.tables) {
    sql.exec(definition);
    for (const row of rows as Row[]) {
      const places = Object.keys(row).map(() => "?");
      sql.exec(`INSERT INTO ${name} VALUES (${places.join(", ")})`, ...Object.values(row));
    }
  }
  const encode = (text: string) => new TextEncoder().encode(text);
  const { head, rest } = stored.attachment;
  ctx.getWebSockets("agent:2")[0]?.serializeAttachment({ head: encode(head), rest: encode(rest) });
}

interface Left {
  readonly stored: Stored;
  readonly printer: TestPrinter;
  /** Its second socket, as in the fixture. */
  readonly agent: ScriptedAgent;
}

/** As the program of version 1 left it, a second later, while D1 still refuses; `change` comes before this program looks. */
async function leftByVersion1(change: (sql: SqlStorage) => void = () => {}): Promise<Left> {
  vi.useFakeTimers({ toFake: ["Date"], now: version1.takenAt + 1_000 });
  const stored = aCopy();
  const { id, uid, userId } = stored.view;
  const printer: TestPrinter = { id, uid, userId, stub: env.PRINTERS.getByName(String(id)) };
  await insertRows(stored);
  const connectedAt = "UPDATE printers SET connected_at = ? WHERE id = ?";
  // Nobody is missed by the first wake of the object whose rows are replaced below.
  await env.DB.prepare(connectedAt).bind(null, id).run();
  await printer.stub.view(uid);
  await env.DB.prepare(connectedAt).bind(stored.database.printers[0]?.connected_at, id).run();
  heal = breakDatabase("refusing");
  await connectAgent(printer);
  const agent = await connectAgent(printer);
  await runInDurableObject(printer.stub, async (_instance, ctx) => {
    store(stored, ctx);
    change(ctx.storage.sql);
    await ctx.storage.deleteAlarm();
  });
  await evictDurableObject(printer.stub);
  return { stored, printer, agent };
}

async function viewOf({ stub, uid }: TestPrinter) {
  const view = await stub.view(uid);
  if (!view.ok) throw new Error(view.failure.code);
  return view.value;
}

/** Keys of what waits for D1. */
function waiting({ stub }: TestPrinter): Promise<string[]> {
  return runInDurableObject(stub, (_instance, { storage }) => {
    const rows = storage.sql.exec<{ key: string }>("SELECT key FROM outbox").toArray();
    return rows.map(({ key }) => key);
  });
}

/** What D1 shows of it. */
async function historyOf({ id }: TestPrinter) {
  const [row] = await db.select().from(printers).where(eq(printers.id, id));
  const [live] = await db.select().from(printerLive).where(eq(printerLive.printerId, id));
  const all = await db.select().from(prints).where(eq(prints.printerId, id)).orderBy(asc(prints.id));
  const events = await db
    .select()
    .from(printerEvents)
    .where(eq(printerEvents.printId, all.at(-1)?.id ?? 0));
  const ended = await db
    .select()
    .from(commands)
    .where(eq(commands.printerId, id))
    .orderBy(desc(commands.createdAt), desc(commands.id));
  return {
    printer: { name: row?.name, currentPrintId: row?.currentPrintId, printSequence: row?.printSequence },
    isPrinting: live?.isPrinting,
    outcomes: all.map(({ outcome }) => outcome),
    events: events.map(({ eventType }) => eventType),
    commands: ended.map((command) => `${command.id.split("-").at(-1)} ${command.state}`),
  };
}

describe("a printer of version 1", () => {
  test("[O60] is shown as it was, and knows its commands, keys, callers and token", async () => {
    const { stored, printer } = await leftByVersion1();
    const { stub, uid, userId } = printer;
    const { presence, ...shown } = stored.view;
    expect(await viewOf(printer)).toMatchObject({ ...shown, isPrinting: false, presence: { state: presence.state } });
    const page = await stub.listCommands(uid, { start: 0, limit: 100 });
    expect(page).toMatchObject({ value: { commands: stored.commands } });
    const by = { initiator: "api", userId, tokenName: "ci", printId: null, file: null, waitMs: 0 } as const;
    const idempotency = { keyHash: "key-v1", requestHash: "request-v1" };
    const again = await stub.command(uid, { id: "again", kind: "pause", ...by, idempotency });
    expect(again).toMatchObject({
      value: { replayed: true, command: { id: `command-${printer.id}-paused`, state: "succeeded" } },
    });
    expect(await stub.vouch("principal-v1")).toMatchObject({ value: { principal: { canWrite: true }, uid } });
    expect(await stub.vouch("revoked-v1")).toMatchObject({ failure: { code: "unavailable" } });
    expect((await dial(printer, 2)).status).toBe(401);
    expect((await dial(printer, 1)).status).toBe(101);
  });

  test("[O59] has its tables taken over as they are, under a number", async () => {
    const { stored, printer } = await leftByVersion1();
    await viewOf(printer);
    const found = await runInDurableObject(printer.stub, (_instance, { storage: { sql } }) => {
      const tables = sql.exec("SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_cf_*'");
      const definitions = tables.toArray().filter(({ name }) => name !== "migration");
      return { definitions, ...sql.exec("SELECT applied FROM migration").one() };
    });
    expect(found).toEqual({ definitions: stored.tables.map(({ name, sql }) => ({ name, sql })), applied: 1 });
  });

  test("[O60] goes on with its agent's next frames, and all of it reaches D1 once that answers", async () => {
    const { printer, agent } = await leftByVersion1();
    agent.send(frame({ ...CURRENT, text: "Paused", event: "PrintPaused" }));
    agent.send(frame({ ...CURRENT, event: "PrintResumed" }));
    agent.send(frame({ ...CURRENT, text: "Operational", event: "PrintDone" }));
    agent.send(frame({ ...REMEMBERED, text: "Operational" }));
    await agent.settled();
    expect(await viewOf(printer)).toMatchObject({ currentPrint: null, presence: { state: "online" } });
    const flown = await printer.stub.findCommand(printer.uid, `command-${printer.id}-flight`);
    expect(flown).toMatchObject({ value: { state: "succeeded" } });
    heal();
    await runDurableObjectAlarm(printer.stub);
    expect(await waiting(printer)).toEqual([`command:command-${printer.id}-refused`]);
    expect(await historyOf(printer)).toEqual({
      printer: { name: "Stored by v1", currentPrintId: null, printSequence: 4 },
      isPrinting: false,
      outcomes: ["finished", "unknown", "unknown", "finished"],
      events: ["STARTED", "ALERT_MUTED", "PAUSED", "RESUMED", "PAUSED", "RESUMED", "ENDED"],
      commands: [
        "rejected rejected",
        "flight succeeded",
        "lost superseded",
        "unknown superseded",
        "resumed succeeded",
        "paused succeeded",
      ],
    });
  });

  test("[O60] whose agent had gone shows the status that was stored", async () => {
    const { printer } = await leftByVersion1((sql) => {
      sql.exec("UPDATE printer SET state = json_set(state, '$.disconnectedAt', ?)", version1.takenAt);
      sql.exec(`UPDATE document SET text = replace(text, 'ing\\":false', 'ing\\":true') WHERE name = 'status'`);
    });
    const { status, ...view } = await viewOf(printer);
    expect(view).toMatchObject({ isPrinting: true, presence: { state: "stale" } });
    expect(JSON.parse(status ?? "{}")).toMatchObject({
      state: { text: "Operational" },
      job: { file: { name: "third.gcode" } },
      file_metadata: { analysis: { estimatedPrintTime: 3600 } },
    });
  });
});
