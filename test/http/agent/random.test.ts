/** Random lives of printers, told to the whole Worker: history never says what the machine did not do, nor anything twice. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { asc, eq } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { makeNamedJob } from "../../../scripts/virtual/job.ts";
import type { Machine } from "../../../scripts/virtual/machine.ts";
import { between, pick, type Random, seededRandom } from "../../../scripts/virtual/random.ts";
import { printerEvents, prints } from "../../../src/db/schema/history.ts";
import type { ShownPrint } from "../../../src/domain/print.ts";
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

/** The machine's own record of its prints: the second of the start, and how each ended. */
interface Account {
  readonly ends: Map<number, "finished" | "cancelled" | "failed" | "lost" | null>;
  /** Prints that the server was asked to cancel: if nobody tells how one ended, that is believed [L22]. */
  readonly asked: Set<number>;
}

const ENDS = { complete: "finished", cancelled: "cancelled", error: "failed" } as const;

function witness(world: ServedAgent, account: Account): void {
  world.agent.printer.onPhase((before: Machine, after: Machine) => {
    if (after.phase === "starting") account.ends.set(after.startedAt, null);
    const isEnd = before.phase !== "idle" && after.phase === "idle";
    if (isEnd) account.ends.set(before.startedAt, after.outcome === null ? "lost" : ENDS[after.outcome]);
  });
}

const HAPPENINGS = [
  ...["start", "start", "start", "start", "pause", "resume", "cancel", "fail", "wait", "wait"],
  ...[
    "rest pause",
    "rest resume",
    "rest cancel",
    "cut",
    "restart server",
    "evict",
    "restart agent",
    "Klipper",
    "power",
  ],
] as const;

async function happen(world: ServedAgent, account: Account, random: Random, name: string): Promise<void> {
  const { printer } = world.agent;
  switch (name) {
    case "start": {
      // An agent that looks once a second does not see a shorter gap.
      await world.run(2);
      const seconds = Math.round(between(random, 5, 90));
      const job = makeNamedJob(random, world.clock.now(), `part_${Math.floor(random() * 3)}.gcode`, seconds);
      printer.start({ ...job, nozzleC: 40, bedC: 30 });
      return;
    }
    case "pause":
      return void printer.order({ kind: "pause", nozzleOff: false, bedOff: false, liftMm: 0 });
    case "resume":
    case "cancel":
      return void printer.order({ kind: name });
    case "fail":
      return void printer.order({ kind: "fail", error: "fault" });
    case "rest pause":
    case "rest resume":
    case "rest cancel": {
      const { status, body } = await world.rest("POST", `${name.slice(5)}_print/`);
      expect(status).toBe(200);
      if (name === "rest cancel" && body.command.print_id !== null) account.asked.add(body.command.print_id);
      return;
    }
    case "cut":
      await world.cut(true);
      await world.run(Math.round(between(random, 1, 200)));
      return world.cut(false);
    case "restart server":
      return world.restartServer();
    case "restart agent":
      if (world.isOctoprint && printer.machine.phase !== "idle") account.ends.set(printer.machine.startedAt, "lost");
      await world.restartAgent();
      return witness(world, account);
    case "Klipper":
      printer.order({ kind: "reach", reach: pick(random, ["shutdown", "lost"] as const) });
      await world.run(Math.round(between(random, 1, 30)));
      return void printer.order({ kind: "reach", reach: "ready" });
    case "power":
      return void printer.order({ kind: "power_cut" });
    case "evict":
      return world.evict();
  }
}

async function live(dialect: "moonraker" | "octoprint", seed: number, isMangled: boolean) {
  const random = seededRandom(seed);
  served = await ServedAgent.start(dialect, seed);
  if (isMangled) served.copies = () => 2;
  const account: Account = { ends: new Map(), asked: new Set() };
  witness(served, account);
  for (let step = 0; step < 25; step++) {
    await happen(served, account, random, pick(random, HAPPENINGS));
    await served.run(Math.round(between(random, 1, 40)));
  }
  // Whatever it missed is told by the next status, after the longest wait for a server.
  await served.run(400);
  return { world: served, account };
}

async function expectTrueHistory(world: ServedAgent, account: Account): Promise<void> {
  const { printerId } = world;
  await projected(printerId);
  const rows = await db.select().from(prints).where(eq(prints.printerId, printerId)).orderBy(asc(prints.id));
  const events = await db.select().from(printerEvents).where(eq(printerEvents.printerId, printerId));
  for (const row of rows) {
    const truth = account.ends.get(row.extId);
    const told = events.filter((event) => event.printId === row.id);
    const count = (type: string) => told.filter((event) => event.eventType === type).length;
    const context = JSON.stringify({ row, truth, told: told.map((event) => event.eventType) });
    expect(truth, context).not.toBeUndefined();
    const isBelieved = row.outcome === "cancelled" && account.asked.has(row.id);
    const isToldByMachine = row.outcome !== null && row.outcome !== "unknown" && truth !== "lost" && !isBelieved;
    if (isToldByMachine) expect(row.outcome, context).toBe(truth);
    if (row.outcome === null) expect(truth, context).toBeNull();
    expect(count("STARTED"), context).toBe(1);
    const isEnd = (title: string | null) => title !== "Print Job Ended";
    const ends = told.filter((event) => event.eventType === "ENDED" && isEnd(event.eventTitle));
    expect(ends.length, context).toBeLessThanOrEqual(1);
    expect(row.endedAt ?? row.startedAt, context).toBeGreaterThanOrEqual(row.startedAt);
    const marks = told.map((event) => `${event.eventType} ${event.createdAt}`);
    expect(new Set(marks).size, context).toBe(marks.length);
  }
  expect(new Set(rows.map((row) => row.extId)).size).toBe(rows.length);
  await expectSameAsObject(world, rows);
}

/** D1 shows exactly the prints that the object saw. */
async function expectSameAsObject(world: ServedAgent, rows: (typeof prints.$inferSelect)[]): Promise<void> {
  const current = (await world.rest("GET", "")).body.current_print;
  expect(rows.filter((row) => row.endedAt === null).map((row) => row.id)).toEqual(current === null ? [] : [current.id]);
  const stub = env.PRINTERS.getByName(String(world.printerId));
  const images = await runInDurableObject(stub, (_instance, state) =>
    state.storage.sql
      .exec<{ image: string }>("SELECT image FROM print ORDER BY id")
      .toArray()
      .map(({ image }): ShownPrint => JSON.parse(image)),
  );
  const ended = rows.filter((row) => row.endedAt !== null);
  const seen = images.filter((image) => image.id !== current?.id);
  const facts = ({
    id,
    extId,
    filename,
    startedAt,
    endedAt,
    finishedAt,
    cancelledAt,
    outcome,
  }: Omit<ShownPrint, "gCodeFileId">) => ({
    ...{ id, extId, filename, startedAt, endedAt, finishedAt, cancelledAt, outcome },
  });
  const asPrint = (row: (typeof rows)[number]) => facts({ ...row, filamentUsedMm: null, printTimeSeconds: null });
  expect(ended.map(asPrint)).toEqual(seen.map(facts));
}

describe.each(["moonraker", "octoprint"] as const)("%s", (dialect) => {
  test.each([1, 2, 3, 4])("[L49] a random life, seed %i", async (seed) => {
    const { world, account } = await live(dialect, seed, false);
    expect(account.ends.size).toBeGreaterThan(0);
    await expectTrueHistory(world, account);
  });

  test.each([5, 6, 7])("[L49] a random life over a network that delivers every frame twice, seed %i", async (seed) => {
    const { world, account } = await live(dialect, seed, true);
    await expectTrueHistory(world, account);
  });
});
