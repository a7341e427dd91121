import { runInDurableObject } from "cloudflare:test";
import { asc, eq } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { printerEvents, prints } from "../../src/db/schema.ts";
import moonraker from "../agent-traffic/moonraker-obico-2.1.4.jsonl?raw";
import octoprint from "../agent-traffic/octoprint-obico-2.6.1.jsonl?raw";
import { connectAgent, db, makePrinter, type ScriptedAgent, type TestPrinter } from "../support/printer.ts";

interface RecordedLine {
  readonly t: number;
  readonly from?: string;
  readonly event?: "open" | "closed";
  readonly text?: { current_print_ts?: number; status?: { _ts?: number } };
}

/** The recordings are moved a year ahead of any clock, so that no alarm of theirs lies in the past. */
const SHIFT_S = 365 * 24 * 60 * 60;

function shifted(text: NonNullable<RecordedLine["text"]>) {
  const ts = text.current_print_ts;
  return {
    ...text,
    ...(ts !== undefined && ts > 0 ? { current_print_ts: ts + SHIFT_S } : {}),
    ...(text.status?._ts === undefined ? {} : { status: { ...text.status, _ts: text.status._ts + SHIFT_S } }),
  };
}

/** Speaks the agent's side of a recording through a real socket, the clock following the recorded times. */
async function replay(printer: TestPrinter, recording: string): Promise<void> {
  const lines = recording
    .trim()
    .split("\n")
    .map((line): RecordedLine => JSON.parse(line));
  const gaps = lines.map((line) => (line.text?.status?._ts ?? 0) - line.t);
  const start = Math.max(...gaps) + SHIFT_S;
  let agent: ScriptedAgent | null = null;
  for (const line of lines) {
    vi.setSystemTime((start + line.t) * 1000);
    if (line.event === "open") agent = await connectAgent(printer);
    if (line.event === "closed") await closed(printer, agent);
    if (line.from === "agent" && line.text !== undefined) {
      agent?.send(shifted(line.text));
      await agent?.settled();
    }
  }
}

async function closed(printer: TestPrinter, agent: ScriptedAgent | null): Promise<void> {
  agent?.close();
  await agent?.untilClosed();
  await printer.stub.view(printer.uid);
}

async function historyOf(printer: TestPrinter) {
  await runInDurableObject(printer.stub, async (_instance, state) => {
    while (state.storage.sql.exec("SELECT 1 FROM outbox").toArray().length > 0) await scheduler.wait(1);
  });
  const rows = await db.select().from(prints).where(eq(prints.printerId, printer.id)).orderBy(asc(prints.startedAt));
  const events = await db
    .select()
    .from(printerEvents)
    .where(eq(printerEvents.printerId, printer.id))
    .orderBy(asc(printerEvents.id));
  return rows.map((row) => ({
    ext: row.extId - SHIFT_S - 1_795_400_000,
    outcome: row.outcome,
    told: events
      .filter((event) => event.printId === row.id)
      .map((event) => event.eventType)
      .join(" "),
    seconds: row.endedAt === null ? null : Math.round((row.endedAt - row.startedAt) / 1000),
  }));
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("recordings of the real agents give the prints that they tell of", () => {
  test("[A20] moonraker-obico 2.1.4: seven prints", async () => {
    const printer = await makePrinter();
    await replay(printer, moonraker);
    expect(await historyOf(printer)).toEqual([
      { ext: 69_661, outcome: "cancelled", told: "STARTED PAUSED RESUMED ENDED", seconds: 26 },
      { ext: 69_711, outcome: "finished", told: "STARTED ENDED", seconds: 4 },
      { ext: 69_719, outcome: "failed", told: "STARTED ENDED", seconds: 9 },
      { ext: 69_777, outcome: "finished", told: "STARTED ENDED", seconds: 146 },
      { ext: 69_973, outcome: "unknown", told: "STARTED ENDED", seconds: 1321 },
      { ext: 71_300, outcome: "unknown", told: "STARTED ENDED", seconds: 42 },
      { ext: 71_599, outcome: null, told: "STARTED", seconds: null },
    ]);
  });

  test("[A21] OctoPrint-Obico 2.6.1: five prints", async () => {
    const printer = await makePrinter();
    await replay(printer, octoprint);
    expect(await historyOf(printer)).toEqual([
      { ext: 70_254, outcome: "finished", told: "STARTED ENDED", seconds: 26 },
      { ext: 70_326, outcome: "cancelled", told: "STARTED PAUSED RESUMED PAUSED ENDED", seconds: 35 },
      { ext: 70_461, outcome: "failed", told: "STARTED ENDED", seconds: 54 },
      { ext: 70_530, outcome: "finished", told: "STARTED ENDED", seconds: 0 },
      { ext: 70_542, outcome: "cancelled", told: "STARTED ENDED", seconds: 11 },
    ]);
  });
});
