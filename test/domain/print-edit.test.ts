import { expect, test } from "vitest";
import type { CommandKind } from "../../src/domain/command-kind.ts";
import { frame } from "../support/frames.ts";
import { aRequest } from "../support/ledger.ts";
import { MemoryPrinter } from "../support/memory-printer.ts";

const NOW = 1_790_000_000_000;

function printing(): { bench: MemoryPrinter; printId: number } {
  const bench = new MemoryPrinter(NOW);
  bench.apply({ type: "start-print", filename: "a.gcode", usedExtIds: [] });
  return { bench, printId: bench.printer.state.current?.id ?? 0 };
}

test("[L38] the owner's word about the current print is kept, and told", () => {
  const { bench, printId } = printing();
  const edit = { alertOverwrite: "FAILED", filamentUsedMm: 7 } as const;
  expect(bench.apply({ type: "edit-print", printId, edit })).toEqual({ type: "fact", succeeded: true });
  expect(bench.prints.get(printId)).toMatchObject({ ...edit, printTimeSeconds: null });
  bench.apply({ type: "edit-print", printId, edit: { alertOverwrite: null, printTimeSeconds: 3 } });
  bench.apply({ type: "finish-print", isCancelled: false });
  expect(bench.prints.get(printId)).toMatchObject({ alertOverwrite: null, filamentUsedMm: 7, printTimeSeconds: 3 });
});

test("[L38] statistics never overwrite it", () => {
  const { bench, printId } = printing();
  bench.open();
  bench.apply({ type: "edit-print", printId, edit: { printTimeSeconds: 3 } });
  const progress = { completion: 100, printTime: 99, filamentUsed: 12 };
  const job = { file: { name: "a.gcode" } };
  const status = { _ts: NOW / 1000, state: { text: "Operational", flags: {} }, job, progress };
  bench.hear({ current_print_ts: NOW / 1000, status, event: { event_type: "PrintDone" } });
  expect(bench.prints.get(printId)).toMatchObject({ outcome: "finished", printTimeSeconds: 3, filamentUsedMm: 12 });
});

test("[L39] of another print nothing is taken; of an archived printer's it is", () => {
  const { bench, printId } = printing();
  const edit = { printTimeSeconds: 3 };
  expect(bench.apply({ type: "edit-print", printId: printId + 1, edit })).toEqual({ type: "fact", succeeded: false });
  expect(bench.printer.state.current?.printTimeSeconds).toBeNull();
  bench.apply({ type: "archive" });
  expect(bench.apply({ type: "edit-print", printId, edit })).toEqual({ type: "fact", succeeded: true });
});

test("[L40] a deleted print leaves history, goes on until its machine is done, and ends deleted", () => {
  const { bench, printId } = printing();
  bench.open();
  expect(bench.apply({ type: "remove-print", printId })).toEqual({ type: "fact", succeeded: true });
  expect(bench.prints.get(printId)).toMatchObject({ deletedAt: NOW, endedAt: null });
  bench.hear(frame({ ts: NOW / 1000, at: NOW / 1000, name: "a.gcode" }));
  expect(bench.printer.state.current).toMatchObject({ id: printId, deletedAt: NOW });
  bench.hear(frame({ ts: -1, at: NOW / 1000, text: "Operational" }));
  bench.hear(frame({ ts: NOW / 1000, at: NOW / 1000, name: "a.gcode" }));
  expect(bench.printer.state.current).toBeNull();
  expect(bench.prints.get(printId)).toMatchObject({ deletedAt: NOW, outcome: "unknown" });
});

test("[L44] an agent that is idle ends a print that its owner started", () => {
  const { bench, printId } = printing();
  bench.open();
  bench.hear(frame({ ts: -1, at: NOW / 1000, text: "Operational" }));
  expect(bench.prints.get(printId)).toMatchObject({ outcome: "unknown", endedAt: NOW });
});

/** The current print with an alert, as failure detection will leave it. */
function alerted(): MemoryPrinter {
  const { bench } = printing();
  const { state } = bench.printer;
  const current = state.current === null ? null : { ...state.current, alertedAt: NOW };
  bench.printer = { ...bench.printer, state: { ...state, current } };
  return bench;
}

test.each([
  ["cancel", null, "FAILED"],
  ["resume", null, "NOT_FAILED"],
  ["pause", null, null],
  ["cancel", 1, null],
] as const satisfies (readonly [CommandKind, number | null, string | null])[])(
  "[L43] a %s meant for print %j, with nobody there, acknowledges: %j",
  (kind, printId, overwrite) => {
    const bench = alerted();
    bench.apply({ type: "command", command: aRequest(kind, { printId }) });
    const acknowledgedAt = overwrite === null ? null : NOW;
    expect(bench.printer.state.current).toMatchObject({
      alertAcknowledgedAt: acknowledgedAt,
      alertOverwrite: overwrite,
    });
  },
);

test("[L42] without an alert nothing is acknowledged; with one it is, as often as it is asked for", () => {
  const { bench } = printing();
  const acknowledge = { type: "acknowledge", overwrite: "FAILED" } as const;
  expect(bench.apply(acknowledge)).toEqual({ type: "fact", succeeded: true });
  expect(bench.printer.state.current).toMatchObject({ alertAcknowledgedAt: null, alertOverwrite: null });
  const open = alerted();
  open.apply(acknowledge);
  open.now += 5;
  open.apply({ type: "acknowledge", overwrite: null });
  expect(open.printer.state.current).toMatchObject({ alertAcknowledgedAt: NOW + 5, alertOverwrite: null });
});
