/** Prints that are hard to tell apart: the same time stamp twice, no name, two agents, an end that comes late. */
import { describe, expect, test } from "vitest";
import klipper from "../agent-traffic/klipper-moonraker-obico-2.1.4.jsonl?raw";
import { frame, type Said } from "../support/frames.ts";
import { aRequest } from "../support/ledger.ts";
import { MemoryPrinter, newState } from "../support/memory-printer.ts";
import { fc } from "../support/random.ts";

const T = 1_790_000_100;
const START = T * 1000;

type Step = Said | "open" | "close" | "cancel" | { readonly wait: number };

/** Tells the steps one second apart, each report dated when it is told unless it says otherwise. */
function tell(steps: readonly Step[], printer = new MemoryPrinter(START)): MemoryPrinter {
  if (printer.printer.socket === null) printer.open();
  for (const step of steps) {
    printer.now += 1_000;
    if (step === "open") printer.open();
    else if (step === "close") printer.close();
    else if (step === "cancel") printer.apply({ type: "command", command: aRequest("cancel") });
    else if ("wait" in step) printer.now += step.wait * 1000;
    else printer.hear(frame({ at: printer.now / 1000, ...step }));
  }
  return printer;
}

function historyOf(printer: MemoryPrinter) {
  return [...printer.prints.values()].map((print) => [
    print.filename,
    print.extId - T,
    print.outcome,
    ...printer.events
      .filter(({ printId, type }) => printId === print.id && type !== "PRINTER_ERROR")
      .map(({ type }) => type),
  ]);
}

const A = "a.gcode";
const B = "b.gcode";
const BEGUN: Said = { ts: T, name: A, event: "PrintStarted" };
const DONE: Said = { ts: T, name: A, event: "PrintDone", text: "Operational" };
const IDLE: Said = { ts: -1, name: A, text: "Operational" };
const CANCELLED: Said = { ts: T, name: A, event: "PrintCancelled", text: "Operational" };
const FAILED: Said = { ts: T, name: A, event: "PrintFailed", text: "Operational" };
const FINISHED_A = [A, 0, "finished", "STARTED", "ENDED"];

describe("a time stamp that comes twice", () => {
  const table: [title: string, steps: Step[], history: unknown[][]][] = [
    [
      "[L50] PrintStarted of another file after the end was told",
      [BEGUN, DONE, IDLE, { ts: T, name: B, event: "PrintStarted" }],
      [FINISHED_A, [B, 0, null, "STARTED"]],
    ],
    ["[L50] PrintStarted of the same file", [BEGUN, DONE, IDLE, BEGUN], [FINISHED_A, [A, 0, null, "STARTED"]]],
    [
      "[L50] without -1 between",
      [BEGUN, DONE, { ts: T, name: B, event: "PrintStarted" }],
      [FINISHED_A, [B, 0, null, "STARTED"]],
    ],
    [
      "[L50] a printing status of another file",
      [BEGUN, DONE, { ts: T, name: B }],
      [FINISHED_A, [B, 0, null, "STARTED"]],
    ],
    [
      "[L50] a printing status of another file after an inferred end",
      [BEGUN, IDLE, { ts: T, name: B }],
      [
        [A, 0, "unknown", "STARTED", "ENDED"],
        [B, 0, null, "STARTED"],
      ],
    ],
    [
      "[L50] after a cancellation, and once more",
      [BEGUN, CANCELLED, FAILED, IDLE, BEGUN, CANCELLED, FAILED, BEGUN],
      [
        [A, 0, "cancelled", "STARTED", "ENDED"],
        [A, 0, "cancelled", "STARTED", "ENDED"],
        [A, 0, null, "STARTED"],
      ],
    ],
    [
      "[L50] after a cancellation whose PrintFailed was lost",
      [BEGUN, CANCELLED, BEGUN],
      [
        [A, 0, "cancelled", "STARTED", "ENDED"],
        [A, 0, null, "STARTED"],
      ],
    ],
    [
      "[L50] after a cancellation, told by another file alone",
      [BEGUN, CANCELLED, { wait: 60 }, { ts: T, name: B }, { ts: T, name: B }],
      [
        [A, 0, "cancelled", "STARTED", "ENDED"],
        [B, 0, null, "STARTED"],
      ],
    ],
    [
      "[L50] [P44] a PrintStarted that was held up until the printer stood idle again",
      [BEGUN, CANCELLED, FAILED, { wait: 20 }, { ...BEGUN, text: "Operational" }],
      [[A, 0, "cancelled", "STARTED", "ENDED"]],
    ],
    [
      "[L50] days after an inferred end: no print to go on with",
      [BEGUN, IDLE, { wait: 90_000 }, BEGUN],
      [
        [A, 0, "unknown", "STARTED", "ENDED"],
        [A, 0, null, "STARTED"],
      ],
    ],
    [
      "[L50] [L14] PrintStarted after an inferred end, same file: it goes on",
      [BEGUN, IDLE, BEGUN],
      [[A, 0, null, "STARTED", "ENDED"]],
    ],
    [
      "[L11] [L50] a status that lags behind the end",
      [BEGUN, DONE, { ts: T, name: A }, { ts: T, name: A }],
      [FINISHED_A],
    ],
    ["[L11] [L50] without a file", [BEGUN, DONE, { ts: T, name: null }, { ts: T, name: null }], [FINISHED_A]],
    ["[L11] [L50] the same file told with its folder", [BEGUN, DONE, { ts: T, name: `sub/${A}` }], [FINISHED_A]],
    [
      "[L11] [L50] another file, but not printing",
      [BEGUN, DONE, { ts: T, name: B, text: "Operational" }],
      [FINISHED_A],
    ],
    [
      "[L11] [L50] from a backlog",
      [BEGUN, DONE, "close", { wait: 60 }, "open", { ...BEGUN, at: T + 3 }, { ts: T, name: B, at: T + 4 }],
      [FINISHED_A],
    ],
    ["[L29] [L50] the same PrintStarted again", [{ ...BEGUN, at: T + 1 }, DONE, { ...BEGUN, at: T + 1 }], [FINISHED_A]],
    [
      "[L18] [L50] what comes then is of the newer",
      [
        BEGUN,
        DONE,
        { ts: T, name: B, event: "PrintStarted" },
        { ts: T, name: B, event: "PrintDone" },
        { ts: T, name: B },
      ],
      [FINISHED_A, [B, 0, "finished", "STARTED", "ENDED"]],
    ],
    [
      "[L51] a host that names the job before at first: its own time stamp later",
      [BEGUN, DONE, { wait: 60 }, BEGUN, { wait: 28 }, { ts: T + 63, name: A }],
      [FINISHED_A, [A, 63, null, "STARTED"]],
    ],
    [
      "[L51] [L10] another file's time stamp is another print's",
      [BEGUN, DONE, BEGUN, { ts: T + 30, name: B }],
      [FINISHED_A, [A, 0, "unknown", "STARTED", "ENDED"], [B, 30, null, "STARTED"]],
    ],
    [
      "[L51] [L10] so is one that comes later",
      [BEGUN, DONE, BEGUN, { wait: 60 }, { ts: T + 90, name: A }],
      [FINISHED_A, [A, 0, "unknown", "STARTED", "ENDED"], [A, 90, null, "STARTED"]],
    ],
    [
      "[L51] [L10] and one after a print that is the first of its time stamp",
      [BEGUN, { ts: T + 30, name: A }],
      [
        [A, 0, "unknown", "STARTED", "ENDED"],
        [A, 30, null, "STARTED"],
      ],
    ],
  ];

  test.each(table)("%s", (_title, steps, history) => {
    expect(historyOf(tell(steps))).toEqual(history);
  });

  test("[L50] a cancel of the one before is none of the next", () => {
    const printer = tell([BEGUN, "cancel", DONE, BEGUN, IDLE]);
    expect([...printer.prints.values()].map(({ outcome, occurrence }) => [outcome, occurrence])).toEqual([
      ["finished", 1],
      ["unknown", 2],
    ]);
  });

  test("[L49] [L50] any lives under one time stamp: as many prints as were begun, each with one STARTED and one ENDED", () => {
    const lives = fc.array(
      fc.tuple(fc.constantFrom(A, B), fc.constantFrom("done", "cancelled", "failed"), fc.boolean()),
    );
    fc.assert(
      fc.property(lives, (told) => {
        const printer = new MemoryPrinter(START);
        for (const [name, end, saysIdle] of told) {
          const ends = { done: [DONE], failed: [FAILED], cancelled: [CANCELLED, FAILED] } as const;
          const life: Step[] = [BEGUN, { ts: T, name }, ...ends[end], { ts: T, name }, ...(saysIdle ? [IDLE] : [])];
          tell(
            life.map((step) => (typeof step === "object" && "ts" in step ? { ...step, name } : step)),
            printer,
          );
        }
        expect(historyOf(printer)).toEqual(
          told.map(([name, end]) => [name, 0, end === "done" ? "finished" : end, "STARTED", "ENDED"]),
        );
      }),
    );
  });
});

describe("a print without a name", () => {
  const NAMELESS: Said = { ts: T, name: null };
  const UNNAMED = "Unnamed print";
  const table: [title: string, steps: Step[], history: unknown[][]][] = [
    ["[L52] only a path", [{ ...NAMELESS, path: "sub/a.gcode" }], [["sub/a.gcode", 0, null, "STARTED"]]],
    ["[L52] only what is displayed", [{ ...NAMELESS, display: "My A" }], [["My A", 0, null, "STARTED"]]],
    ["[L52] a blank name beside a path", [{ ...NAMELESS, name: " ", path: A }], [[A, 0, null, "STARTED"]]],
    ["[L54] a first printing report", [NAMELESS], []],
    ["[L54] a second one", [NAMELESS, NAMELESS], [[UNNAMED, 0, null, "STARTED"]]],
    [
      "[L54] PrintStarted, then a printing status",
      [{ ...NAMELESS, event: "PrintStarted" }, NAMELESS],
      [[UNNAMED, 0, null, "STARTED"]],
    ],
    ["[L54] another socket's does not count", [NAMELESS, "close", "open", NAMELESS], []],
    [
      "[L4] [L54] never printing",
      [NAMELESS, { ...NAMELESS, text: "Operational" }, { ...NAMELESS, text: "Paused" }],
      [],
    ],
    ["[L54] of another time stamp", [NAMELESS, { ...NAMELESS, ts: T + 900 }], []],
    [
      "[L54] from a backlog",
      ["close", { wait: 100 }, "open", { ...NAMELESS, at: T + 3 }, { ...NAMELESS, at: T + 4 }, NAMELESS],
      [],
    ],
    [
      "[L55] a name that comes later",
      [NAMELESS, NAMELESS, { ts: T, name: A }, { ts: T, name: B }],
      [[A, 0, null, "STARTED"]],
    ],
    [
      "[L5] [L55] no name after one",
      [NAMELESS, NAMELESS, NAMELESS, IDLE],
      [[UNNAMED, 0, "unknown", "STARTED", "ENDED"]],
    ],
    [
      "[L14] [L54] re-opened without a name",
      [NAMELESS, NAMELESS, IDLE, NAMELESS],
      [[UNNAMED, 0, null, "STARTED", "ENDED"]],
    ],
    [
      "[L50] [L54] begun again under the same time stamp",
      [BEGUN, DONE, { ...NAMELESS, event: "PrintStarted" }, NAMELESS],
      [FINISHED_A, [UNNAMED, 0, null, "STARTED"]],
    ],
    ["[L7] [L54] its clock was set", [NAMELESS, NAMELESS, { ...NAMELESS, ts: T + 7 }], [[UNNAMED, 7, null, "STARTED"]]],
  ];

  test.each(table)("%s", (_title, steps, history) => {
    expect(historyOf(tell(steps))).toEqual(history);
  });
});

test("[P28] [L54] statuses without a name change no state, before their print begins and after", () => {
  const nameless = (count: number, text: string) => Array.from({ length: count }, () => ({ ts: T, name: null, text }));
  for (const [count, text] of [
    [1, "Operational"],
    [2, "Printing"],
  ] as const) {
    const printer = tell(nameless(count, text));
    const { state } = printer.printer;
    const asked = printer.effects.length;
    tell(nameless(20, text), printer);
    expect(printer.printer.state).toBe(state);
    expect(printer.effects.slice(asked).filter(({ type }) => type !== "send-probe")).toEqual([]);
  }
});

describe("two agents on one printer", () => {
  const PAUSED: Said = { ts: T, text: "Paused", event: "PrintPaused" };
  const RESUMED: Said = { ts: T, event: "PrintResumed" };
  const told = (printer: MemoryPrinter) =>
    printer.events.filter(({ type }) => type !== "PRINTER_ERROR").map(({ type }) => type);

  test("[L53] each of them tells of a pause and a resume, by its own clock: history does once", () => {
    const each: Step[] = [PAUSED, "open", PAUSED, RESUMED, "open", RESUMED, "open", PAUSED, RESUMED];
    expect(told(tell([{ ts: T }, ...each]))).toEqual(["STARTED", "PAUSED", "RESUMED", "PAUSED", "RESUMED"]);
  });

  test("[L53] a resume that no event told is seen in the status: the next pause is told", () => {
    expect(told(tell([{ ts: T }, PAUSED, { ts: T }, { ts: T }, PAUSED]))).toEqual(["STARTED", "PAUSED", "PAUSED"]);
    expect(told(tell([RESUMED, { ts: T, text: "Paused" }, { ts: T, text: "Paused" }, RESUMED]))).toEqual([
      ...["STARTED", "RESUMED", "RESUMED"],
    ]);
  });

  test("[L53] [L26] another print's pause is its own", () => {
    const steps: Step[] = [{ ts: T }, PAUSED, { ts: T + 900 }, { ...PAUSED, ts: T + 900 }];
    expect(told(tell(steps))).toEqual(["STARTED", "PAUSED", "ENDED", "STARTED", "PAUSED"]);
  });

  /** One prints, one is idle; each dials when it was replaced. */
  const ROUND: Step[] = ["open", { ts: -1, text: "Operational" }, { wait: 3 }, "open", { ts: T }, { wait: 3 }];
  const rounds = (count: number) => Array.from({ length: count }, () => ROUND).flat();

  test("[L56] with one token: the print goes on through all of it, and ends once", () => {
    const printer = tell([{ ts: T, event: "PrintStarted" }, ...rounds(2)]);
    const { events } = printer;
    const before = events.length;
    for (const step of rounds(12)) {
      tell([step], printer);
      expect(printer.printer.state.current).toMatchObject({ extId: T });
    }
    expect(events.length).toBe(before);
    tell([{ ts: T, event: "PrintDone", text: "Operational" }], printer);
    expect(historyOf(printer)).toEqual([["hook.gcode", 0, "finished", "STARTED", "ENDED"]]);
  });

  test("[L56] known as two before the print began: no end is told", () => {
    const printer = tell(["open", "open", "open", { ts: T, event: "PrintStarted" }, ...rounds(12)]);
    expect(told(printer)).toEqual(["STARTED"]);
  });

  test("[L56] the idle one says nothing of a command to the other", () => {
    const printer = tell(["open", "open", "open", { ts: T }, "cancel"]);
    const [command] = printer.printer.state.ledger;
    printer.hear({ passthru: { ref: command?.ref, error: "not supported" } });
    tell(["open", { ts: -1, text: "Operational" }], printer);
    expect(printer.printer.state.ledger).toMatchObject([{ state: "delivered" }]);
    tell(["open", { ts: T, text: "Operational", event: "PrintCancelled" }], printer);
    tell([{ ts: T, text: "Operational", event: "PrintFailed" }], printer);
    expect(printer.printer.state.ledger).toEqual([]);
  });

  test("[L56] one agent that came back three times is no two: the socket that named the print may end it", () => {
    const back: Step[] = ["open", { ts: T, name: A }];
    expect(historyOf(tell([BEGUN, ...back, ...back, ...back, IDLE]))).toEqual([[A, 0, "unknown", "STARTED", "ENDED"]]);
  });

  test("[L56] a print that neither names any more has ended, two minutes later", () => {
    const idle: Step[] = ["open", { ts: -1, text: "Operational" }, { wait: 3 }];
    const printer = tell(["open", "open", "open", { ts: T }]);
    for (let count = 0; count < 20; count++) tell(idle, printer);
    expect(told(printer)).toEqual(["STARTED"]);
    for (let count = 0; count < 10; count++) tell(idle, printer);
    expect(told(printer)).toEqual(["STARTED", "ENDED"]);
  });
});

describe("an end that was inferred", () => {
  test("[L14] is not taken back by another file", () => {
    expect(historyOf(tell([BEGUN, IDLE, { ts: T, name: B, text: "Paused" }]))).toEqual([
      [A, 0, "unknown", "STARTED", "ENDED"],
    ]);
  });

  test("[L57] is told once: the end that comes after it was taken back takes its place", () => {
    const printer = tell([BEGUN, IDLE, { ts: T, name: A }, { wait: 60 }, DONE]);
    expect(historyOf(printer)).toEqual([FINISHED_A]);
    const { id, title, createdAt } = printer.events.at(-1) ?? {};
    expect({ id, title, createdAt }).toEqual({
      id: 700_000_002,
      title: "Print Job Finished",
      createdAt: START + 65_000,
    });
    expect(printer.printer.state.eventSequence).toBe(2);
  });

  const late: [event: string, outcome: string, title: string][] = [
    ["PrintDone", "finished", "Print Job Finished"],
    ["PrintFailed", "failed", "Print Job Canceled"],
    ["PrintCancelled", "cancelled", "Print Job Canceled"],
  ];
  test.each(late)("[L59] a late %s corrects it to %s", (event, outcome, title) => {
    const late: Said = { ts: T, name: A, event, text: "Operational", printTime: 61, filament: 12 };
    for (const at of [T + 2, T + 200]) {
      const printer = tell([BEGUN, { ts: T, name: A, at: T + 2 }, IDLE, { wait: 196 }, { ...late, at }]);
      expect(printer.events.map((one) => one.title)).toEqual(["Print Job Started", title]);
      const statistics = { printTimeSeconds: 61, filamentUsedMm: 12 };
      expect([...printer.prints.values()]).toMatchObject([{ outcome, ...statistics }]);
      expect(printer.printer.state.current).toBeNull();
    }
  });

  test("[L59] while another print is current it leaves that one alone", () => {
    const printer = tell([
      BEGUN,
      IDLE,
      { ts: T + 900, name: B },
      "close",
      { wait: 60 },
      "open",
      { ...DONE, at: T + 2 },
    ]);
    expect(historyOf(printer)).toEqual([FINISHED_A, [B, 900, null, "STARTED"]]);
  });

  test("[L59] a cancelled or finished one is not corrected", () => {
    const printer = tell([BEGUN, "cancel", IDLE, DONE]);
    expect(historyOf(printer)).toEqual([[A, 0, "cancelled", "STARTED", "ENDED"]]);
  });
});

describe("statistics", () => {
  const ended = (dialect: "octoprint" | "moonraker", ...steps: Said[]) => {
    const printer = new MemoryPrinter(START);
    printer.printer = { ...printer.printer, state: newState({ dialect }) };
    const [print] = tell([BEGUN, ...steps], printer).prints.values();
    return [print?.printTimeSeconds, print?.filamentUsedMm];
  };
  const whole = { name: A, ts: T, filament: 48_211.5, printTime: 90 };
  const table: [title: string, dialect: "octoprint" | "moonraker", steps: Said[], seconds: unknown, mm: unknown][] = [
    [
      "[L58] OctoPrint, cancelled at 2 %",
      "octoprint",
      [{ ...whole, event: "PrintCancelling", completion: 2 }, CANCELLED],
      90,
      964.23,
    ],
    [
      "[L58] cancelled, and its progress is gone",
      "octoprint",
      [{ ...whole, event: "PrintCancelled", completion: null, printTime: null }],
      1,
      null,
    ],
    ["[L58] OctoPrint, done", "octoprint", [{ ...whole, event: "PrintDone", completion: 99.2 }], 90, 48_211.5],
    [
      "[L58] OctoPrint, more than whole",
      "octoprint",
      [{ ...whole, event: "PrintFailed", completion: 100.4 }],
      90,
      48_211.5,
    ],
    [
      "[L58] Moonraker's is what was used",
      "moonraker",
      [{ ...whole, event: "PrintCancelled", completion: 0 }],
      90,
      48_211.5,
    ],
    [
      "[L32] a failed print keeps what its frame carries",
      "moonraker",
      [{ ...whole, event: "PrintFailed", completion: 40 }],
      90,
      48_211.5,
    ],
    ["[L33] a failed print whose frame tells no time", "moonraker", [{ ...FAILED, printTime: null }], null, null],
    ["[L60] below zero", "moonraker", [{ ...whole, event: "PrintDone", printTime: -5, filament: -0.5 }], 1, null],
  ];

  test.each(table)("%s", (_title, dialect, steps, seconds, mm) => {
    expect(ended(dialect, ...steps)).toEqual([seconds, mm]);
  });
});

describe("Klipper's own lives, told by moonraker-obico", () => {
  const lines = klipper
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  /** The recording's frames, at their times. */
  const printer = new MemoryPrinter(START);
  for (const { t, from, text, event } of lines) {
    printer.now = START + t * 1000;
    if (event === "open") printer.open();
    if (from === "agent" && text !== undefined) printer.hear(text);
  }
  const { prints, events } = printer;

  test("[L50] a print begun right after FIRMWARE_RESTART, under the time stamp of the one before, is a print", () => {
    const starts = lines.filter(({ text }) => text?.event?.event_type === "PrintStarted");
    expect(prints.size).toBe(starts.length);
    const again = [...prints.values()].filter(({ occurrence }) => occurrence > 1);
    expect(again.map(({ extId, outcome }) => [extId, outcome])).toEqual([[1_795_816_176, "unknown"]]);
  });

  test("[L49] every print has one STARTED and one ENDED", () => {
    for (const { id } of prints.values()) {
      const told = events.filter(({ printId }) => printId === id).map(({ type }) => type);
      expect(told.filter((type) => type === "STARTED")).toHaveLength(1);
      expect(told.filter((type) => type === "ENDED")).toHaveLength(1);
    }
  });
});
