/** Prints that are hard to tell apart, through a real object: what its agents send, and what D1 shows of it. */
import { asc, eq } from "drizzle-orm";
import { expect, test } from "vitest";
import { printerEvents, prints } from "../../src/db/schema/history.ts";
import { frame, type Said } from "../support/frames.ts";
import { connectAgent, db, makePrinter, projected, type ScriptedAgent, type TestPrinter } from "../support/printer.ts";

const T = 1_790_000_100;
/** Of a host that has no clock. */
const TS = 512;

async function say(agent: ScriptedAgent, ...said: Said[]): Promise<void> {
  for (const one of said) agent.send(frame(one));
  await agent.settled();
}

/** As D1 shows it: each print with its events in order. */
async function historyOf({ id }: TestPrinter) {
  await projected(id);
  const rows = await db.select().from(prints).where(eq(prints.printerId, id)).orderBy(asc(prints.id));
  const own = eq(printerEvents.printerId, id);
  const events = await db.select().from(printerEvents).where(own).orderBy(asc(printerEvents.id));
  return rows.map((row) => ({
    ...row,
    told: events
      .filter(({ printId, eventType }) => printId === row.id && eventType !== "PRINTER_ERROR")
      .map(({ eventType, eventTitle }) => (eventType === "ENDED" ? eventTitle : eventType)),
  }));
}

const currentOf = async ({ stub, uid }: TestPrinter) => {
  const view = await stub.view(uid);
  return view.ok ? view.value.currentPrint : null;
};

test("[L50] a time stamp that comes twice is two prints, and the second can be stopped", async () => {
  const printer = await makePrinter();
  const agent = await connectAgent(printer);
  await say(agent, { ts: TS, name: "a.gcode", event: "PrintStarted" });
  await say(agent, { ts: TS, name: "a.gcode", event: "PrintDone", text: "Operational" });
  await say(agent, { ts: -1, text: "Operational" }, { ts: TS, name: "b.gcode", event: "PrintStarted" });
  expect(await currentOf(printer)).toMatchObject({ extId: TS, filename: "b.gcode" });
  await say(agent, { ts: TS, name: "b.gcode", event: "PrintDone", text: "Operational" });
  await say(agent, { ts: TS, name: "b.gcode" }, { ts: TS, name: "c.gcode" });
  expect(await historyOf(printer)).toMatchObject([
    { extId: TS, filename: "a.gcode", outcome: "finished", told: ["STARTED", "Print Job Finished"] },
    { extId: TS, filename: "b.gcode", outcome: "finished", told: ["STARTED", "Print Job Finished"] },
    { extId: TS, filename: "c.gcode", outcome: null, told: ["STARTED"] },
  ]);
});

test("[L52] [L54] [L55] a print without a name begins, and gets the name that comes later", async () => {
  const printer = await makePrinter();
  const agent = await connectAgent(printer);
  await say(agent, { ts: T, name: null, path: "b.gcode" });
  expect(await currentOf(printer)).toMatchObject({ filename: "b.gcode" });
  await say(agent, { ts: T + 900, name: null });
  expect(await currentOf(printer)).toBeNull();
  await say(agent, { ts: T + 900, name: null });
  expect(await currentOf(printer)).toMatchObject({ filename: "Unnamed print" });
  await say(agent, { ts: T + 900, name: "late.gcode" }, { ts: -1, text: "Operational" });
  expect(await historyOf(printer)).toMatchObject([
    { filename: "b.gcode", outcome: "unknown" },
    { filename: "late.gcode", outcome: "unknown", told: ["STARTED", "Print Job Ended"] },
  ]);
});

test("[L53] [L56] [L57] of two agents with one token one prints on: one STARTED, one PAUSED, one ENDED that is true", async () => {
  const printer = await makePrinter();
  await say(await connectAgent(printer), { ts: T, event: "PrintStarted" });
  for (let round = 0; round < 6; round++) {
    await say(await connectAgent(printer), { ts: -1, text: "Operational" });
    if (round > 1) expect(await currentOf(printer)).toMatchObject({ extId: T });
    await say(await connectAgent(printer), { ts: T, text: "Paused", event: "PrintPaused" });
  }
  const agent = await connectAgent(printer);
  await say(agent, { ts: T, event: "PrintDone", text: "Operational" });
  expect(await historyOf(printer)).toMatchObject([
    { outcome: "finished", told: ["STARTED", "Print Job Finished", "PAUSED"] },
  ]);
});

test("[L58] [L59] [O18] OctoPrint's plan is booked as far as it was printed; a late end fills what D1 has not", async () => {
  const printer = await makePrinter();
  const agent = await connectAgent(printer);
  agent.send({ settings: { agent: { name: "octoprint_obico", version: "2.6.1" } } });
  const plan = { filament: 48_211.5, name: "a.gcode" };
  await say(agent, { ...plan, ts: T }, { ...plan, ts: T, event: "PrintCancelling", text: "Cancelling", completion: 2 });
  await say(agent, { ...plan, ts: T, event: "PrintCancelled", text: "Operational", printTime: null });
  await say(agent, { ts: -1, text: "Operational" }, { ...plan, ts: T + 900 }, { ts: -1, text: "Operational" });
  expect(await historyOf(printer)).toMatchObject([
    { outcome: "cancelled", filamentUsed: 964.23, printTime: 60 },
    { outcome: "unknown", filamentUsed: null, printTime: null, told: ["STARTED", "Print Job Ended"] },
  ]);
  await say(agent, { ...plan, ts: T + 900, event: "PrintDone", text: "Operational", completion: 99, printTime: 70 });
  expect((await historyOf(printer))[1]).toMatchObject({
    ...{ outcome: "finished", filamentUsed: 48_211.5, printTime: 70, told: ["STARTED", "Print Job Finished"] },
  });
});
