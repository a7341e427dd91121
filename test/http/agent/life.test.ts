/** The life of a print, told by virtual agents of both dialects to the whole Worker: one row, its outcome, its events. */
import { asc, eq } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Job, makeNamedJob } from "../../../scripts/virtual/job.ts";
import { seededRandom } from "../../../scripts/virtual/random.ts";
import { printerEvents, prints } from "../../../src/db/schema/history.ts";
import { db, projected } from "../../support/printer.ts";
import { ServedAgent } from "../../support/served-agent.ts";

let served: ServedAgent | null = null;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});

afterEach(() => {
  served?.stop();
  vi.useRealTimers();
});

const DIALECTS = ["moonraker", "octoprint"] as const;

function job(seconds: number): Job {
  return { ...makeNamedJob(seededRandom(3), Date.now(), "kitchen/hook.gcode", seconds), nozzleC: 40, bedC: 30 };
}

async function printing(dialect: (typeof DIALECTS)[number], seconds = 400): Promise<ServedAgent> {
  served = await ServedAgent.start(dialect);
  const { agent } = served;
  agent.printer.start(job(seconds));
  await served.runUntil(() => agent.printer.machine.printSeconds > 20);
  return served;
}

const AT_PRINTER = { pause: { kind: "pause", nozzleOff: false, bedOff: false, liftMm: 0 } } as const;

/** History in D1, once the object told all of it. */
async function historyOf({ printerId }: ServedAgent) {
  await projected(printerId);
  const rows = await db.select().from(prints).where(eq(prints.printerId, printerId)).orderBy(asc(prints.id));
  const events = await db
    .select()
    .from(printerEvents)
    .where(eq(printerEvents.printerId, printerId))
    .orderBy(asc(printerEvents.id));
  return rows.map((print) => ({
    print,
    events: events.filter((event) => event.printId === print.id && event.eventType !== "PRINTER_ERROR"),
  }));
}

interface Expected {
  readonly outcome: string | null;
  readonly told: string;
  /** Of the machine's own account, seconds. */
  readonly endedAfter?: number;
}

/** One row, whose times are those of the machine to within the second that an agent needs to look. */
async function expectOnePrint(world: ServedAgent, startedAt: number, expected: Expected): Promise<void> {
  const history = await historyOf(world);
  expect(history).toHaveLength(1);
  const [{ print, events } = { print: null, events: [] }] = history;
  if (print === null) return;
  expect([print.outcome, events.map((event) => event.eventType).join(" ")]).toEqual([expected.outcome, expected.told]);
  expect(print).toMatchObject({ extId: startedAt, filename: "hook.gcode" });
  expect(Math.abs(print.startedAt / 1000 - startedAt)).toBeLessThanOrEqual(3);
  const dates = events.map((event) => event.createdAt);
  expect(dates).toEqual(dates.toSorted((a, b) => a - b));
  expect(dates[0]).toBe(print.startedAt);
  if (print.endedAt === null) return;
  expect(print.endedAt).toBe(print.cancelledAt ?? print.finishedAt);
  expect(print.endedAt).toBeGreaterThanOrEqual(print.startedAt);
  if (expected.endedAfter === undefined) return;
  expect(Math.abs((print.endedAt - print.startedAt) / 1000 - expected.endedAfter)).toBeLessThanOrEqual(4);
}

const untilIdle = (world: ServedAgent) => world.runUntil(() => world.machine.phase === "idle");

describe.each(DIALECTS)("the clock of %s's host", (dialect) => {
  test.each([
    ["an hour behind", -3_600_000],
    ["an hour ahead", 3_600_000],
    ["20 s behind", -20_000],
    ["19 s ahead", 19_000],
  ])("[P16] %s: the print is dated by the server's", async (_title, off) => {
    served = await ServedAgent.start(dialect);
    const world = served;
    world.clock.setBy(off);
    await world.restartAgent();
    await world.run(120);
    world.agent.printer.start(job(100));
    const startedAt = world.now();
    const { startedAt: extId } = world.machine;
    await world.run(50);
    world.agent.printer.order(AT_PRINTER.pause);
    const pausedAt = world.now();
    await world.run(40);
    expect((await world.rest("POST", "resume_print/")).body.succeeded).toBe(true);
    await untilIdle(world);
    const endedAt = world.now();
    await world.run(60);
    const [row, ...others] = await historyOf(world);
    expect([row?.print.outcome, row?.print.extId, others]).toEqual(["finished", extId, []]);
    const dates = new Map(row?.events.map((event) => [event.eventType, event.createdAt]));
    for (const [type, at] of [
      ["STARTED", startedAt],
      ["PAUSED", pausedAt],
      ["ENDED", endedAt],
    ] as const) {
      expect(Math.abs((dates.get(type) ?? 0) - at), type).toBeLessThanOrEqual(4000);
    }
  });

  test.each([-3_600_000, 3_600_000])(
    "[P16] set by %i ms in mid-print: the same print, and no date after now",
    async (by) => {
      const world = await printing(dialect);
      world.clock.setBy(by);
      await world.run(60);
      expect((await world.rest("GET", "")).body).toMatchObject({ status: { state: { text: "Printing" } } });
      world.agent.printer.order(AT_PRINTER.pause);
      await world.run(40);
      expect((await world.rest("POST", "cancel_print/")).body.succeeded).toBe(true);
      await world.run(60);
      const [row, ...others] = await historyOf(world);
      expect([row?.print.outcome, others]).toEqual(["cancelled", []]);
      expect(row?.events.map((event) => event.eventType)).toEqual(["STARTED", "PAUSED", "ENDED"]);
      const dates = row?.events.map((event) => event.createdAt) ?? [];
      expect(dates).toEqual(dates.toSorted((a, b) => a - b));
      expect(Math.max(...dates)).toBeLessThanOrEqual(world.now());
    },
  );
});

describe.each(DIALECTS)("a print of %s", (dialect) => {
  test("[L45] paused for other filament, resumed over REST, done", async () => {
    const world = await printing(dialect);
    const { startedAt } = world.machine;
    world.agent.changeFilament();
    await world.run(40);
    expect((await world.rest("GET", "")).body.status.state.text).toBe("Paused");
    const resumed = await world.rest("POST", "resume_print/");
    expect(resumed.body).toMatchObject({ succeeded: true, command: { kind: "resume" } });
    await untilIdle(world);
    const endedAfter = world.machine.totalSeconds;
    await world.run(60);
    const pause = dialect === "moonraker" ? "PAUSED" : "FILAMENT_CHANGE PAUSED";
    await expectOnePrint(world, startedAt, { outcome: "finished", told: `STARTED ${pause} RESUMED ENDED`, endedAfter });
    expect((await world.rest("GET", "")).body).toMatchObject({ current_print: null, presence: { state: "online" } });
    const [row] = await historyOf(world);
    expect(Math.abs((row?.print.printTime ?? 0) - endedAfter)).toBeLessThanOrEqual(2);
  });

  test("[L45] paused and cancelled over REST", async () => {
    const world = await printing(dialect);
    const { startedAt } = world.machine;
    expect((await world.rest("POST", "pause_print/")).body.succeeded).toBe(true);
    await world.runUntil(() => world.machine.phase === "paused");
    await world.run(10);
    const { body } = await world.rest("POST", "cancel_print/");
    expect(body.succeeded).toBe(true);
    await untilIdle(world);
    const endedAfter = world.machine.totalSeconds;
    await world.run(60);
    await expectOnePrint(world, startedAt, { outcome: "cancelled", told: "STARTED PAUSED ENDED", endedAfter });
    const command = await world.rest("GET", `commands/${body.command.id}/`);
    expect(command.body.state).toBe("succeeded");
  });

  test("[L45] cancelled at the printer", async () => {
    const world = await printing(dialect);
    const { startedAt } = world.machine;
    world.agent.printer.order({ kind: "cancel" });
    await world.run(60);
    await expectOnePrint(world, startedAt, { outcome: "cancelled", told: "STARTED ENDED" });
  });

  test("[L45] failed", async () => {
    const world = await printing(dialect);
    const { startedAt } = world.machine;
    world.agent.printer.order({ kind: "fail", error: "Heater extruder not heating" });
    const endedAfter = world.machine.totalSeconds;
    await world.run(60);
    await expectOnePrint(world, startedAt, { outcome: "failed", told: "STARTED ENDED", endedAfter });
  });

  test("[L47] a power cut: the printer comes back without its print", async () => {
    const world = await printing(dialect);
    const { startedAt } = world.machine;
    world.agent.printer.order({ kind: "reach", reach: "lost" });
    await world.run(5);
    expect((await world.rest("GET", "")).body.presence.state).toBe("unreachable");
    world.agent.printer.order({ kind: "power_cut" });
    await world.run(60);
    world.agent.printer.order({ kind: "reach", reach: "ready" });
    await world.run(60);
    const outcome = dialect === "moonraker" ? "unknown" : "failed";
    await expectOnePrint(world, startedAt, { outcome, told: "STARTED ENDED" });
    expect((await world.rest("GET", "")).body.presence.state).toBe("online");
  });

  test("[L46] [L47] the agent restarted: Moonraker's print goes on, OctoPrint's is gone", async () => {
    const world = await printing(dialect);
    const { startedAt } = world.machine;
    await world.restartAgent();
    await world.run(60);
    if (dialect === "moonraker") await untilIdle(world);
    await world.run(60);
    const outcome = dialect === "moonraker" ? "finished" : "unknown";
    await expectOnePrint(world, startedAt, { outcome, told: "STARTED ENDED" });
  });

  test("[L47] host and printer without power for ten minutes: back without the print, and nobody says how it ended", async () => {
    const world = await printing(dialect);
    const { startedAt } = world.machine;
    await world.cutPower(600);
    await world.run(60);
    await expectOnePrint(world, startedAt, { outcome: "unknown", told: "STARTED ENDED" });
    expect((await world.rest("GET", "")).body).toMatchObject({ current_print: null, presence: { state: "online" } });
  });

  test("[L46] a socket that died on the agent's side only: the new one takes over, the print goes on", async () => {
    const world = await printing(dialect);
    const { startedAt } = world.machine;
    world.breakSocket();
    await world.run(60);
    expect((await world.rest("GET", "")).body.presence.state).toBe("online");
    expect((await world.rest("POST", "cancel_print/")).body.succeeded).toBe(true);
    await world.run(60);
    await expectOnePrint(world, startedAt, { outcome: "cancelled", told: "STARTED ENDED" });
  });

  test("[L46] the server restarted, its sockets gone without a word: the same print goes on", async () => {
    const world = await printing(dialect);
    const { startedAt } = world.machine;
    await world.restartServer();
    expect((await world.rest("GET", "")).body).toMatchObject({
      presence: { state: "stale" },
      status: { state: { text: "Printing" } },
      current_print: { filename: "hook.gcode" },
    });
    await world.run(60);
    expect((await world.rest("GET", "")).body.presence.state).toBe("online");
    await untilIdle(world);
    const endedAfter = world.machine.totalSeconds;
    await world.run(60);
    await expectOnePrint(world, startedAt, { outcome: "finished", told: "STARTED ENDED", endedAfter });
  });

  test("[L48] the server away for 55 s: what happened meanwhile comes in a burst, and is dated as it happened", async () => {
    const world = await printing(dialect);
    const { startedAt } = world.machine;
    await world.cut(true);
    // The first message that finds no server is lost, and blocks the agent for two minutes.
    await world.runUntil(() => !world.agent.link.isOpen);
    await world.run(50);
    world.agent.printer.order(AT_PRINTER.pause);
    const pausedAt = world.now();
    await world.run(5);
    await world.cut(false);
    await world.run(10);
    world.agent.printer.order({ kind: "resume" });
    const resumedAt = world.now();
    await world.run(180);
    await untilIdle(world);
    const endedAfter = world.machine.totalSeconds;
    await world.run(60);
    const told = "STARTED PAUSED RESUMED ENDED";
    await expectOnePrint(world, startedAt, { outcome: "finished", told, endedAfter });
    const [row] = await historyOf(world);
    const dates = row?.events.map((event) => event.createdAt) ?? [];
    expect(Math.abs((dates[1] ?? 0) - pausedAt)).toBeLessThanOrEqual(3000);
    expect(Math.abs((dates[2] ?? 0) - resumedAt)).toBeLessThanOrEqual(3000);
  });

  test("[L48] the server away past the print's end: it ended when it did", async () => {
    const world = await printing(dialect, 120);
    const { startedAt } = world.machine;
    await world.cut(true);
    await untilIdle(world);
    const endedAfter = world.machine.totalSeconds;
    await world.run(30);
    await world.cut(false);
    await world.run(200);
    await expectOnePrint(world, startedAt, { outcome: "finished", told: "STARTED ENDED", endedAfter });
  });
});
