/** Prints that the object remembers, for late reports that name them. */
import { asc, eq } from "drizzle-orm";
import { expect, test } from "vitest";
import { prints } from "../../src/db/schema/history.ts";
import { frame } from "../support/frames.ts";
import { connectAgent, db, makePrinter, projected } from "../support/printer.ts";

const T = 1_790_000_100;

async function historyAfter(said: readonly Parameters<typeof frame>[0][]) {
  const printer = await makePrinter();
  const agent = await connectAgent(printer);
  for (const one of said) agent.send(frame(one));
  await agent.settled();
  await projected(printer.id);
  const rows = await db.select().from(prints).where(eq(prints.printerId, printer.id)).orderBy(asc(prints.id));
  return rows.map((row) => [row.extId - T, row.outcome]);
}

test("[L18] a re-opened print that ended under a shifted time stamp is not taken for the one that was left off", async () => {
  const history = await historyAfter([
    { ts: T },
    { ts: -1, text: "Operational" },
    { ts: T },
    { ts: T + 7 },
    { ts: T + 7, event: "PrintCancelled" },
    { ts: T + 7, event: "PrintFailed", text: "Operational" },
    { ts: T },
  ]);
  expect(history).toEqual([
    [7, "cancelled"],
    [0, null],
  ]);
});

test("[L13] [L59] a print near an earlier one's time stamp keeps its own: D1 takes both", async () => {
  const history = await historyAfter([
    { ts: T },
    { ts: T, event: "PrintDone", text: "Operational" },
    { ts: T + 7 },
    { ts: T },
    { ts: T + 7, event: "PrintDone", text: "Operational" },
  ]);
  expect(history).toEqual([
    [0, "finished"],
    [7, "finished"],
  ]);
});
