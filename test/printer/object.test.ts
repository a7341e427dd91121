import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { eq } from "drizzle-orm";
import { describe, expect, test, vi } from "vitest";
import { printerEvents, prints } from "../../src/db/schema/history.ts";
import { printerLive, printers } from "../../src/db/schema/printers.ts";
import type { PrinterObject } from "../../src/printer/object.ts";
import { frame, MOONRAKER } from "../support/frames.ts";
import { connectAgent, db, dial, makePrinter, projected, type TestPrinter } from "../support/printer.ts";

const T = 1_790_000_100;

async function viewOf(printer: TestPrinter) {
  const result = await printer.stub.view(printer.uid);
  if (!result.ok) throw new Error(result.failure.code);
  return result.value;
}

async function rowOf(printer: TestPrinter) {
  const [row] = await db.select().from(printers).where(eq(printers.id, printer.id));
  if (row === undefined) throw new Error("no row");
  return row;
}

describe("an agent's socket", () => {
  test("[A3] is told at once whether anybody looks and whether to watch", async () => {
    const agent = await connectAgent(await makePrinter());
    expect(await agent.next("remote_status")).toEqual({ remote_status: { viewing: false, should_watch: false } });
  });

  test("[A17] [A21] a status is shown verbatim, with settings kept beside it", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    const said = frame({ ts: T });
    agent.send({ ...said, settings: { ...MOONRAKER.settings, a: 1 } });
    agent.send({ settings: { a: 2 } });
    await agent.settled();
    const view = await viewOf(printer);
    expect(JSON.parse(view.status ?? "")).toEqual(said.status);
    expect(JSON.parse(view.settings ?? "")).toEqual({ ...MOONRAKER.settings, a: 2 });
    expect(view).toMatchObject({ agentName: "moonraker_obico", agentVersion: "2.1.4", presence: { state: "online" } });
    expect(view.currentPrint).toMatchObject({ extId: T, filename: "hook.gcode" });
  });

  test("[A5] [P6] the newest one counts: the older is closed with 4409 and its frames change nothing", async () => {
    const printer = await makePrinter();
    const older = await connectAgent(printer);
    const newer = await connectAgent(printer);
    expect(await older.untilClosed()).toMatchObject({ code: 4409 });
    newer.send(frame({ ts: T }));
    await newer.settled();
    expect((await viewOf(printer)).presence.state).toBe("online");
  });

  test("[A2] is refused with 401 for a dead generation, a foreign uid, and an archived or removed printer", async () => {
    const printer = await makePrinter();
    expect((await dial(printer, 2)).status).toBe(401);
    expect((await dial({ ...printer, uid: "another" })).status).toBe(401);
    expect((await printer.stub.archive(printer.uid)).ok).toBe(true);
    expect((await dial(printer)).status).toBe(401);
    expect((await printer.stub.unarchive(printer.uid)).ok).toBe(true);
    await connectAgent(printer);
    expect((await printer.stub.remove(printer.uid)).ok).toBe(true);
    expect((await dial(printer)).status).toBe(401);
    expect((await printer.stub.view(printer.uid)).ok).toBe(false);
  });

  test("[A11] an unreadable frame is answered, and the socket and the state stay", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    agent.send(frame({ ts: T }));
    for (const bad of ["{", "[]", "5", `${"[".repeat(200_000)}`, '{"status":5}']) {
      agent.send(bad);
      expect(await agent.next("error")).toMatchObject({ error: { code: "invalid_frame" } });
    }
    expect((await viewOf(printer)).currentPrint).toMatchObject({ extId: T });
  });

  test.each([
    ["text", "x".repeat(1024 * 1024 + 1)],
    ["binary", new ArrayBuffer(1024 * 1024 + 1)],
  ])("[A9] a %s frame over 1 MiB closes with 1009", async (_kind, tooLarge) => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    agent.send(frame({ ts: T }));
    agent.send(tooLarge);
    expect(await agent.untilClosed()).toMatchObject({ code: 1009 });
    expect((await viewOf(printer)).currentPrint).toMatchObject({ extId: T });
  });

  test("[A8] [P8] bytes are counted and heard like any other frame, and say nothing", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    agent.send(frame({ ts: T }));
    await agent.settled();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 5_000 });
    for (let count = 0; count < 3; count++) agent.send(new ArrayBuffer(8));
    agent.close();
    await agent.untilClosed();
    expect(await viewOf(printer)).toMatchObject({
      currentPrint: { extId: T },
      presence: { lastSeenAt: Date.now() },
    });
    const counts = await runInDurableObject(printer.stub, (_instance: PrinterObject, { storage }) =>
      storage.sql.exec("SELECT json_extract(state, '$.frames.counts') AS counts FROM printer").one(),
    );
    vi.useRealTimers();
    const frames: number[] = JSON.parse(String(counts.counts));
    expect(frames.reduce((sum, count) => sum + count)).toBe(5);
  });

  test("[A8] frames are counted on over a new socket of the same agent", async () => {
    const printer = await makePrinter();
    const first = await connectAgent(printer);
    for (let count = 0; count < 1_500; count++) first.send({});
    await first.settled();
    first.close();
    await first.untilClosed();
    const second = await connectAgent(printer);
    for (let count = 0; count < 1_500; count++) second.send({});
    expect(await second.untilClosed()).toMatchObject({ code: 1008 });
  });

  test("[A8] more than 3000 frames in five minutes close with 1008, a backlog of 1000 passes", async () => {
    const agent = await connectAgent(await makePrinter());
    for (let count = 0; count < 1_000; count++) agent.send({});
    await agent.settled();
    for (let count = 0; count < 2_000; count++) agent.send({});
    expect(await agent.untilClosed()).toMatchObject({ code: 1008 });
  });
});

describe("presence", () => {
  test("[P2] a closed socket makes the printer stale with its last status", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    agent.send(frame({ ts: T }));
    await agent.settled();
    agent.close();
    await agent.untilClosed();
    const view = await viewOf(printer);
    expect(view.presence.state).toBe("stale");
    expect(view.status).not.toBeNull();
    await projected(printer.id);
    expect((await rowOf(printer)).disconnectedAt).not.toBeNull();
  });

  test("[P3] [P4] [P5] {} after a status says that the agent lost its printer, the next status that it is back", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    agent.send({});
    await agent.settled();
    expect((await viewOf(printer)).presence.state).toBe("online");
    agent.send(frame({ ts: T }));
    agent.send({});
    await agent.settled();
    expect(await viewOf(printer)).toMatchObject({
      status: null,
      presence: { state: "unreachable" },
      currentPrint: { extId: T },
    });
    agent.send(frame({ ts: T }));
    await agent.settled();
    expect((await viewOf(printer)).presence.state).toBe("online");
    agent.send(frame({ ts: T, text: "Offline" }));
    await agent.settled();
    const offline = await viewOf(printer);
    expect(offline.presence.state).toBe("unreachable");
    expect(offline.status).toContain("Offline");
    agent.send({});
    await agent.settled();
    expect(await viewOf(printer)).toMatchObject({ status: null, presence: { since: offline.presence.since } });
  });

  test("[P7] sockets that died with the object are noticed, and the list's copy of the status is shown", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    agent.send(frame({ ts: T }));
    await agent.settled();
    await projected(printer.id);
    const { lastSeenAt: told } = await listedOf(printer);
    await evictDurableObject(printer.stub, { webSockets: "close" });
    const view = await viewOf(printer);
    expect(view.presence).toMatchObject({ state: "stale", lastSeenAt: told });
    expect(JSON.parse(view.status ?? "")).toMatchObject({ state: { text: "Printing" } });
    expect(view.currentPrint).toMatchObject({ extId: T });
  });
});

/** The list's copy. */
async function listedOf({ id }: TestPrinter) {
  const [row] = await db.select().from(printerLive).where(eq(printerLive.printerId, id));
  if (row === undefined) throw new Error("no copy");
  return row;
}

describe("eviction between any two events", () => {
  test("[O1] in mid-print loses nothing: the same print, status and settings, over the same socket", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    agent.send({ ...frame({ ts: T }), ...MOONRAKER });
    await agent.settled();
    const before = await viewOf(printer);
    await evictDurableObject(printer.stub);
    expect(await viewOf(printer)).toMatchObject({
      status: before.status,
      settings: before.settings,
      currentPrint: before.currentPrint,
    });
    agent.send(frame({ ts: T, event: "PrintDone", text: "Operational" }));
    await agent.settled();
    await evictDurableObject(printer.stub);
    expect((await viewOf(printer)).currentPrint).toBeNull();
    await projected(printer.id);
    const rows = await db.select().from(prints).where(eq(prints.printerId, printer.id));
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ outcome: "finished", id: before.currentPrint?.id });
    const events = await db.select().from(printerEvents).where(eq(printerEvents.printerId, printer.id));
    expect(events.map((event) => event.eventType)).toEqual(["STARTED", "ENDED"]);
  });

  test("[O4] a status too long for the attachment is kept too", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    const said = frame({ ts: T });
    const status = { ...(said.status as object), odd: "ü".repeat(20_000) };
    agent.send({ ...said, status });
    await agent.settled();
    await evictDurableObject(printer.stub);
    expect(JSON.parse((await viewOf(printer)).status ?? "")).toEqual(status);
  });
});

describe("what a status costs", () => {
  const NOTHING = { storageStatements: 0, transactions: 0, storageRows: 0, statements: 0 };

  /** What the object asked of its storage, the rows that it wrote there, and statements that went to D1, while `act` ran. */
  async function costOf(printer: TestPrinter, act: () => Promise<void>) {
    const cost = { ...NOTHING };
    const undo = await runInDurableObject(printer.stub, (instance: PrinterObject, state) => {
      const sql = state.storage.sql;
      const exec = sql.exec.bind(sql);
      const setAlarm = state.storage.setAlarm.bind(state.storage);
      const transactionSync = state.storage.transactionSync.bind(state.storage);
      const env = Reflect.get(instance, "env") as Env;
      const prepare = env.DB.prepare.bind(env.DB);
      sql.exec = (query: string, ...bindings: unknown[]) => {
        const cursor = exec(query, ...bindings);
        cost.storageStatements += 1;
        cost.storageRows += cursor.rowsWritten;
        return cursor as never;
      };
      state.storage.setAlarm = (...args) => {
        cost.storageRows += 1;
        return setAlarm(...args);
      };
      state.storage.transactionSync = (run) => {
        cost.transactions += 1;
        return transactionSync(run);
      };
      env.DB.prepare = (query) => {
        cost.statements += 1;
        return prepare(query);
      };
      return () => Object.assign(env.DB, { prepare });
    });
    await act();
    await runInDurableObject(printer.stub, () => undo());
    return cost;
  }

  test.each([
    ["in a print", T, T],
    ["without a print", -1, -1],
    ["after a print whose time stamp its agent goes on naming", T, T],
  ])("[O2] one that changes nothing that matters, %s, asks nothing of storage or D1", async (what, begun, ts) => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    const at = Date.now() / 1000 - 2;
    const isOver = what.startsWith("after");
    agent.send({ ...frame({ ts: begun, at }), ...MOONRAKER });
    if (isOver) agent.send(frame({ ts: begun, at: at + 0.001, event: "PrintDone" }));
    agent.send(frame({ ts, at: at + 0.002, temperature: 200 }));
    await agent.settled();
    await projected(printer.id);
    const cost = await costOf(printer, async () => {
      for (let index = 1; index <= 50; index++)
        agent.send(frame({ ts, at: at + index / 100, temperature: 200 + index / 12.5 }));
      await agent.settled();
    });
    expect((await viewOf(printer)).currentPrint === null).toBe(ts === -1 || isOver);
    expect(cost).toEqual(NOTHING);
    expect((await viewOf(printer)).status).toContain('"actual":204');
  });

  test("[O2] {} once a second while Klipper is down costs nothing after the first", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    agent.send(frame({ ts: T }));
    agent.send({});
    await agent.settled();
    await projected(printer.id);
    const cost = await costOf(printer, async () => {
      for (let index = 0; index < 100; index++) agent.send({});
      await agent.settled();
    });
    expect(cost).toEqual(NOTHING);
  });

  test("[A76] a dial costs its two rows, which D1's answer takes out of the outbox, an alarm at most, and one statement of D1", async () => {
    const printer = await makePrinter();
    await connectAgent(printer);
    await projected(printer.id);
    const cost = await costOf(printer, async () => {
      await connectAgent(printer);
      await projected(printer.id);
    });
    expect(cost).toMatchObject({ transactions: 1, statements: 1 });
    expect(cost.storageRows).toBeLessThanOrEqual(5);
  });

  test("[A75] [O2] console lines in a print: none, and the stop goes through", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    agent.send({ ...frame({ ts: T }), ...MOONRAKER });
    await agent.answerOpening();
    await agent.settled();
    await projected(printer.id);
    const cost = await costOf(printer, async () => {
      for (let index = 0; index < 3_001; index++)
        agent.send({ passthru: { terminal_feed: { msg: "ok", _ts: index } } });
      await agent.settled();
    });
    expect(cost).toEqual(NOTHING);
    expect(agent.closed).toBeNull();
    expect((await viewOf(printer)).presence.state).toBe("online");
  });

  test.each([
    ["a new text", { text: "Paused" }, { storageRows: 1, transactions: 0 }],
    ["an event with a new text", { text: "Paused", event: "PrintPaused" }, { storageRows: 3, transactions: 1 }],
  ])("[O64] %s costs its rows in the outbox, and the state's only if that changed", async (_what, said, expected) => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    agent.send({ ...frame({ ts: T }), ...MOONRAKER });
    await agent.settled();
    const cost = await costOf(printer, async () => {
      agent.send(frame({ ts: T, ...said }));
      await agent.settled();
    });
    expect(cost).toMatchObject({ ...expected, statements: 0 });
    // The binding is the next test's, too.
    await projected(printer.id);
  });

  test("[P60] what waits for a minute costs its alarm, however often it changes", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    agent.send({ ...frame({ ts: -1 }), ...MOONRAKER });
    await agent.settled();
    await projected(printer.id);
    // Only the look is armed then.
    await runDurableObjectAlarm(printer.stub);
    const cost = await costOf(printer, async () => {
      for (let index = 1; index <= 50; index++) {
        const { status, ...rest } = frame({ ts: -1 });
        agent.send({ ...rest, status: { ...(status as object), display_status: { message: String(index) } } });
      }
      await agent.settled();
    });
    expect(cost).toEqual({ ...NOTHING, storageRows: 1 });
  });

  test("[O2] a counted change shows that the counter counts", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    await agent.settled();
    await projected(printer.id);
    const cost = await costOf(printer, async () => {
      agent.send(frame({ ts: T }));
      await agent.settled();
      await projected(printer.id);
    });
    expect(cost.storageRows).toBeGreaterThan(0);
    expect(cost.statements).toBeGreaterThan(0);
  });
});

describe("the way to D1", () => {
  test("[O11] a change of configuration is in D1 when its call answers", async () => {
    const printer = await makePrinter();
    const changed = await printer.stub.configure(printer.uid, { name: "Renamed", retractOnPause: 0 });
    expect(changed.ok && changed.value.configuration).toMatchObject({ name: "Renamed", retractOnPause: 0 });
    expect(await rowOf(printer)).toMatchObject({ name: "Renamed", retractOnPause: 0, revision: 1 });
  });

  test("[O9] while D1 refuses, the print goes on and nothing is lost; the alarm brings it after", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    await agent.settled();
    await projected(printer.id);
    const restore = await runInDurableObject(printer.stub, (instance: PrinterObject) => {
      const env = Reflect.get(instance, "env") as Env;
      const batch = env.DB.batch.bind(env.DB);
      env.DB.batch = () => Promise.reject(new Error("D1_ERROR: Network connection lost."));
      return () => Object.assign(env.DB, { batch });
    });
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    agent.send(frame({ ts: T }));
    agent.send(frame({ ts: T, event: "PrintDone", text: "Operational" }));
    await agent.settled();
    expect(await db.select().from(prints).where(eq(prints.printerId, printer.id))).toEqual([]);
    await runDurableObjectAlarm(printer.stub);
    expect(logged).toHaveBeenCalledWith(expect.stringContaining("outbox.failed"));
    logged.mockRestore();
    await runInDurableObject(printer.stub, () => restore());
    expect(await runDurableObjectAlarm(printer.stub)).toBe(true);
    await projected(printer.id);
    const rows = await db.select().from(prints).where(eq(prints.printerId, printer.id));
    expect(rows).toMatchObject([{ outcome: "finished" }]);
    const [live] = await db.select().from(printerLive).where(eq(printerLive.printerId, printer.id));
    expect(live?.status).toContain("Operational");
  });

  test("[O15] two alarms in a row do nothing twice", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    agent.send(frame({ ts: T }));
    await agent.settled();
    await projected(printer.id);
    const before = await rowOf(printer);
    await runDurableObjectAlarm(printer.stub);
    await runDurableObjectAlarm(printer.stub);
    expect(await rowOf(printer)).toEqual(before);
  });
});

describe("an agent's calls", () => {
  test("[S20] [A33] count only with a generation that does, and its events belong to the current print", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    agent.send(frame({ ts: T }));
    await agent.settled();
    const { id: printerId, uid } = printer;
    const credential = { printerId, uid, generation: 1, keyId: "t1" };
    const view = await printer.stub.agentView(credential);
    expect(view).toMatchObject({ ok: true, value: { id: printerId, currentPrint: { extId: T } } });
    const told = {
      type: "FILAMENT_CHANGE",
      class: "WARNING",
      title: "Filament",
      text: "<b>x</b>",
      infoUrl: null,
    } as const;
    expect(await printer.stub.agentEvent(credential, told)).toEqual({ ok: true, value: null });
    await projected(printer.id);
    const [row] = await db.select().from(printerEvents).where(eq(printerEvents.eventType, "FILAMENT_CHANGE"));
    expect(row).toMatchObject({ printerId, printId: view.ok && view.value.currentPrint?.id, eventText: "<b>x</b>" });
    for (const dead of [
      { ...credential, generation: 2 },
      { ...credential, uid: "another" },
    ]) {
      expect(await printer.stub.agentEvent(dead, told)).toMatchObject({
        ok: false,
        failure: { code: "unauthenticated" },
      });
    }
  });

  test("[S22] [S23] a rotated token is dead at once, its socket too; a re-linked one goes on until the new one is used", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    expect((await printer.stub.relink(printer.uid)).ok).toBe(true);
    await connectAgent(printer, 1);
    await connectAgent(printer, 2);
    expect((await dial(printer, 1)).status).toBe(401);
    await agent.untilClosed();
    const newest = await connectAgent(printer, 2);
    expect(await printer.stub.rotateToken(printer.uid)).toMatchObject({ ok: true, value: { generation: 3 } });
    expect(await newest.untilClosed()).toMatchObject({ code: 4404 });
    expect((await dial(printer, 2)).status).toBe(401);
  });
});
