import { describe, expect, test } from "vitest";
import type { Command, Evidence, LedgerStep } from "../../src/domain/command.ts";
import { COMMANDS, type CommandKind, type PrintCommandKind } from "../../src/domain/command-kind.ts";
import { onAnswer, onReport, onSocketClosed, onTime } from "../../src/domain/ledger.ts";
import type { Phase } from "../../src/domain/phase.ts";
import {
  aCommand,
  aSight,
  checking,
  delivered,
  NO_MARKS,
  NOW,
  OTHER,
  PRINT,
  SOCKET,
  seenEvent,
  unknown,
} from "../support/ledger.ts";

/**
 * Every pair of a command's state and a piece of evidence, for each kind. A cell is what becomes of the command:
 * `.` it stays, - it is let go of, D delivered, S succeeded, F failed (not obeyed, or refused), O failed (other print), X superseded
 * (print ended), U unknown, R rejected, d unknown still, but the receipt is noted.
 */

const SEEN = { ...NO_MARKS, sawTransient: true };
const ONE_PAUSED = { ...NO_MARKS, pausedRun: 1 };
const WAS_PAUSED = { ...NO_MARKS, wasPaused: true };
const MINUTE = 60_000;
const EARLIER = SOCKET - 1;

const STATES = {
  checking: (kind) => checking(kind),
  sent: (kind) => aCommand(kind),
  "sent, one Paused": (kind) => aCommand(kind, { marks: ONE_PAUSED }),
  "sent, was paused": (kind) => aCommand(kind, { marks: WAS_PAUSED }),
  delivered: (kind) => delivered(kind),
  "delivered, one Paused": (kind) => delivered(kind, { marks: ONE_PAUSED }),
  "delivered, was paused": (kind) => delivered(kind, { marks: WAS_PAUSED }),
  "delivered, transient seen": (kind) => delivered(kind, { marks: SEEN }),
  "delivered, denied 19 s": (kind) => delivered(kind, { marks: { ...SEEN, contradictedAt: NOW - 19_999 } }),
  "delivered, denied 20 s": (kind) => delivered(kind, { marks: { ...SEEN, contradictedAt: NOW - 20_000 } }),
  "delivered on an earlier socket": (kind) => delivered(kind, { marks: SEEN, connection: EARLIER }),
  "unknown, same socket": (kind) => unknown(kind, { reason: "no_receipt" }),
  "unknown, earlier socket": (kind) => unknown(kind, { connection: EARLIER }),
  "unknown and read, 11 min": (kind) =>
    unknown(kind, { connection: EARLIER, deliveredAt: NOW - 17 * MINUTE, endedAt: NOW - 11 * MINUTE }),
  "unknown and unread, 11 min": (kind) => unknown(kind, { connection: EARLIER, endedAt: NOW - 11 * MINUTE }),
} as const satisfies Record<string, (kind: CommandKind) => Command>;
type StateName = keyof typeof STATES;

type Happening = (command: Command, kind: PrintCommandKind) => LedgerStep;

function report(patch: Partial<Evidence> | ((kind: PrintCommandKind) => Partial<Evidence>)): Happening {
  return (command, kind) => onReport([command], aSight(typeof patch === "function" ? patch(kind) : patch), NOW);
}

function answer(phase: Phase | "unknown" | null): Happening {
  return (command) =>
    onAnswer([command], { ref: command.ref, phase, error: phase === null ? "not supported" : null }, NOW);
}

function endedBy(by: NonNullable<Evidence["ended"]>["by"], patch: Partial<Evidence> = {}): Happening {
  return report({ ended: { extId: PRINT.extId, by }, current: null, ...patch });
}

const IDLE = { printExtId: -1, current: null } as const;
const ELSEWHERE = { printExtId: OTHER.extId, current: OTHER } as const;

/** In the order of the columns. */
const HAPPENINGS: readonly (readonly [string, Happening])[] = [
  ["text Printing", report({ phase: "printing" })],
  ["text Pausing", report({ phase: "pausing" })],
  ["text Paused", report({ phase: "paused" })],
  ["text Resuming", report({ phase: "resuming" })],
  ["text Cancelling", report({ phase: "cancelling" })],
  ["text Operational", report({ phase: "idle" })],
  ["event PrintPaused", report({ event: seenEvent("paused"), phase: "pausing" })],
  ["event PrintResumed", report({ event: seenEvent("resumed"), phase: "resuming" })],
  ["event PrintCancelling", report({ event: seenEvent("cancelling"), phase: "printing" })],
  ["event PrintCancelled", report({ event: seenEvent("cancelled"), phase: "cancelling" })],
  // The end of the print.
  ["end: done", endedBy("done")],
  ["end: failed", endedBy("failed")],
  ["end: failed with an error", endedBy("failed-error")],
  ["end: idle", endedBy("idle", IDLE)],
  ["end: other print", endedBy("other-print", ELSEWHERE)],
  ["idle later", report(IDLE)],
  ["other print later", report(ELSEWHERE)],
  ["transient of another print", report((kind) => ({ ...ELSEWHERE, phase: COMMANDS[kind].transient }))],
  ["transient under an unknown time stamp", report((kind) => ({ printExtId: null, phase: COMMANDS[kind].transient }))],
  // Backlog.
  ["backlog: Paused", report({ isLive: false, phase: "paused" })],
  ["backlog: Printing", report({ isLive: false, phase: "printing" })],
  ["backlog: PrintPaused", report({ isLive: false, event: seenEvent("paused") })],
  ["backlog: PrintCancelled", report({ isLive: false, event: seenEvent("cancelled") })],
  ["backlog end: done", endedBy("done", { isLive: false })],
  ["backlog end: failed", endedBy("failed", { isLive: false })],
  // Receipts.
  ["receipt: not supported", answer(null)],
  ["receipt: PAUSING", answer("pausing")],
  ["receipt: PAUSED", answer("paused")],
  ["receipt: RESUMING", answer("resuming")],
  ["receipt: PRINTING", answer("printing")],
  ["receipt: CANCELLING", answer("cancelling")],
  ["receipt: OPERATIONAL", answer("idle")],
  // Time, and the socket.
  ["3 s", (command) => onTime([command], NOW + 2_000)],
  ["30 s", (command) => onTime([command], NOW + 29_000)],
  ["6 min", (command) => onTime([command], NOW + 359_100)],
  ["socket closed", (command) => onSocketClosed([command], SOCKET, NOW)],
];

/** Only a resume is ever checked. Columns in groups: six texts, four events | ends and other prints | backlog | receipts | time, socket. */
const TABLE: Record<PrintCommandKind, Partial<Record<StateName, string>>> = {
  pause: {
    //                                 texts  events  ends, others  backlog  receipts  time
    sent: /*                        */ ".D.... S...  XXXXXXXO.  ....XX  DDDFFFF  .UUU",
    "sent, one Paused": /*          */ ".DS... S...  XXXXXXXO.  ....XX  DDDFFFF  .UUU",
    "sent, was paused": /*          */ ".D.... S...  XXXXXXXO.  ....XX  DDDFFFF  .UUU",
    delivered: /*                   */ "...... S...  XXXXXXXO.  ....XX  ...FFFF  ..U.",
    "delivered, one Paused": /*     */ "..S... S...  XXXXXXXO.  ....XX  ...FFFF  ..U.",
    "delivered, was paused": /*     */ "...... S...  XXXXXXXO.  ....XX  ...FFFF  ..U.",
    "delivered, transient seen": /* */ "..S... S...  XXXXXXXX.  ....XX  ...FFFF  ..U.",
    "delivered, denied 19 s": /*    */ "..S... S...  XXXXXXXX.  ....XX  ...FFFF  ..U.",
    "delivered, denied 20 s": /*    */ "F.S... S.F.  XXXXXXXX.  ....XX  ...FFFF  ..U.",
    "delivered on an earlier socket": "..S... S...  XXXXXXXX.  ....XX  ...FFFF  ..U.",
    "unknown, same socket": /*      */ "..S... S...  XXXXXXXX.  ....XX  ddddddd  ....",
    "unknown, earlier socket": /*   */ "..S... ....  XXXXXXXX.  ....XX  ddddddd  ....",
    "unknown and read, 11 min": /*  */ "...... S...  XXXXXXXX.  ....XX  .......  ....",
    "unknown and unread, 11 min": /**/ "------ ----  ---------  ------  -------  ----",
  },
  resume: {
    checking: /*                    */ "...... ....  XXXXXXXX.  ....XX  .......  RRRR",
    sent: /*                        */ "...D.. .S..  XXXXXXXO.  ....XX  DFFDDFF  .UUU",
    "sent, one Paused": /*          */ "...D.. .S..  XXXXXXXO.  ....XX  DFFDDFF  .UUU",
    "sent, was paused": /*          */ "...D.. .S..  XXXXXXXO.  ....XX  DFFDDFF  .UUU",
    delivered: /*                   */ "...... .S..  XXXXXXXO.  ....XX  .FF..FF  ..U.",
    "delivered, one Paused": /*     */ "...... .S..  XXXXXXXO.  ....XX  .FF..FF  ..U.",
    "delivered, was paused": /*     */ "S..... .SS.  XXXXXXXO.  ....XX  .FF..FF  ..U.",
    "delivered, transient seen": /* */ "S..... .SS.  XXXXXXXX.  ....XX  .FF..FF  ..U.",
    "delivered, denied 20 s": /*    */ "S.F... .SS.  XXXXXXXX.  ....XX  .FF..FF  ..U.",
    "delivered on an earlier socket": "S..... .SS.  XXXXXXXX.  ....XX  .FF..FF  ..U.",
    "unknown, same socket": /*      */ "S..... .SS.  XXXXXXXX.  ....XX  ddddddd  ....",
    "unknown, earlier socket": /*   */ "S..... ..S.  XXXXXXXX.  ....XX  ddddddd  ....",
    "unknown and read, 11 min": /*  */ "...... .S..  XXXXXXXX.  ....XX  .......  ....",
  },
  cancel: {
    sent: /*                        */ "....D. ..DS  XSXSSSSO.  ....X.  DFFFFDD  .UUU",
    "sent, one Paused": /*          */ "....D. ..DS  XSXSSSSO.  ....X.  DFFFFDD  .UUU",
    "sent, was paused": /*          */ "....D. ..DS  XSXSSSSO.  ....X.  DFFFFDD  .UUU",
    delivered: /*                   */ "...... ...S  XSXSSSSO.  ....X.  .FFFF..  ..U.",
    "delivered, one Paused": /*     */ "...... ...S  XSXSSSSO.  ....X.  .FFFF..  ..U.",
    "delivered, was paused": /*     */ "...... ...S  XSXSSSSO.  ....X.  .FFFF..  ..U.",
    "delivered, transient seen": /* */ ".....S ...S  XSXSSSSS.  ....X.  .FFFF..  ..U.",
    "delivered, denied 20 s": /*    */ "F.F..S ...S  XSXSSSSS.  ....X.  .FFFF..  ..U.",
    "delivered on an earlier socket": "...... ...S  XSXSSSSS.  ....X.  .FFFF..  ..U.",
    "unknown, same socket": /*      */ "...... ...S  XSXSSSSS.  ....X.  ddddddd  ....",
    "unknown, earlier socket": /*   */ "...... ....  XSXSSSSS.  ....X.  ddddddd  ....",
    "unknown and read, 11 min": /*  */ "...... ...S  XSXSSSSS.  ....X.  .......  ....",
  },
};

function becomes(before: Command, step: LedgerStep): string {
  const inLedger = step.ledger.find(({ id }) => id === before.id);
  const ended = step.effects.find((effect) => effect.type === "command-ended");
  const after = inLedger ?? (ended?.type === "command-ended" ? ended.command : undefined);
  if (after === undefined) return "-";
  if (after.state === before.state)
    return before.state === "unknown" && after.deliveredAt !== before.deliveredAt ? "d" : ".";
  if (after.state === "failed") return after.reason === "other_print" ? "O" : "F";
  const letters = {
    delivered: "D",
    succeeded: "S",
    superseded: "X",
    unknown: "U",
    rejected: "R",
    sent: "s",
    checking: "c",
  };
  return letters[after.state];
}

describe.each(Object.entries(TABLE) as [PrintCommandKind, Partial<Record<StateName, string>>][])("%s", (kind, rows) => {
  test.each(Object.entries(rows) as [StateName, string][])(
    "[C5] [C6] [C39] [C44] [C45] [C46] %s: what each piece of evidence makes of it",
    (name, row) => {
      const cells = row.replaceAll(" ", "");
      expect(cells).toHaveLength(HAPPENINGS.length);
      const wanted = HAPPENINGS.map(([happening], column) => `${happening}: ${cells[column]}`);
      const found = HAPPENINGS.map(([happening, happen]) => {
        const command = STATES[name](kind);
        return `${happening}: ${becomes(command, happen(command, kind))}`;
      });
      expect(found).toEqual(wanted);
    },
  );
});

const BEGAN = { ...OTHER, gCodeFileId: 32 };

describe("print_file", () => {
  const cases: readonly (readonly [string, Command, (command: Command) => LedgerStep, string])[] = [
    ["[C47] the answer that it fetches the file", aCommand("print_file"), fetched(null), "D"],
    ["[C47] the answer that the printer is busy", aCommand("print_file"), fetched("Printer busy!"), "F"],
    ["[C34] [C47] a late answer", unknown("print_file"), fetched(null), "d"],
    ["[C47] the file's print", delivered("print_file"), began({ current: BEGAN }), "S"],
    ["[C47] the file's print before any answer", aCommand("print_file"), began({ current: BEGAN }), "S"],
    [
      "[C47] the file's print on a later socket",
      unknown("print_file", { connection: EARLIER }),
      began({ current: BEGAN }),
      "S",
    ],
    [
      "[C8] [C52] another file's print",
      delivered("print_file"),
      began({ current: { ...OTHER, gCodeFileId: 31 } }),
      "X",
    ],
    [
      "[C52] a print of no known file",
      delivered("print_file"),
      began({ current: { ...OTHER, gCodeFileId: null } }),
      ".",
    ],
    ["[C47] the file's print in a backlog", delivered("print_file"), began({ current: BEGAN, isLive: false }), "."],
    [
      "[C47] an idle printer",
      delivered("print_file"),
      began({ printExtId: -1, current: null, phase: "downloading" }),
      ".",
    ],
    ["[C35] no answer in 30 s", aCommand("print_file"), (command) => onTime([command], NOW + 29_000), "U"],
    ["[C35] no print in 6 min", delivered("print_file"), (command) => onTime([command], NOW + 359_100), "U"],
    ["[C37] the socket's end", aCommand("print_file"), (command) => onSocketClosed([command], SOCKET, NOW), "U"],
  ];

  test.each(cases)("%s", (_name, command, happen, cell) => {
    expect(becomes(command, happen(command))).toBe(cell);
  });

  test("[C52] the command is bound to the print that it began", () => {
    const { effects } = began({ current: BEGAN })(delivered("print_file"));
    expect(effects).toMatchObject([{ type: "command-ended", command: { state: "succeeded", printId: BEGAN.id } }]);
  });

  function fetched(error: string | null) {
    return (command: Command) => onAnswer([command], { ref: command.ref, phase: null, error }, NOW);
  }

  function began(patch: Partial<Evidence>) {
    return (command: Command) => onReport([command], aSight({ printExtId: BEGAN.extId, ...patch }), NOW);
  }
});
