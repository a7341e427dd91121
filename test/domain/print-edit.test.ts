import { expect, test } from "vitest";
import { MemoryPrinter } from "../../scripts/chaos/state.ts";

const NOW = 1_790_000_000_000;

function printing(): { bench: MemoryPrinter; printId: number } {
  const bench = new MemoryPrinter(NOW);
  bench.apply({ type: "start-print", filename: "a.gcode", usedExtIds: [] });
  return { bench, printId: bench.printer.state.current?.id ?? 0 };
}

test("[L42] the owner's word about the current print is kept, and told", () => {
  const { bench, printId } = printing();
  const edit = { alertOverwrite: "FAILED", filamentUsedMm: 7 } as const;
  expect(bench.apply({ type: "edit-print", printId, edit })).toEqual({ type: "fact", succeeded: true });
  expect(bench.prints.get(printId)).toMatchObject({ ...edit, printTimeSeconds: null });
  bench.apply({ type: "edit-print", printId, edit: { alertOverwrite: null, printTimeSeconds: 3 } });
  bench.apply({ type: "finish-print", isCancelled: false });
  expect(bench.prints.get(printId)).toMatchObject({ alertOverwrite: null, filamentUsedMm: 7, printTimeSeconds: 3 });
});

test("[L42] statistics never overwrite it", () => {
  const { bench, printId } = printing();
  bench.open();
  bench.apply({ type: "edit-print", printId, edit: { printTimeSeconds: 3 } });
  const progress = { completion: 100, printTime: 99, filamentUsed: 12 };
  const job = { file: { name: "a.gcode" } };
  const status = { _ts: NOW / 1000, state: { text: "Operational", flags: {} }, job, progress };
  bench.hear({ current_print_ts: NOW / 1000, status, event: { event_type: "PrintDone" } });
  expect(bench.prints.get(printId)).toMatchObject({ outcome: "finished", printTimeSeconds: 3, filamentUsedMm: 12 });
});

test("[L42] of another print nothing is taken; of an archived printer's it is", () => {
  const { bench, printId } = printing();
  const edit = { printTimeSeconds: 3 };
  expect(bench.apply({ type: "edit-print", printId: printId + 1, edit })).toEqual({ type: "fact", succeeded: false });
  expect(bench.printer.state.current?.printTimeSeconds).toBeNull();
  bench.apply({ type: "archive" });
  expect(bench.apply({ type: "edit-print", printId, edit })).toEqual({ type: "fact", succeeded: true });
});
