/** Ids that objects make themselves [O5]: each printer's own, and exact as JSON numbers. */
import { expect, test } from "vitest";
import { change, withEvent } from "../../src/domain/change.ts";
import { nextPrintId } from "../../src/domain/frame.ts";
import { newState } from "../support/memory-printer.ts";

/** More printers than D1 could hold rows of. */
const LAST_PRINTER = 80_000_000;

function nextEventId(printerId: number, eventSequence: number): number {
  const printer = { state: newState({ id: printerId, eventSequence }), socket: null, shown: null, settings: null };
  const told = { type: "PRINTER_ERROR", class: "ERROR", title: null, text: null, infoUrl: null } as const;
  const [effect] = withEvent(change(printer), told, null, 0).effects;
  return effect?.type === "project-event" ? effect.event.id : 0;
}

test.each([
  ["prints", nextPrintId, 100_000],
  ["events", nextEventId, 100_000_000],
] as const)("[O5] of %s stay the printer's own, whatever it made before", (_what, nextId, perPrinter) => {
  expect(nextId(7, 0)).toBe(7 * perPrinter + 1);
  expect(nextId(7, 41)).toBe(7 * perPrinter + 42);
  for (const made of [perPrinter - 2, perPrinter - 1, perPrinter, perPrinter * 3]) {
    expect(nextId(7, made)).toBe(8 * perPrinter - 1);
  }
  expect(Number.isSafeInteger(nextId(LAST_PRINTER, perPrinter))).toBe(true);
});
