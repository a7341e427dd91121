import { describe, expect, test } from "vitest";
import { endPrint, type Outcome, type Print, printByServer } from "../../src/domain/print.ts";
import { movePrint, type PrintContext } from "../../src/domain/print-move.ts";
import type { Report } from "../../src/domain/report.ts";
import { eventTypeOf, failureReasonOf, phaseOf } from "../../src/protocol/words.ts";
import { fc } from "../support/random.ts";

const T = 1_790_000_100;
const NOW = (T + 60) * 1000;

function aPrint(patch: Partial<Print> = {}): Print {
  return { ...printByServer(700_001, T, "hook.gcode", T * 1000), gCodeFileId: 31, ...patch };
}

interface Said {
  readonly ts?: number | null;
  readonly name?: string | null;
  readonly eventName?: string;
  readonly event?: string;
  readonly reason?: string;
  readonly file?: number | null;
  readonly text?: string;
  readonly error?: boolean;
  readonly printTime?: number;
  readonly filament?: number;
  readonly completion?: number;
}

function aReport(said: Said): Report {
  const { ts = T, name = "hook.gcode", event, eventName = null, reason = null, file = 31, text = "Printing" } = said;
  return {
    printExtId: ts,
    event:
      event === undefined ? null : { type: eventTypeOf(event), fileName: eventName, reason: failureReasonOf(reason) },
    status: {
      ts: null,
      text,
      phase: phaseOf(text, null),
      isPrinting: text === "Printing",
      hasError: said.error ?? false,
      isPrinterLost: false,
      fileName: name,
      gCodeFileId: file,
      completion: said.completion ?? null,
      printTimeSeconds: said.printTime ?? null,
      filamentUsedMm: said.filament ?? null,
      parts: { condition: "", moving: "", steady: "", heaters: "", actualsC: [] },
      job: null,
      fileMetadata: null,
      rest: "{}",
    },
    settings: null,
    isBlank: false,
    refusal: null,
  };
}

function move(said: Said, context: Partial<PrintContext> = {}) {
  return movePrint(aReport(said), {
    current: null,
    remembered: null,
    nextId: 700_002,
    date: NOW,
    isLive: true,
    isCancelUnderWay: () => false,
    isRepeated: false,
    isOfOtherAgent: false,
    isFilamentPlanned: false,
    nameless: null,
    told: null,
    ...context,
  });
}

const types = (moved: ReturnType<typeof move>) => moved.happenings.map((happening) => happening.type);

describe("the time stamp decides which print is current", () => {
  const current = aPrint();
  const table: [title: string, said: Said, before: Print | null, after: Partial<Print> | null, events: string[]][] = [
    ["[L1] no time stamp, a print", { ts: null }, current, current, []],
    ["[L1] no time stamp, none", { ts: null }, null, null, []],
    ["[L2] -1, none", { ts: -1 }, null, null, []],
    ["[L2] [L26] -1, a print: ended by force", { ts: -1 }, current, null, ["ENDED"]],
    [
      "[L3] [L26] a new one with a name",
      {},
      null,
      { id: 700_002, extId: T, filename: "hook.gcode", gCodeFileId: 31 },
      ["STARTED"],
    ],
    ["[L3] a name with blanks is trimmed", { name: "  a b  " }, null, { filename: "a b" }, ["STARTED"]],
    [
      "[L3] the event's name before the job's",
      { event: "PrintStarted", eventName: "e.gcode" },
      null,
      { filename: "e.gcode" },
      ["STARTED"],
    ],
    ["[L4] a new one without a name", { name: null }, null, null, []],
    ["[L4] a new one with an empty name", { name: "  " }, null, null, []],
    ["[L5] the same", {}, current, current, []],
    ["[L5] [L6] the same, another file", { file: 32 }, current, { id: current.id, gCodeFileId: 32 }, []],
    ["[L6] the same, its file unknown now", { file: null }, current, { id: current.id, gCodeFileId: null }, []],
    ["[L6] the same, no file in the status at all", { name: null, file: null }, current, { gCodeFileId: 31 }, []],
    ["[L7] 19 s behind, same file: the same print", { ts: T - 19 }, current, { id: current.id, extId: T - 19 }, []],
    [
      "[L7] [L10] 20 s behind, same file: another",
      { ts: T - 20 },
      current,
      { id: 700_002, extId: T - 20 },
      ["ENDED", "STARTED"],
    ],
    ["[L7] 20 s ahead, same file: the same print", { ts: T + 20 }, current, { id: current.id, extId: T + 20 }, []],
    ["[L7] [L10] 21 s ahead, same file: another", { ts: T + 21 }, current, { id: 700_002 }, ["ENDED", "STARTED"]],
    [
      "[L7] [L10] near, another file: another",
      { ts: T + 5, name: "x.gcode" },
      current,
      { id: 700_002 },
      ["ENDED", "STARTED"],
    ],
    ["[L4] [L10] another without a name: only the end", { ts: T + 900, name: null }, current, null, ["ENDED"]],
    [
      "[L9] near, but this one was cancelled",
      { ts: T + 5 },
      aPrint({ cancelledAt: NOW }),
      { id: 700_002 },
      ["ENDED", "STARTED"],
    ],
  ];

  test.each(table)("%s", (_title, said, before, after, events) => {
    const moved = move(said, { current: before });
    if (after === null) expect(moved.current).toBeNull();
    else expect(moved.current).toMatchObject(after);
    expect(types(moved)).toEqual(events);
  });
});

test("[L3] a name that is too long is cut between characters", () => {
  const name = `${"x".repeat(999)}🛠 more`;
  expect(move({ name }).current?.filename).toBe(`${"x".repeat(999)}\ufffd`);
  expect(move({ name, ts: T + 5 }, { current: move({ name }).current }).happenings).toEqual([]);
});

describe("a report about an ended print while another is current", () => {
  const current = aPrint();
  const ended = (outcome: Outcome) => aPrint({ id: 700_000, extId: T - 7, endedAt: NOW - 40_000, outcome });

  test.each(["finished", "cancelled", "failed", "unknown"] as const)(
    "[L12] %s: from a backlog it changes nothing",
    (outcome) => {
      const event = { ts: T - 7, event: outcome === "unknown" ? "PrintPaused" : "PrintDone", file: 99 };
      expect(move(event, { current, remembered: ended(outcome), isLive: false })).toEqual({
        ...{ current, changed: [], happenings: [], ended: null, tookId: false, nameless: null },
      });
    },
  );

  test("[L13] near and live: it is that print's time stamp, not this one's by a clock that was set", () => {
    const moved = move({ ts: T - 7 }, { current, remembered: ended("finished") });
    expect(moved).toMatchObject({ current: null, ended: { extId: T, by: "other-print" } });
    expect(moved.changed).toMatchObject([{ id: current.id, extId: T, outcome: "unknown" }]);
  });
});

test("[L10] a print that another one ends keeps its own file", () => {
  const [ended, begun] = move({ ts: T + 900, file: 32 }, { current: aPrint() }).changed;
  expect([ended?.gCodeFileId, begun?.gCodeFileId]).toEqual([31, 32]);
  const skewed = move({ ts: T + 5, file: 32 }, { current: aPrint() });
  expect(skewed.current).toMatchObject({ id: aPrint().id, extId: T + 5, gCodeFileId: 32 });
});

describe("a late report about a print that ended", () => {
  const ended = (patch: Partial<Print>) => aPrint({ endedAt: NOW - 40_000, ...patch });
  const inferred = ended({ outcome: "unknown", finishedAt: NOW - 40_000 });
  const table: [title: string, remembered: Print, said: Said, isLive: boolean, isReopened: boolean][] = [
    ["[L11] finished by an event", ended({ outcome: "finished" }), {}, true, false],
    ["[L11] cancelled", ended({ outcome: "cancelled" }), {}, true, false],
    ["[L11] failed", ended({ outcome: "failed" }), {}, true, false],
    ["[L14] [L15] inferred, live and printing", inferred, {}, true, true],
    ["[L14] [L15] inferred, live and paused", inferred, { text: "Paused" }, true, true],
    ["[L11] [L14] inferred, live but idle", inferred, { text: "Operational" }, true, false],
    ["[L11] [L14] inferred, from a backlog", inferred, {}, false, false],
    ["[L16] inferred, deleted while it was current", { ...inferred, deletedAt: NOW }, {}, true, false],
    ["[L14] inferred, 24 h ago", { ...inferred, endedAt: NOW - 86_400_000 }, {}, true, true],
    ["[L14] inferred, longer ago", { ...inferred, endedAt: NOW - 86_400_001 }, {}, true, false],
  ];

  test.each(table)("%s", (_title, remembered, said, isLive, isReopened) => {
    const moved = move(said, { remembered, isLive });
    expect(moved.happenings).toEqual([]);
    expect(moved.tookId).toBe(false);
    if (!isReopened) expect(moved.current).toBeNull();
    else expect(moved.current).toEqual({ ...remembered, endedAt: null, finishedAt: null, outcome: null });
  });
});

describe("how a print ends", () => {
  const cancelSeen = aPrint({ cancelledAt: NOW - 5_000 });
  const table: [title: string, before: Print, said: Said, isCancelUnderWay: boolean, outcome: Outcome, by: string][] = [
    ["[L19] [L25] PrintDone", aPrint(), { event: "PrintDone" }, false, "finished", "done"],
    ["[L19] PrintDone beside a cancel", aPrint(), { event: "PrintDone" }, true, "finished", "done"],
    ["[L24] [L25] PrintDone after PrintCancelled", cancelSeen, { event: "PrintDone" }, false, "cancelled", "done"],
    ["[L21] [L25] PrintFailed alone", aPrint(), { event: "PrintFailed" }, false, "failed", "failed"],
    ["[L24] PrintFailed after PrintCancelled", cancelSeen, { event: "PrintFailed" }, false, "cancelled", "failed"],
    ["[L21] PrintFailed, cancel under way", aPrint(), { event: "PrintFailed" }, true, "cancelled", "failed"],
    [
      "[L21] PrintFailed because cancelled",
      aPrint(),
      { event: "PrintFailed", reason: "cancelled" },
      false,
      "cancelled",
      "failed",
    ],
    [
      "[L20] PrintFailed by an error",
      aPrint(),
      { event: "PrintFailed", reason: "error" },
      true,
      "failed",
      "failed-error",
    ],
    ["[L20] PrintFailed, flags.error", aPrint(), { event: "PrintFailed", error: true }, true, "failed", "failed-error"],
    ["[L22] [L25] -1", aPrint(), { ts: -1 }, false, "unknown", "idle"],
    ["[L22] -1, cancel under way", aPrint(), { ts: -1 }, true, "cancelled", "idle"],
    ["[L24] -1 after PrintCancelled", cancelSeen, { ts: -1 }, false, "cancelled", "idle"],
    ["[L22] another print", aPrint(), { ts: T + 900 }, false, "unknown", "other-print"],
    ["[L22] another print, cancel under way", aPrint(), { ts: T + 900 }, true, "cancelled", "other-print"],
  ];

  test.each(table)("%s", (_title, current, said, isCancelUnderWay, outcome, by) => {
    const moved = move(said, { current, isCancelUnderWay: () => isCancelUnderWay });
    const ended = moved.changed.findLast((print) => print.id === current.id);
    expect(ended?.outcome).toBe(outcome);
    expect(moved.ended).toEqual({ extId: T, by });
    expect(ended?.endedAt).toBe(ended?.cancelledAt ?? ended?.finishedAt);
    expect(ended?.finishedAt === null).toBe(ended?.cancelledAt !== null);
    expect(moved.happenings.filter((happening) => happening.type === "ENDED")).toHaveLength(1);
  });

  test("[L23] PrintCancelled dates the cancellation and keeps the print current", () => {
    const moved = move({ event: "PrintCancelled" }, { current: aPrint() });
    expect(moved.current).toMatchObject({ cancelledAt: NOW, endedAt: null, outcome: null });
    expect(moved.happenings).toEqual([]);
  });
});

describe("events of the current print", () => {
  test.each([
    ["PrintPaused", ["PAUSED"]],
    ["PrintResumed", ["RESUMED"]],
    ["FilamentChange", ["FILAMENT_CHANGE"]],
    ["PrinterStateChanged", []],
    ["PrintStarted", []],
  ])("[L27] %s tells %j", (event, told) => {
    expect(types(move({ event }, { current: aPrint() }))).toEqual(told);
  });

  test.each(["PrintPaused", "PrintDone", "PrintCancelled"])("[L29] a repeated %s is taken once", (event) => {
    const moved = move({ event }, { current: aPrint(), isRepeated: true });
    expect(moved).toMatchObject({ current: aPrint(), changed: [], happenings: [] });
  });

  test("[L28] without a print an event changes nothing", () => {
    expect(move({ ts: null, event: "PrintDone" }, {}).changed).toEqual([]);
  });
});

describe("statistics: the first write wins", () => {
  test("[L32] at PrintCancelling, while OctoPrint's progress is still there", () => {
    const cancelling = move({ event: "PrintCancelling", printTime: 62, filament: 14.5 }, { current: aPrint() });
    expect(cancelling.current).toMatchObject({ printTimeSeconds: 62, filamentUsedMm: 14.5 });
    const cancelled = move({ event: "PrintCancelled" }, { current: cancelling.current });
    expect(cancelled.current).toMatchObject({ printTimeSeconds: 62, filamentUsedMm: 14.5 });
  });

  test("[L33] without a print time, the time since the start", () => {
    const moved = move({ event: "PrintDone" }, { current: aPrint() });
    expect(moved.changed.at(-1)).toMatchObject({ printTimeSeconds: 60, filamentUsedMm: null });
  });
});

const saids: fc.Arbitrary<Said> = fc.record({
  ts: fc.constantFrom(null, -1, T, T + 5, T + 900),
  name: fc.constantFrom(null, "hook.gcode", "x.gcode"),
  event: fc.constantFrom("PrintDone", "PrintFailed", "PrintCancelled", "PrintPaused", "PrinterStateChanged"),
  text: fc.constantFrom("Printing", "Paused", "Operational"),
  error: fc.boolean(),
});

test("[L49] whatever is reported: at most one current print, every change is told, no end before its start", () => {
  fc.assert(
    fc.property(fc.array(saids, { maxLength: 40 }), fc.boolean(), (reports, isCancelUnderWay) => {
      const ended = new Map<number, Print>();
      let current: Print | null = null;
      let sequence = 1;
      for (const [index, said] of reports.entries()) {
        const remembered: Print | null = ended.get(said.ts ?? 0) ?? null;
        const moved = move(said, {
          current,
          remembered,
          nextId: 700_000 + sequence,
          date: NOW + index * 1000,
          isCancelUnderWay: () => isCancelUnderWay,
        });
        sequence += moved.tookId ? 1 : 0;
        for (const print of moved.changed) {
          if (print.endedAt === null) continue;
          expect(print.endedAt).toBeGreaterThanOrEqual(print.startedAt);
          expect(print.outcome).not.toBeNull();
          ended.set(print.extId, print);
        }
        if (moved.current !== null) expect(moved.current.endedAt).toBeNull();
        if (current !== moved.current) expect(moved.changed.length).toBeGreaterThan(0);
        current = moved.current;
      }
    }),
  );
});

test("[L37] an end by its owner keeps a cancellation that was seen", () => {
  expect(endPrint(aPrint({ cancelledAt: NOW }), "removed", NOW + 1, false).outcome).toBe("cancelled");
  expect(endPrint(aPrint(), "removed", NOW, true).outcome).toBe("unknown");
  expect(endPrint(aPrint(), "finished-by-server", NOW, false).outcome).toBe("finished");
});
