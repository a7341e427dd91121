import { describe, expect, test } from "vitest";
import { tellPrintEvent } from "../../src/domain/events.ts";
import { frame, type Said } from "../support/frames.ts";
import { aRequest } from "../support/ledger.ts";
import { MemoryPrinter } from "../support/memory-printer.ts";
import { fc } from "../support/random.ts";

const T = 1_790_000_100;
const START = T * 1000;

type Step = Said | "blank" | "open" | "close" | { readonly wait: number };

/** Tells the steps one second apart, each report dated when it is told unless it says otherwise. */
function tell(steps: readonly Step[], printer = new MemoryPrinter(START)): MemoryPrinter {
  if (printer.printer.socket === null) printer.open();
  for (const step of steps) {
    printer.now += 1_000;
    if (step === "open") printer.open();
    else if (step === "close") printer.close();
    else if (step === "blank") printer.hear({});
    else if ("wait" in step) printer.now += step.wait * 1000;
    else printer.hear(frame({ at: printer.now / 1000, ...step }));
  }
  return printer;
}

function historyOf(printer: MemoryPrinter) {
  return [...printer.prints.values()].map((print) => [
    print.extId - T,
    print.outcome,
    ...printer.events.filter((event) => event.printId === print.id).map((event) => event.type),
  ]);
}

describe("the life of a print, by dialect", () => {
  const cancelled = [
    { ts: T, text: "Cancelling", event: "PrintCancelled" },
    { ts: T, text: "Operational" },
    { ts: T, text: "Operational", event: "PrintFailed" },
    { ts: -1, text: "Operational" },
  ];
  const table: [title: string, steps: Step[], history: unknown[][]][] = [
    [
      "[L45] Moonraker: started, paused at the printer, resumed, done, -1 half a minute later",
      [
        { ts: T, event: "PrintStarted" },
        { ts: T, event: "PrintPaused", text: "Paused" },
        { ts: T, event: "PrintResumed" },
        { ts: T, event: "PrintDone", text: "Operational" },
        { wait: 29 },
        { ts: -1, text: "Operational" },
      ],
      [[0, "finished", "STARTED", "PAUSED", "RESUMED", "ENDED"]],
    ],
    [
      "[L45] Moonraker: PrintFailed half a second after PrintCancelled, idle between",
      [{ ts: T }, ...cancelled],
      [[0, "cancelled", "STARTED", "ENDED"]],
    ],
    [
      "[L45] OctoPrint: flags.printing with -1 before the start is no print",
      [
        { ts: -1, text: "Starting", event: "PrinterStateChanged" },
        { ts: T, event: "PrintStarted" },
        { ts: T, text: "Finishing", event: "PrintDone" },
        { ts: -1, text: "Operational", event: "PrinterStateChanged" },
      ],
      [[0, "finished", "STARTED", "ENDED"]],
    ],
    [
      "[L45] OctoPrint: cancelled, with the status running ahead of its events",
      [
        { ts: T, event: "PrintStarted" },
        { ts: T, text: "Cancelling", event: "PrintCancelling" },
        { ts: T, text: "Cancelling", event: "PrinterStateChanged" },
        { ts: T, text: "Operational", event: "PrintCancelled", reason: "cancelled", printTime: null },
        { ts: T, text: "Operational" },
        { ts: T, text: "Operational", event: "PrintFailed", reason: "cancelled", printTime: null },
        { ts: -1, text: "Operational", event: "PrinterStateChanged" },
      ],
      [[0, "cancelled", "STARTED", "ENDED"]],
    ],
    [
      "[L45] OctoPrint: over before its start was told",
      [
        { ts: -1, text: "Printing", event: "PrinterStateChanged" },
        { ts: T, text: "Finishing", event: "PrintStarted" },
        { ts: T, text: "Finishing", event: "PrintDone" },
        { ts: -1, text: "Operational", event: "PrinterStateChanged" },
      ],
      [[0, "finished", "STARTED", "ENDED"]],
    ],
    [
      "[L45] Moonraker: the started event was lost with its file's record",
      [{ ts: -1, text: "Operational" }, { wait: 28 }, { ts: T }, { ts: T, event: "PrintDone", text: "Operational" }],
      [[0, "finished", "STARTED", "ENDED"]],
    ],
    [
      "[L45] Moonraker: a pause while idle",
      [
        { ts: -1, text: "Pausing" },
        { ts: -1, text: "Paused" },
        { ts: -1, text: "Printing" },
      ],
      [],
    ],
    [
      "[L11] [L45] Moonraker: the new job is not in its history yet, and the one before is named",
      [
        { ts: T, event: "PrintStarted" },
        { ts: T, event: "PrintDone", text: "Operational" },
        { wait: 60 },
        { ts: T, event: "PrintStarted" },
        { ts: T + 62 },
      ],
      [
        [0, "finished", "STARTED", "ENDED"],
        [62, null, "STARTED"],
      ],
    ],
    [
      "[L45] Moonraker: failed alone, and the same file again within the skew",
      [
        { ts: T, event: "PrintStarted" },
        { ts: T, event: "PrintFailed", text: "Operational", error: true },
        { ts: T + 9, event: "PrintStarted" },
      ],
      [
        [0, "failed", "STARTED", "ENDED"],
        [9, null, "STARTED"],
      ],
    ],
    [
      "[L28] an event without a time stamp",
      [{ ts: T }, { ts: null, event: "PrintDone", text: "Operational" }, { ts: T, event: "PrintPaused" }],
      [[0, null, "STARTED", "PAUSED"]],
    ],
    [
      "[L47] Klipper shut down for five minutes, {} once a second, then idle",
      [{ ts: T }, ...Array<Step>(300).fill("blank"), { ts: -1, text: "Operational" }],
      [[0, "unknown", "STARTED", "ENDED"]],
    ],
    [
      "[L48] server away until the print was over and another began: both are told late",
      [
        { ts: T },
        "close",
        { wait: 1200 },
        "open",
        { ts: T, at: T + 300, event: "PrintDone", text: "Operational" },
        { ts: -1, at: T + 330, text: "Operational" },
        { ts: T + 600, at: T + 601, event: "PrintStarted" },
        { ts: T + 600 },
      ],
      [
        [0, "finished", "STARTED", "ENDED"],
        [600, null, "STARTED"],
      ],
    ],
    [
      "[L22] the queue was full: only the time stamps tell",
      [{ ts: T }, "close", { wait: 9000 }, "open", { ts: T, at: T + 60 }, { ts: T + 7000 }],
      [
        [0, "unknown", "STARTED", "ENDED"],
        [7000, null, "STARTED"],
      ],
    ],
    [
      "[L47] OctoPrint: printer lost in mid-print",
      [
        { ts: T, event: "PrintStarted" },
        { ts: T, text: "Offline", name: null, event: "PrinterStateChanged" },
        { ts: T, text: "Offline", name: null, event: "PrintFailed", reason: "error" },
        { ts: -1, text: "Operational", name: null },
      ],
      [[0, "failed", "STARTED", "ENDED"]],
    ],
    [
      "[L46] Klipper gone and back, still printing",
      [{ ts: T }, "blank", "blank", { wait: 300 }, { ts: T }],
      [[0, null, "STARTED"]],
    ],
    [
      "[L47] Klipper gone and back, idle: nobody said how it ended",
      [{ ts: T }, "blank", { ts: -1, text: "Operational" }],
      [[0, "unknown", "STARTED", "ENDED"]],
    ],
    [
      "[L14] [L15] power cut, then the same print goes on",
      [{ ts: T }, "close", { wait: 600 }, "open", { ts: -1, text: "Operational" }, { ts: T }],
      [[0, null, "STARTED", "ENDED"]],
    ],
    [
      "[L46] agent restarted in mid-print (Moonraker): the same time stamp",
      [{ ts: T }, "close", "open", "blank", { wait: 32 }, { ts: T }],
      [[0, null, "STARTED"]],
    ],
    [
      "[L47] agent restarted in mid-print (OctoPrint): -1",
      [{ ts: T }, "close", "open", { ts: -1, text: "Operational" }],
      [[0, "unknown", "STARTED", "ENDED"]],
    ],
    [
      "[L48] server away for 55 s: the backlog's events come late and in order",
      [
        { ts: T },
        "close",
        { wait: 145 },
        "open",
        { ts: T, at: T + 20, event: "PrintPaused", text: "Paused" },
        { ts: T, at: T + 60, event: "PrintResumed" },
        { ts: T },
      ],
      [[0, null, "STARTED", "PAUSED", "RESUMED"]],
    ],
    [
      "[L7] two PrintStarted in a row, some seconds apart: one print",
      [
        { ts: T, event: "PrintStarted" },
        { ts: T + 7, event: "PrintStarted" },
      ],
      [[7, null, "STARTED"]],
    ],
    [
      "[L29] the same report twice: one event",
      [
        { ts: T, at: T, event: "PrintPaused" },
        { ts: T, at: T, event: "PrintPaused" },
      ],
      [[0, null, "STARTED", "PAUSED"]],
    ],
    [
      "[L11] a late report after the end begins nothing",
      [{ ts: T }, { ts: T, event: "PrintDone" }, { ts: T }, { wait: 60 }, { ts: T }],
      [[0, "finished", "STARTED", "ENDED"]],
    ],
    [
      "[P16] clock set back by an hour in mid-print",
      [{ ts: T }, { ts: T, at: T - 3600 }, { ts: T, at: T - 3590, event: "PrintDone" }],
      [[0, "finished", "STARTED", "ENDED"]],
    ],
    ["[L7] a clock set by -20 and +19 s", [{ ts: T }, { ts: T + 20 }, { ts: T + 1 }], [[1, null, "STARTED"]]],
    [
      "[L10] another file right after",
      [{ ts: T }, { ts: T + 900, name: "b.gcode" }],
      [
        [0, "unknown", "STARTED", "ENDED"],
        [900, null, "STARTED"],
      ],
    ],
  ];

  test.each(table)("%s", (_title, steps, history) => {
    expect(historyOf(tell(steps))).toEqual(history);
  });
});

test("[L48] [P15] late events are dated by the agent's clock, never before the print's earlier date", () => {
  const printer = tell([
    { ts: T },
    "close",
    { wait: 145 },
    "open",
    { ts: T, at: T + 20, event: "PrintPaused" },
    { ts: T, at: T - 900, event: "PrintResumed" },
  ]);
  expect(printer.events.map((event) => (event.createdAt - START) / 1000)).toEqual([1, 20, 20]);
});

test("[L32] statistics of a cancelled OctoPrint print come from before its progress was cleared", () => {
  const printer = tell([
    { ts: T, event: "PrintStarted" },
    { ts: T, text: "Cancelling", event: "PrintCancelling", printTime: 312 },
    { ts: T, text: "Cancelling", event: "PrintCancelled", reason: "cancelled", printTime: null },
    { ts: T, text: "Operational", event: "PrintFailed", reason: "cancelled", printTime: null },
  ]);
  expect([...printer.prints.values()]).toMatchObject([{ outcome: "cancelled", printTimeSeconds: 312 }]);
});

test("[P28] {} once a second changes nothing after the first", () => {
  const printer = tell([{ ts: T }, "blank"]);
  const { state } = printer.printer;
  tell(Array<Step>(100).fill("blank"), printer);
  expect(printer.printer.state).toBe(state);
});

test("[P28] a status that changes nothing that matters keeps the state and asks for nothing", () => {
  const printer = tell([{ ts: T }]);
  printer.answer();
  const { state } = printer.printer;
  const asked = printer.effects.length;
  tell(
    Array.from({ length: 50 }, (_, index) => ({ ts: T, temperature: 200 + index })),
    printer,
  );
  expect(printer.printer.state).toBe(state);
  expect(printer.effects.slice(asked)).toEqual([]);
});

test.each([
  [{ name: "moonraker_obico", version: "2.1.4" }, "moonraker_obico", "2.1.4"],
  [{ name: `a\0${"🛠".repeat(40)}`, version: "x".repeat(65) }, `a${"🛠".repeat(31)}\ufffd`, "x".repeat(64)],
  [{ name: "", version: 5 }, "before", "1"],
  ["moonraker_obico", "before", "1"],
  [null, "before", "1"],
])("[A24] an agent that says it is %j", (agent, name, version) => {
  const printer = tell([{ ts: T }]);
  printer.hear({ settings: { agent: { name: "before", version: "1" } } });
  printer.hear({ settings: { agent } });
  expect([printer.printer.state.agentName, printer.printer.state.agentVersion]).toEqual([name, version]);
});

test("[A47] an agent whose name means more to this program than to an earlier one is known by its next settings", () => {
  const printer = new MemoryPrinter(START);
  const settings = { agent: { name: "moonraker_obico", version: "2.1.4" } };
  printer.open();
  printer.hear({ settings });
  printer.printer = { ...printer.printer, state: { ...printer.printer.state, dialect: "other" } };
  printer.hear({ settings });
  expect(printer.printer.state.dialect).toBe("moonraker");
});

test.each([
  ["{}", {}],
  ["a tunnel's", new ArrayBuffer(5)],
  ["an answer", { passthru: { ref: "1", ret: null } }],
  ["a passthru of a wrong type", { passthru: "feed" }],
  ["console lines beside a report", { passthru: { terminal_feed: { msg: "ok" } }, current_print_ts: T }],
])("[A8] frames that are no chatter count, 3000 in five minutes: %s", (_title, said) => {
  const printer = tell([{ ts: T }]);
  for (let count = 1; count < 3_000; count++) printer.hear(said);
  expect(printer.printer.socket).not.toBeNull();
  printer.hear(said);
  expect(printer.printer.socket).toBeNull();
  expect(printer.effects.find((effect) => effect.type === "close-agent")).toMatchObject({ cause: "flooding" });
  const slow = tell([{ ts: T }]);
  for (let count = 1; count < 6_000; count++) {
    slow.now += 104;
    slow.hear(said);
  }
  expect(slow.printer.socket).not.toBeNull();
});

const LINE = { passthru: { terminal_feed: { msg: "// ok", _ts: 1 } } };

describe("chatter", () => {
  const faults = (printer: MemoryPrinter) => printer.effects.filter(({ type }) => type === "send-fault");

  test.each([
    ["console lines", LINE],
    ["events of the printer", { passthru: { printer_event: { event_text: "!! Must home axis first" } } }],
    ["a call of nobody", { passthru: { ref: null, ret: 1 } }],
    ["signalling", { janus: "{}" }],
    ["both", { ...LINE, janus: "{}" }],
  ])("[A75] closes no socket, however much comes, and what is over its bound is told once: %s", (_title, said) => {
    const printer = tell([{ ts: T }]);
    for (let count = 0; count < 30_000; count++) printer.hear(said);
    expect(faults(printer)).toEqual([]);
    for (let count = 0; count < 5_000; count++) printer.hear(said);
    expect(faults(printer)).toMatchObject([{ code: "throttled" }]);
    expect(printer.printer.socket).toMatchObject({ lastFrameAt: printer.now });
    // Reports and answers count on their own.
    for (let count = 1; count < 3_000; count++) printer.hear({ passthru: { ref: "1" } });
    expect(printer.printer.socket).not.toBeNull();
    printer.hear({});
    expect(printer.printer.socket).toBeNull();
  });

  test("[A75] closes no socket that comes after one that was closed for its reports", () => {
    const printer = tell([{ ts: T }]);
    for (let count = 1; count <= 3_000; count++) printer.hear({});
    expect(printer.printer.socket).toBeNull();
    printer.open();
    printer.hear(LINE);
    expect(printer.printer.socket).not.toBeNull();
    printer.hear({});
    expect(printer.printer.socket).toBeNull();
  });

  test("[A75] beyond its bound says nothing, and counts again once five minutes have passed", () => {
    const refusal = { passthru: { printer_event: { event_text: "!! Must home axis first" } } };
    const refusedAt = (isFlooded: boolean, waitMs: number) => {
      const printer = tell([{ ts: T }]);
      for (let count = 0; isFlooded && count < 30_000; count++) printer.hear(LINE);
      printer.now += waitMs;
      printer.apply({ type: "command", command: aRequest("pause") });
      printer.hear(refusal);
      return printer.printer.state.threads.refusedAt;
    };
    expect(refusedAt(false, 0)).not.toBeNull();
    expect(refusedAt(true, 0)).toBeNull();
    expect(refusedAt(true, 300_000)).not.toBeNull();
  });
});

test("[A4] three replacements within two minutes are told once an hour", () => {
  const printer = tell(["open", "open", "open", "open", { wait: 3_590 }, "open", "open", "open"]);
  expect(printer.events.map((event) => event.title)).toEqual(["Two agents use this printer's token"]);
  tell([{ wait: 30 }, "open", "open", "open"], printer);
  expect(printer.events).toHaveLength(2);
});

describe("a silent agent", () => {
  test("[A7] [P17] [P18] is probed after two minutes, and disconnected at its last frame when it does not answer", () => {
    const printer = tell([{ ts: T }, { wait: 121 }]);
    const heardAt = printer.printer.socket?.lastFrameAt;
    printer.apply({ type: "alarm", ref: "p:aaaa" });
    expect(printer.effects.at(-1)).toEqual({ type: "send-probe", ref: "p:aaaa" });
    printer.now += 15_000;
    printer.apply({ type: "alarm", ref: "p:bbbb" });
    expect(printer.printer).toMatchObject({ socket: null, state: { disconnectedAt: heardAt } });
  });

  test("[P19] any frame answers the probe", () => {
    const printer = tell([{ ts: T }, { wait: 121 }]);
    printer.apply({ type: "alarm", ref: "p:aaaa" });
    tell(["blank", { wait: 15 }], printer);
    printer.apply({ type: "alarm", ref: "p:bbbb" });
    expect(printer.printer.socket).not.toBeNull();
  });

  test("[P20] of a kind that nobody knows is left alone", () => {
    const printer = new MemoryPrinter(START);
    printer.printer = {
      ...printer.printer,
      state: { ...printer.printer.state, agentName: "homemade", dialect: "other" },
    };
    tell([{ ts: T }, { wait: 3600 }], printer);
    const asked = printer.effects.length;
    printer.apply({ type: "alarm", ref: "p:aaaa" });
    expect(printer.effects.slice(asked)).toEqual([]);
  });
});

describe("token generations", () => {
  const valid = (printer: MemoryPrinter, generation: number) =>
    printer.apply({ type: "agent-called", generation, keyId: "t1" }).type === "done";

  test("[S22] after re-linking the one last used counts until the newest is used", () => {
    const printer = new MemoryPrinter(START);
    expect(valid(printer, 1)).toBe(true);
    printer.apply({ type: "relink" });
    printer.apply({ type: "relink" });
    expect([valid(printer, 1), valid(printer, 2), valid(printer, 3), valid(printer, 1)]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  test("[S22] [S23] the grace ends after 15 minutes, and rotation gives none", () => {
    const printer = new MemoryPrinter(START);
    valid(printer, 1);
    printer.apply({ type: "relink" });
    printer.now += 15 * 60_000 - 1;
    expect(valid(printer, 1)).toBe(true);
    printer.now += 1;
    expect(valid(printer, 1)).toBe(false);
    printer.apply({ type: "rotate-token" });
    expect([valid(printer, 2), valid(printer, 3)]).toEqual([false, true]);
  });
});

const events = [
  "PrintStarted",
  "PrintPaused",
  "PrintResumed",
  "PrintDone",
  "PrintCancelling",
  "PrintCancelled",
  "PrintFailed",
  "PrinterStateChanged",
];
const reports = fc.record({
  ts: fc.constantFrom(null, -1, T, T, T + 7, T + 900, T + 2000),
  text: fc.constantFrom("Printing", "Paused", "Operational", "Cancelling", "Offline"),
  name: fc.constantFrom("hook.gcode", "hook.gcode", "b.gcode", null),
  age: fc.constantFrom(0, 0, 0, 3, 45, 4000),
  event: fc.option(fc.constantFrom(...events), { nil: undefined }),
  reason: fc.option(fc.constantFrom("cancelled", "error"), { nil: undefined }),
  copies: fc.constantFrom(1, 1, 1, 2),
});
const happenings = fc.oneof(
  { weight: 8, arbitrary: reports },
  { weight: 1, arbitrary: fc.constantFrom("open" as const, "close" as const, "blank" as const, "evict" as const) },
);

test("[L49] over random interleavings, duplicates, reorderings and evictions history is what the object saw", () => {
  fc.assert(
    fc.property(fc.array(happenings, { maxLength: 60 }), (steps) => {
      const printer = new MemoryPrinter(START);
      printer.open();
      for (const said of steps) {
        printer.now += 1_000;
        if (said === "open") printer.open();
        else if (said === "close") printer.close();
        else if (said === "blank") printer.hear({});
        else if (said === "evict") printer.evict();
        else {
          const { age, copies, event, reason, ...rest } = said;
          const at = printer.now / 1000 - age;
          const told = frame({
            ...rest,
            at,
            ...(event === undefined ? {} : { event }),
            ...(reason === undefined ? {} : { reason }),
          });
          for (let copy = 0; copy < copies; copy++) printer.hear(told);
        }
      }
      const current = [...printer.prints.values()].filter((print) => print.endedAt === null);
      expect(current).toEqual(printer.printer.state.current === null ? [] : [printer.printer.state.current]);
      expect(new Set(printer.events.map((event) => event.id)).size).toBe(printer.events.length);
      const identities = [...printer.prints.values()].map(({ extId, occurrence }) => `${extId} ${occurrence}`);
      expect(new Set(identities).size).toBe(printer.prints.size);
      for (const print of printer.prints.values()) {
        const told = printer.events.filter((event) => event.printId === print.id && event.type !== "PRINTER_ERROR");
        expect(told.filter((event) => event.type === "STARTED")).toHaveLength(1);
        const ends = told.filter((event) => event.type === "ENDED");
        expect(ends.length).toBeLessThanOrEqual(1);
        if (print.endedAt !== null) expect(ends).toMatchObject([{ title: tellPrintEvent("ENDED", print).title }]);
        if (print.endedAt !== null) expect(print.endedAt).toBeGreaterThanOrEqual(print.startedAt);
        const dates = told.map((event) => event.createdAt);
        expect(dates).toEqual([...dates].sort((a, b) => a - b));
      }
    }),
    { numRuns: 500 },
  );
});
