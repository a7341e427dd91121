/** The way to D1 through outages, refusals, evictions and losses. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { asc, eq } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { commands, printerEvents, prints } from "../../src/db/schema/history.ts";
import { printerLive, printers } from "../../src/db/schema/printers.ts";
import type { CommandCall } from "../../src/printer/rpc.ts";
import { breakDatabase, meterDatabase, watchBatches } from "../support/database.ts";
import { frame, MOONRAKER } from "../support/frames.ts";
import { connectAgent, db, makePrinter, projected, type ScriptedAgent, type TestPrinter } from "../support/printer.ts";

const T = 1_790_000_100;

let heal: () => void = () => {};
let logged = vi.spyOn(console, "error");

beforeEach(() => {
  logged = vi.spyOn(console, "error").mockImplementation(() => {});
});

afterEach(() => {
  heal();
  logged.mockRestore();
  vi.useRealTimers();
});

async function connected(): Promise<{ printer: TestPrinter; agent: ScriptedAgent }> {
  const printer = await makePrinter();
  const agent = await connectAgent(printer);
  await agent.settled();
  await projected(printer.id);
  return { printer, agent };
}

/** A whole print as its agent tells it. */
const PRINT = [
  { ...frame({ ts: T }), ...MOONRAKER },
  frame({ ts: T, text: "Paused", event: "PrintPaused" }),
  frame({ ts: T, text: "Printing", event: "PrintResumed" }),
  frame({ ts: T, text: "Operational", event: "PrintDone" }),
];

/** What D1 shows of a printer. */
async function historyOf({ id }: TestPrinter) {
  const [row] = await db.select().from(printers).where(eq(printers.id, id));
  const ended = await db.select().from(prints).where(eq(prints.printerId, id)).orderBy(asc(prints.id));
  const events = await db
    .select()
    .from(printerEvents)
    .where(eq(printerEvents.printerId, id))
    .orderBy(asc(printerEvents.id));
  return {
    currentPrintId: row?.currentPrintId,
    agentName: row?.agentName,
    prints: ended.map(({ extId, outcome }) => ({ extId, outcome })),
    events: events.map(({ eventType }) => eventType),
  };
}

const WHOLE = {
  currentPrintId: null,
  agentName: "moonraker_obico",
  prints: [{ extId: T, outcome: "finished" }],
  events: ["STARTED", "PAUSED", "RESUMED", "ENDED"],
};

function armedAt(printer: TestPrinter): Promise<number | null> {
  return runInDurableObject(printer.stub, (_instance, state) => state.storage.getAlarm());
}

function waiting(printer: TestPrinter, where = "1"): Promise<number> {
  return runInDurableObject(
    printer.stub,
    (_instance, state) => state.storage.sql.exec(`SELECT 1 FROM outbox WHERE ${where}`).toArray().length,
  );
}

/** A status without a print, with more in it. */
function idle(more: object) {
  const { status, ...rest } = frame({ ts: -1, text: "Operational" });
  return { ...rest, status: { ...(status as object), ...more } };
}

function aPause(patch: Partial<CommandCall> = {}): CommandCall {
  const request = { id: crypto.randomUUID(), kind: "pause", printId: null, file: null, initiator: "api" } as const;
  return { ...request, userId: null, tokenName: "ci", idempotency: null, waitMs: 0, ...patch };
}

describe("an outage", () => {
  test.each([
    ["refusing", true],
    ["forgetful", true],
    ["refusing", false],
  ] as const)(
    "[O9] through a whole print (%s, the object stays: %s): all of it arrives after, once, in order",
    async (outage, stays) => {
      const { printer, agent } = await connected();
      heal = breakDatabase(outage);
      for (const said of PRINT) {
        agent.send(said);
        await agent.settled();
        await runDurableObjectAlarm(printer.stub);
        if (!stays) await evictDurableObject(printer.stub);
      }
      expect(await waiting(printer)).toBeGreaterThan(4);
      heal();
      expect(await runDurableObjectAlarm(printer.stub)).toBe(true);
      expect(await waiting(printer)).toBe(0);
      expect(await historyOf(printer)).toEqual(WHOLE);
    },
  );

  test("[O10] of hours: only the alarm tries, 5 min apart at most, without end", async () => {
    const { printer, agent } = await connected();
    heal = breakDatabase("refusing");
    agent.send(frame({ ts: T }));
    await agent.settled();
    for (let hour = 0; hour < 40; hour++) {
      const at = await armedAt(printer);
      if (at === null) throw new Error("nothing is armed");
      expect(at).toBeLessThanOrEqual(Date.now() + 5 * 60_000);
      vi.useFakeTimers({ toFake: ["Date"], now: at });
      await runDurableObjectAlarm(printer.stub);
    }
    const failures = () => logged.mock.calls.filter(([line]) => String(line).includes("outbox.failed")).length;
    const before = failures();
    expect(before).toBeGreaterThan(10);
    agent.send(frame({ ts: T, text: "Paused" }));
    await agent.settled();
    expect((await printer.stub.configure(printer.uid, { name: "Renamed" })).ok).toBe(true);
    expect(failures()).toBe(before);
    heal();
    await runDurableObjectAlarm(printer.stub);
    expect(await historyOf(printer)).toMatchObject({ prints: [{ extId: T, outcome: null }], events: ["STARTED"] });
  });

  test("[O11] that gives no answer holds no caller longer than a second", async () => {
    const { printer } = await connected();
    heal = breakDatabase("silent");
    const renamed = await printer.stub.configure(printer.uid, { name: "Renamed" });
    expect(renamed).toMatchObject({ ok: true, value: { configuration: { name: "Renamed" } } });
    heal();
    while ((await waiting(printer)) > 0) await runDurableObjectAlarm(printer.stub);
    const [row] = await db.select().from(printers).where(eq(printers.id, printer.id));
    expect(row?.name).toBe("Renamed");
  }, 20_000);
});

describe("a drain", () => {
  test("[O12] is one at a time, whoever asks for it", async () => {
    const { printer, agent } = await connected();
    const { seen, undo } = watchBatches();
    heal = undo;
    for (const said of PRINT) agent.send(said);
    const calls = ["a", "b", "c"].map((name) => printer.stub.configure(printer.uid, { name }));
    await Promise.all([...calls, runDurableObjectAlarm(printer.stub), runDurableObjectAlarm(printer.stub)]);
    await agent.settled();
    await projected(printer.id);
    expect(seen.batches).toBeGreaterThan(1);
    expect(seen.atOnce).toBe(1);
    expect(await historyOf(printer)).toEqual(WHOLE);
    // What was changed while its earlier image was on the way is not lost.
    const [row] = await db.select().from(printers).where(eq(printers.id, printer.id));
    expect(row?.name).toBe("c");
  });

  test("[O13] writes printers before prints before events before commands, in one batch", async () => {
    const { printer, agent } = await connected();
    heal = breakDatabase("refusing");
    await printer.stub.command(printer.uid, aPause({ printId: 1 }));
    for (const said of PRINT) agent.send(said);
    await agent.settled();
    heal();
    const meter = meterDatabase();
    heal = meter.undo;
    await runDurableObjectAlarm(printer.stub);
    const tables = meter.statements.map((statement) => /^(?:update|insert into) "(\w+)"/.exec(statement)?.[1]);
    const events = new Array(4).fill("printer_events");
    expect(tables).toEqual(["printers", "prints", ...events, "commands", "printer_live"]);
    expect(meter.take().roundTrips).toBe(1);
  });

  test("[O14] sets aside the row that D1 refuses for good, and lets the others pass", async () => {
    const { printer, agent } = await connected();
    agent.send(PRINT[0]);
    await agent.settled();
    await projected(printer.id);
    const refused = aPause({ userId: 999_999_999, printId: 1 });
    const other = aPause({ printId: 1 });
    heal = breakDatabase("refusing");
    await printer.stub.command(printer.uid, refused);
    await printer.stub.command(printer.uid, other);
    for (const said of PRINT.slice(1)) agent.send(said);
    await agent.settled();
    heal();
    await runDurableObjectAlarm(printer.stub);
    expect(await historyOf(printer)).toEqual(WHOLE);
    const arrived = await db.select().from(commands).where(eq(commands.printerId, printer.id));
    expect(arrived.map(({ id }) => id)).toEqual([other.id]);
    expect(await waiting(printer, `refused = 1 AND key = 'command:${refused.id}'`)).toBe(1);
    expect(await waiting(printer)).toBe(1);
    expect(logged).toHaveBeenCalledWith(expect.stringMatching(/outbox\.refused.*FOREIGN KEY/));
    const { seen, undo } = watchBatches();
    heal = undo;
    await runDurableObjectAlarm(printer.stub);
    expect(seen.batches).toBe(0);
  });
});

describe("eviction", () => {
  test("[O1] between any two events of a print changes nothing", async () => {
    for (let at = 0; at < PRINT.length; at++) {
      const { printer, agent } = await connected();
      for (const [index, said] of PRINT.entries()) {
        agent.send(said);
        await agent.settled();
        if (index === at) await evictDurableObject(printer.stub);
      }
      await projected(printer.id);
      expect(await historyOf(printer)).toEqual(WHOLE);
    }
  });
});

/** As after a loss of the object's storage; its sockets die with it. */
async function loseStorage(printer: TestPrinter): Promise<void> {
  await runInDurableObject(printer.stub, (_instance, state) => state.storage.deleteAll());
  await evictDurableObject(printer.stub, { webSockets: "close" });
}

describe("an object that lost its storage", () => {
  test("[O24] goes on behind a gap with its print, and is shown as disconnected only since then", async () => {
    const { printer, agent } = await connected();
    agent.send(PRINT[0]);
    await agent.settled();
    await projected(printer.id);
    const [before] = await db.select().from(printers).where(eq(printers.id, printer.id));
    await loseStorage(printer);
    const lost = await printer.stub.view(printer.uid);
    expect(lost).toMatchObject({ ok: true, value: { currentPrint: { extId: T }, presence: { state: "stale" } } });
    expect(lost.ok && JSON.parse(lost.value.status ?? "{}")).toMatchObject({ state: { text: "Printing" } });
    await projected(printer.id);
    const [after] = await db.select().from(printers).where(eq(printers.id, printer.id));
    expect(after).toMatchObject({
      revision: (before?.revision ?? 0) + 1_001,
      printSequence: (before?.printSequence ?? 0) + 1_000,
      eventSequence: (before?.eventSequence ?? 0) + 1_000,
    });
    const back = await connectAgent(printer);
    for (const said of PRINT.slice(1)) back.send(said);
    await back.settled();
    await projected(printer.id);
    expect(await historyOf(printer)).toEqual(WHOLE);
  });

  test("[O24] [A21] keeps what its agent says of itself seldom, here and in D1", async () => {
    const { printer, agent } = await connected();
    const settings = { ...MOONRAKER.settings, webcams: [{ name: "bed" }] };
    agent.send({ settings });
    await agent.settled();
    await projected(printer.id);
    await loseStorage(printer);
    const back = await connectAgent(printer);
    back.send({ settings: { octoprint_version: "1" } });
    await back.settled();
    await projected(printer.id);
    const [row] = await db.select().from(printers).where(eq(printers.id, printer.id));
    expect(JSON.parse(row?.settings ?? "{}")).toEqual({ ...settings, octoprint_version: "1" });
  });

  test("[O25] its later images count, however many changes never touched the printer's own row", async () => {
    const { printer, agent } = await connected();
    agent.send(PRINT[0]);
    await agent.settled();
    await projected(printer.id);
    await runInDurableObject(printer.stub, (_instance, { storage }) => {
      storage.sql.exec("UPDATE printer SET state = json_set(state, '$.revision', 1395)");
    });
    await evictDurableObject(printer.stub);
    const events = ["PrintPaused", "PrintResumed"];
    for (let change = 0; change < 10; change++)
      agent.send(frame({ ts: T, event: events[change % 2] ?? "", at: T + change }));
    await agent.settled();
    await printer.stub.mute(printer.uid, true);
    await projected(printer.id);
    await loseStorage(printer);
    await printer.stub.finishPrint(printer.uid, false);
    await projected(printer.id);
    expect(await historyOf(printer)).toMatchObject({ prints: [{ extId: T, outcome: "finished" }] });
  });
});

describe("D1 restored to an earlier day", () => {
  test("[O27] shows the printer again with its next change", async () => {
    const { printer, agent } = await connected();
    agent.send(PRINT[0]);
    await agent.settled();
    await projected(printer.id);
    await db.delete(prints).where(eq(prints.printerId, printer.id));
    const earlier = { revision: 0, name: "Earlier", currentPrintId: null, agentName: null };
    await db.update(printers).set(earlier).where(eq(printers.id, printer.id));
    for (const said of PRINT.slice(1)) agent.send(said);
    await agent.settled();
    await projected(printer.id);
    expect(await historyOf(printer)).toMatchObject({ ...WHOLE, events: expect.arrayContaining(["ENDED"]) });
  });

  test("[O27] an archived printer that D1 shows otherwise can be taken out again", async () => {
    const { printer } = await connected();
    await db.update(printers).set({ archivedAt: 1, revision: 0 }).where(eq(printers.id, printer.id));
    expect((await printer.stub.unarchive(printer.uid)).ok).toBe(true);
    const [row] = await db.select().from(printers).where(eq(printers.id, printer.id));
    expect(row?.archivedAt).toBeNull();
  });

  test("[O17] [O26] an id that is another printer's now: nothing of the old one is written, and the new one starts clean", async () => {
    const { printer, agent } = await connected();
    agent.send(PRINT[0]);
    await agent.settled();
    await projected(printer.id);
    const successor = { ...printer, uid: crypto.randomUUID().slice(0, 13) };
    await db.delete(prints).where(eq(prints.printerId, printer.id));
    await db.delete(printerEvents).where(eq(printerEvents.printerId, printer.id));
    const born = { uid: successor.uid, revision: 0, printSequence: 0, eventSequence: 0, currentPrintId: null };
    const unconnected = { connectedAt: null, disconnectedAt: null, settings: null, agentName: null };
    await db
      .update(printers)
      .set({ ...born, ...unconnected })
      .where(eq(printers.id, printer.id));
    for (const said of PRINT.slice(1)) agent.send(said);
    await agent.settled();
    await projected(printer.id);
    expect(await historyOf(successor)).toEqual({ currentPrintId: null, agentName: null, prints: [], events: [] });

    heal = breakDatabase("refusing");
    agent.send(frame({ ts: T + 1_000 }));
    await agent.settled();
    heal();
    const view = await successor.stub.view(successor.uid);
    await runDurableObjectAlarm(printer.stub);
    expect(await historyOf(successor)).toMatchObject({ prints: [], events: [] });
    expect(view).toMatchObject({
      ok: true,
      value: { uid: successor.uid, status: null, presence: { state: "offline" } },
    });
    expect(await agent.untilClosed()).toMatchObject({ code: 4404 });
    const newAgent = await connectAgent(successor);
    for (const said of PRINT) newAgent.send(said);
    await newAgent.settled();
    await runDurableObjectAlarm(printer.stub);
    // Sockets of the earlier printer may still be closing: none of their numbers is used again.
    const connections = await runInDurableObject(printer.stub, (_instance, { storage }) =>
      storage.sql.exec("SELECT json_extract(state, '$.connectionSequence') AS newest FROM printer").one(),
    );
    expect(connections).toEqual({ newest: 2 });
    expect(await historyOf(successor)).toEqual(WHOLE);
    expect(await printer.stub.view(printer.uid)).toMatchObject({ ok: false, failure: { code: "not_found" } });
  });
});

describe("a deleted printer", () => {
  test("[O28] stays deleted while D1 still shows it, and after D1 was restored; D1 is told again", async () => {
    const { printer } = await connected();
    heal = breakDatabase("refusing");
    expect((await printer.stub.remove(printer.uid)).ok).toBe(true);
    expect(await printer.stub.view(printer.uid)).toMatchObject({ failure: { code: "not_found" } });
    await evictDurableObject(printer.stub);
    expect(await printer.stub.view(printer.uid)).toMatchObject({ failure: { code: "not_found" } });
    heal();
    await runDurableObjectAlarm(printer.stub);
    await db.update(printers).set({ deletedAt: null, revision: 0 }).where(eq(printers.id, printer.id));
    expect(await printer.stub.view(printer.uid)).toMatchObject({ failure: { code: "not_found" } });
    await projected(printer.id);
    const [row] = await db.select().from(printers).where(eq(printers.id, printer.id));
    expect(row?.deletedAt).not.toBeNull();
  });

  test("[O28] stays deleted when its id went to another printer and came back", async () => {
    const { printer } = await connected();
    await printer.stub.remove(printer.uid);
    const successor = crypto.randomUUID().slice(0, 13);
    const revive = (uid: string) =>
      db.update(printers).set({ uid, deletedAt: null }).where(eq(printers.id, printer.id));
    await revive(successor);
    expect((await printer.stub.view(successor)).ok).toBe(true);
    await revive(printer.uid);
    await evictDurableObject(printer.stub);
    expect(await printer.stub.view(printer.uid)).toMatchObject({ failure: { code: "not_found" } });
    expect(await printer.stub.view(successor)).toMatchObject({ ok: true });
  });
});

test.each([
  ["fails", false],
  ["failed already, and is not to be tried", true],
])(
  "[P64] a straight copy of a status while D1 %s waits, and is the newest when it is written",
  async (_what, isBackedOff) => {
    const { printer, agent } = await connected();
    agent.send(idle({}));
    await agent.settled();
    await projected(printer.id);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
    heal = breakDatabase("refusing");
    if (isBackedOff) {
      agent.send({ ...idle({}), ...MOONRAKER });
      await agent.settled();
      await runDurableObjectAlarm(printer.stub);
    }
    agent.send(idle({ note: "an hour ago" }));
    await agent.settled();
    await runDurableObjectAlarm(printer.stub);
    expect(await waiting(printer, "key = 'live'")).toBe(1);
    agent.send(idle({ note: "now" }));
    vi.setSystemTime(Date.now() + 60_000);
    agent.send(idle({ note: "now" }));
    await agent.settled();
    heal();
    await projected(printer.id);
    const [live] = await db.select().from(printerLive).where(eq(printerLive.printerId, printer.id));
    expect(JSON.parse(live?.status ?? "")).toMatchObject({ note: "now" });
  },
);
