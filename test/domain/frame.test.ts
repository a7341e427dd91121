import { describe, expect, test } from "vitest";
import { frame, type Said } from "../support/frames.ts";
import { aRequest } from "../support/ledger.ts";
import { MemoryPrinter } from "../support/memory-printer.ts";

const T = 1_790_000_100;

/** A printer in a print, whose agent then said this, a second apart. */
function printerThatSaid(...said: readonly Partial<Said>[]): MemoryPrinter {
  const bench = new MemoryPrinter(T * 1000);
  bench.open();
  for (const one of [{}, ...said]) {
    bench.now += 1_000;
    bench.hear(frame({ ts: T, at: bench.now / 1000, ...one }));
  }
  return bench;
}

function stateOfPause(bench: MemoryPrinter) {
  bench.apply({ type: "command", command: aRequest("pause") });
  const told = bench.effects.flatMap((effect) =>
    effect.type === "send-command" || effect.type === "project-command" ? [effect.command] : [],
  );
  return told.at(-1)?.reason ?? told.at(-1)?.state;
}

describe("a pause of a printer that said", () => {
  const pausing = { text: "Pausing", event: "PrintPaused" };
  const paused = { text: "Paused" };
  test.each([
    ["PrintPaused", [pausing], "already_paused"],
    ["Paused once", [paused], "sent"],
    ["Paused twice in a row", [paused, paused], "already_paused"],
    ["Paused, something else, Paused", [paused, { text: "Cancelling" }, paused], "sent"],
    ["PrintPaused, then PrintResumed", [pausing, { ...pausing, event: "PrintResumed" }], "sent"],
    ["PrintPaused, then a PrintResumed from before", [pausing, { ...paused, event: "PrintResumed" }], "already_paused"],
    ["Printing, and a PrintPaused from before", [{ event: "PrintPaused" }], "sent"],
    ["PrintPaused, then Printing", [pausing, {}], "sent"],
    ["PrintPaused, then Resuming", [pausing, { text: "Resuming" }], "sent"],
    ["PrintPaused in a backlog", [{ ...pausing, at: T - 60 }], "sent"],
  ] as const)("[C14] %s", (_said, said, state) => {
    expect(stateOfPause(printerThatSaid(...said))).toBe(state);
  });

  test("[C14] PrintPaused on an earlier socket", () => {
    const bench = printerThatSaid(pausing);
    bench.open();
    expect(stateOfPause(bench)).toBe("sent");
  });
});

test("[L8] a command follows its print to the time stamp of a clock that was set", () => {
  const bench = printerThatSaid();
  bench.apply({ type: "command", command: aRequest("pause") });
  bench.hear(frame({ ts: T + 7, at: bench.now / 1000 }));
  expect(bench.printer.state.ledger).toMatchObject([{ state: "sent", printExtId: T + 7 }]);
  bench.hear(frame({ ts: T + 7, at: bench.now / 1000, text: "Pausing", event: "PrintPaused" }));
  expect(bench.printer.state.ledger).toEqual([]);
  expect(bench.effects.at(-1)).toMatchObject({ type: "project-command", command: { state: "succeeded" } });
});
