import { describe, expect, test } from "vitest";
import { isReceiptExpected, openSocket } from "../../src/domain/agent-socket.ts";
import {
  type Command,
  commandSucceeded,
  isCancelUnderWay,
  type LedgerFacts,
  type LedgerStep,
  ledgerDeadline,
  recordOf,
  visibleReason,
} from "../../src/domain/command.ts";
import type { CommandKind } from "../../src/domain/command-kind.ts";
import type { Dialect } from "../../src/domain/dialect.ts";
import {
  onAnswer,
  onFrame,
  onPrintEnded,
  onReport,
  onSendFailed,
  onSocketClosed,
  onTime,
  takeCommand,
} from "../../src/domain/ledger.ts";
import {
  aCommand,
  aRequest,
  aSight,
  checking,
  delivered,
  facts,
  NOW,
  OTHER,
  PRINT,
  SOCKET,
  seenEvent,
  unknown,
} from "../support/ledger.ts";
import { newState } from "../support/memory-printer.ts";

/** Type, state and reason of what a step asks for, in order. */
function told({ effects }: LedgerStep): string[] {
  return effects.map((effect) => {
    if (effect.type === "send-probe") return "probe";
    const { kind, state, reason } = effect.command;
    return effect.type === "send-command" ? `send ${kind}` : `${kind} ${state} ${reason ?? "-"}`;
  });
}

function states({ ledger }: LedgerStep): string[] {
  return ledger.map(({ kind, state }) => `${kind} ${state}`);
}

const FRESH = { phaseAt: NOW - 75_000 };
const STALE = { phaseAt: NOW - 75_001 };
const PAUSED = { ...FRESH, isPauseSeen: true, phase: "paused", shownPhase: "paused" } as const;
const PRINTING = { ...FRESH, phase: "printing" } as const;

describe("taking", () => {
  const refusals: readonly (readonly [string, CommandKind, LedgerFacts, number | null, string | null])[] = [
    ["[C10] no print, no agent, another print meant", "pause", facts(null, null), OTHER.id, "not_printing"],
    ["[C11] another print meant, no agent", "pause", facts(null), OTHER.id, "wrong_print"],
    ["[C13] no agent", "pause", facts(null), PRINT.id, "agent_offline"],
    ["[C14] a pause that was seen", "pause", facts(PAUSED), null, "already_paused"],
    ["[C14] its event, still Pausing", "pause", facts({ ...PAUSED, phase: "pausing" }), null, "already_paused"],
    ["[C17] a pause that was seen long ago", "pause", facts({ ...PAUSED, ...STALE }), null, null],
    ["[C14] a pause seen, and Printing is shown", "pause", facts({ ...PAUSED, shownPhase: "printing" }), null, null],
    ["[C14] a pause seen, and nothing is shown", "pause", facts({ ...PAUSED, shownPhase: null }), null, null],
    ["[C14] a pause seen, for a cancel", "cancel", facts(PAUSED), null, null],
    ["[C15] Printing, while Paused is shown", "resume", facts({ ...PRINTING, shownPhase: "paused" }), null, null],
    ["[C15] Printing, for a resume", "resume", facts({ ...FRESH, phase: "printing" }), null, "not_paused"],
    ["[C17] Printing long ago, for a resume", "resume", facts({ ...STALE, phase: "printing" }), null, null],
    ["[C15] Pausing, for a resume", "resume", facts({ ...FRESH, phase: "pausing" }), null, null],
    ["[C15] Printing, for a pause", "pause", facts({ ...FRESH, phase: "printing" }), null, null],
    ["[C16] a cancellation seen, and it prints", "cancel", facts({ ...PRINTING, isCancelSeen: true }), null, null],
    ["[C16] a cancellation that was seen", "cancel", facts({ ...FRESH, isCancelSeen: true }), null, "print_ending"],
    ["[C16] a cancellation seen, for a pause", "pause", facts({ ...FRESH, isCancelSeen: true }), null, "print_ending"],
    ["[C17] a cancellation seen long ago", "cancel", facts({ ...STALE, isCancelSeen: true }), null, null],
    [
      "[C14] [C16] both seen: the first reason counts",
      "pause",
      facts({ ...PAUSED, isCancelSeen: true, phase: "pausing", shownPhase: "pausing" }),
      null,
      "already_paused",
    ],
    ["[C11] the meant print is current", "pause", facts(), PRINT.id, null],
    ["[C12] a print, for a file", "print_file", facts(null), null, "printing"],
    ["[C13] no agent, for a file", "print_file", facts(null, null), null, "agent_offline"],
    ["[C12] an idle printer, for a file", "print_file", facts({}, null), null, null],
  ];

  test.each(refusals)("%s", (_name, kind, known, printId, reason) => {
    const step = takeCommand([], aRequest(kind, { printId }), known, NOW);
    expect(told(step)).toEqual([reason === null ? `send ${kind}` : `${kind} rejected ${reason}`]);
    expect(step.ledger).toHaveLength(reason === null ? 1 : 0);
  });

  test("[C3] a taken command carries its print, its socket and its limits", () => {
    const { ledger } = takeCommand([], aRequest("pause"), facts(), NOW);
    const times = {
      createdAt: NOW,
      sentAt: NOW,
      expiresAt: NOW + 30_000,
      settleBy: null,
      deliveredAt: null,
      endedAt: null,
    };
    expect(ledger).toMatchObject([
      { state: "sent", printId: PRINT.id, printExtId: PRINT.extId, connection: SOCKET, ...times },
    ]);
  });

  test("[C18] a resume on its way counts as seen: a pause after it is sent", () => {
    const known = facts(PAUSED);
    for (const resume of [aCommand("resume"), delivered("resume"), checking("resume"), unknown("resume")]) {
      expect(told(takeCommand([resume], aRequest("pause"), known, NOW))).toContain("send pause");
    }
  });

  test("[C15] a pause on its way or delivered counts: a resume after it is sent", () => {
    for (const pause of [aCommand("pause"), delivered("pause"), unknown("pause")]) {
      expect(told(takeCommand([pause], aRequest("resume"), facts(PRINTING), NOW))).toContain("send resume");
    }
  });

  test("[C26] a delivered twin answers, and nothing is sent", () => {
    for (const kind of ["pause", "resume", "cancel"] as const) {
      const twin = delivered(kind);
      const step = takeCommand([twin], aRequest(kind), facts(), NOW);
      expect([step.commandId, step.ledger, step.effects]).toEqual([twin.id, [twin], []]);
    }
  });

  test("[C8] [C28] a twin that is only sent is superseded by a new frame", () => {
    const step = takeCommand([aCommand("pause")], aRequest("pause"), facts(), NOW);
    expect(told(step)).toEqual(["pause superseded replaced", "send pause"]);
    expect(states(step)).toEqual(["pause sent"]);
  });

  test("[C26] a waiting resume answers for another one", () => {
    const twin = checking("resume");
    const silent = facts({ lastFrameAt: NOW - 6_000 });
    expect(takeCommand([twin], aRequest("resume"), silent, NOW)).toEqual({
      ledger: [twin],
      effects: [],
      commandId: twin.id,
    });
  });

  test("[C27] a twin does not answer over an opposite command taken since", () => {
    for (const since of ["pause", "cancel"] as const) {
      const step = takeCommand([delivered("resume"), aCommand(since)], aRequest("resume"), facts(), NOW);
      expect(told(step)).toEqual(["send resume"]);
    }
    expect(told(takeCommand([delivered("pause"), aCommand("resume")], aRequest("pause"), facts(), NOW))).toEqual([
      "send pause",
    ]);
  });

  test("[C27] an unknown twin is no twin", () => {
    expect(told(takeCommand([unknown("pause")], aRequest("pause"), facts(), NOW))).toEqual(["send pause"]);
  });

  test("[C26] the same file is fetched once", () => {
    const twin = delivered("print_file");
    expect(takeCommand([twin], aRequest("print_file"), facts({}, null), NOW).commandId).toBe(twin.id);
  });
});

describe("the probe before motion", () => {
  const heard = (silentMs: number, dialect: Dialect, gaveReceipt = false) => {
    const socket = openSocket({ connection: SOCKET, origin: "https://platen.test", ref: "p:a" }, NOW, newState());
    const expectsReceipt = isReceiptExpected({ ...socket, gaveReceipt }, dialect);
    return facts({ lastFrameAt: NOW - silentMs, expectsReceipt });
  };
  const roads: readonly (readonly [string, LedgerFacts, string])[] = [
    ["[C19] known, heard 5 s ago", heard(5_000, "moonraker"), "send resume"],
    ["[C19] known, silent for longer", heard(5_001, "octoprint"), "probe"],
    ["[C19] gave receipts, silent for longer", heard(5_001, "other", true), "probe"],
    ["[C20] neither, heard 75 s ago", heard(75_000, "other"), "send resume"],
    ["[C20] neither, silent for longer", heard(75_001, "other"), "resume rejected agent_offline"],
  ];

  test.each(roads)("%s", (_name, known, first) => {
    expect(told(takeCommand([], aRequest("resume"), known, NOW))).toEqual([first]);
  });

  test("[C19] [C21] a file's print is motion too; pause and cancel go at once", () => {
    const silent = { lastFrameAt: NOW - 60_000 };
    expect(told(takeCommand([], aRequest("print_file"), facts(silent, null), NOW))).toEqual(["probe"]);
    expect(told(takeCommand([], aRequest("pause"), facts(silent), NOW))).toEqual(["send pause"]);
    expect(told(takeCommand([], aRequest("cancel"), facts(silent), NOW))).toEqual(["send cancel"]);
  });

  test("[C28] a resume to a silent agent that is not probed leaves its sent twin alone", () => {
    const step = takeCommand([aCommand("resume")], aRequest("resume"), heard(76_000, "other"), NOW);
    expect(states(step)).toEqual(["resume sent"]);
  });

  test("[C2] [C22] any frame of that socket within 3 s sends it; of another one it does not", () => {
    const { ledger } = takeCommand([], aRequest("resume"), heard(6_000, "moonraker"), NOW);
    expect(ledger).toMatchObject([{ state: "checking", sentAt: null, probeBy: NOW + 3_000 }]);
    expect(told(onFrame(ledger, SOCKET + 1, facts({ connection: SOCKET + 1 }), NOW + 10))).toEqual([]);
    const step = onFrame(ledger, SOCKET, facts({ phase: "paused", phaseAt: NOW }), NOW + 2_999);
    expect(told(step)).toEqual(["send resume"]);
    expect(step.ledger).toMatchObject([
      { state: "sent", sentAt: NOW + 2_999, expiresAt: NOW + 30_000, marks: { wasPaused: true } },
    ]);
  });

  test("[C22] no frame within 3 s, or a closed socket: nobody is there, and nothing was sent", () => {
    const { ledger } = takeCommand([], aRequest("resume"), heard(6_000, "moonraker"), NOW);
    const gone = ["resume rejected agent_offline"];
    expect(told(onTime(ledger, NOW + 3_000))).toEqual(gone);
    expect(told(onFrame(ledger, SOCKET, facts(), NOW + 3_000))).toEqual(gone);
    expect(told(onSocketClosed(ledger, SOCKET, NOW + 100))).toEqual(gone);
  });

  test("[C22] a waiting resume is judged again by the frame that answers", () => {
    const waiting = [checking("resume")];
    const printing = facts({ phase: "printing", phaseAt: NOW });
    expect(told(onFrame(waiting, SOCKET, printing, NOW))).toEqual(["resume rejected not_paused"]);
    expect(told(onFrame(waiting, SOCKET, facts({ isCancelSeen: true, phaseAt: NOW }), NOW))).toEqual([
      "resume rejected print_ending",
    ]);
    expect(told(onFrame(waiting, SOCKET, facts({}, OTHER), NOW))).toEqual(["resume superseded print_ended"]);
    expect(told(onFrame([checking("print_file")], SOCKET, facts(), NOW))).toEqual(["print_file rejected printing"]);
  });

  test("[C23] a pause or cancel taken meanwhile goes at once, and what waits to move never", () => {
    for (const kind of ["pause", "cancel"] as const) {
      const step = takeCommand([checking("resume")], aRequest(kind), facts({ isPauseSeen: true, ...FRESH }), NOW);
      expect(told(step)).toEqual(["resume superseded opposite_command", `send ${kind}`]);
      expect(told(onFrame(step.ledger, SOCKET, facts(), NOW + 10))).toEqual([]);
      const machine = facts({ ...FRESH, phase: "printing" }, null);
      const file = takeCommand([checking("print_file")], aRequest(kind), machine, NOW);
      expect(told(file)).toEqual(["print_file superseded opposite_command", `send ${kind}`]);
    }
  });
});

describe("order and opposites", () => {
  const opposites: readonly (readonly [CommandKind, CommandKind, boolean])[] = [
    ["pause", "resume", true],
    ["resume", "pause", true],
    ["pause", "cancel", true],
    ["resume", "cancel", true],
    ["cancel", "pause", false],
    ["cancel", "resume", false],
  ];

  test.each(opposites)("[C8] [C29] %s, then a delivered %s: the first is over: %s", (first, second, isOver) => {
    for (const earlier of [aCommand(first), delivered(first), unknown(first)]) {
      const later = aCommand(second);
      const step = onAnswer([earlier, later], { ref: later.ref, phase: null, error: "not supported" }, NOW);
      expect(told(step)).toEqual(isOver ? [`${first} superseded opposite_command`] : []);
      expect(states(step)).toContain(`${second} delivered`);
    }
  });

  test("[C30] an opposite that was refused supersedes nothing", () => {
    const resume = aCommand("resume");
    const step = onAnswer([delivered("pause"), resume], { ref: resume.ref, phase: "pausing", error: null }, NOW);
    expect(told(step)).toEqual(["resume failed refused"]);
    expect(states(step)).toEqual(["pause delivered"]);
  });

  test("[C34] the late receipt of an unknown resume supersedes an earlier pause", () => {
    const resume = unknown("resume");
    const step = onAnswer([delivered("pause"), resume], { ref: resume.ref, phase: null, error: "not supported" }, NOW);
    expect(told(step)).toEqual(["resume unknown connection_lost", "pause superseded opposite_command"]);
  });

  test("[C30] what belongs to another print is no opposite", () => {
    const cancel = aCommand("cancel", { printId: OTHER.id, printExtId: OTHER.extId });
    const step = onAnswer([unknown("pause"), cancel], { ref: cancel.ref, phase: null, error: null }, NOW);
    expect(told(step)).toEqual([]);
  });

  test("[C31] the end of a print reaches a command of it behind one that goes on", () => {
    const ended = { extId: PRINT.extId, by: "cancelled" } as const;
    const late = aSight({ isLive: false, event: seenEvent("failed"), current: null, ended });
    expect(states(onReport([delivered("cancel"), delivered("pause")], late, NOW))).toEqual(["cancel delivered"]);
    expect(told(onReport([delivered("cancel"), delivered("pause")], late, NOW))).toEqual([
      "pause superseded print_ended",
    ]);
  });

  test("[C40] evidence is the earliest un-ended command's; receipts name theirs", () => {
    const [pause, cancel] = [aCommand("pause"), aCommand("cancel")];
    const cancelling = onReport([pause, cancel], aSight({ phase: "cancelling" }), NOW);
    expect(states(cancelling)).toEqual(["pause sent", "cancel sent"]);
    const received = onAnswer([pause, cancel], { ref: cancel.ref, phase: "cancelling", error: null }, NOW);
    expect(states(received)).toEqual(["cancel delivered"]);
    expect(states(onReport([cancel], aSight({ phase: "cancelling" }), NOW))).toEqual(["cancel delivered"]);
  });

  test("[C31] the end of the print ends them all, in order", () => {
    const ended = { extId: PRINT.extId, by: "idle" } as const;
    const step = onReport(
      [aCommand("pause"), aCommand("cancel")],
      aSight({ printExtId: -1, current: null, ended }),
      NOW,
    );
    expect(told(step)).toEqual(["pause superseded print_ended", "cancel succeeded -"]);
  });

  test("[C40] an earlier command on an earlier socket holds nobody up", () => {
    const orphan = delivered("cancel", { connection: SOCKET - 1 });
    const step = onReport([orphan, aCommand("pause")], aSight({ phase: "pausing" }), NOW);
    expect(states(step)).toEqual(["cancel delivered", "pause delivered"]);
  });

  test("[C29] a settled unknown supersedes an earlier opposite one", () => {
    const earlier = { connection: SOCKET - 1 };
    const step = onReport([unknown("pause", earlier), unknown("resume", earlier)], aSight({ phase: "printing" }), NOW);
    expect(told(step)).toEqual(["resume succeeded -", "pause superseded opposite_command"]);
  });
});

describe("limits, sockets and receipts", () => {
  test("[C7] [C35] `sent` ends 30 s after it was made, `delivered` 6 min after the receipt; the deadline says when", () => {
    const taken = takeCommand([], aRequest("pause"), facts(), NOW);
    expect(ledgerDeadline(taken.ledger)).toBe(NOW + 30_000);
    const [sent] = taken.ledger;
    const received = onAnswer(
      taken.ledger,
      { ref: sent?.ref ?? "", phase: null, error: "not supported" },
      NOW + 29_999,
    );
    expect(ledgerDeadline(received.ledger)).toBe(NOW + 29_999 + 360_000);
    expect(told(onTime(received.ledger, NOW + 389_998))).toEqual([]);
    const step = onTime(received.ledger, NOW + 389_999);
    expect(told(step)).toEqual(["pause unknown not_settled"]);
    expect(ledgerDeadline(step.ledger)).toBeNull();
  });

  test("[C34] [C36] a receipt past the limit is noted and settles nothing; a late alarm changes nothing", () => {
    const command = aCommand("pause");
    const step = onAnswer([command], { ref: command.ref, phase: "pausing", error: null }, command.expiresAt);
    expect(told(step)).toEqual(["pause unknown no_receipt", "pause unknown no_receipt"]);
    expect(step.ledger).toMatchObject([{ state: "unknown", deliveredAt: command.expiresAt }]);
  });

  test("[C38] an unknown one leaves the ledger after 10 min, and no alarm is needed for that", () => {
    const command = unknown("pause");
    const at = (command.endedAt ?? 0) + 600_000;
    expect(onTime([command], at - 1).ledger).toHaveLength(1);
    expect(onTime([command], at)).toEqual({ ledger: [], effects: [] });
    expect(ledgerDeadline([command])).toBeNull();
  });

  test("[C36] nothing due changes nothing, not even the ledger's identity", () => {
    const ledger = [aCommand("pause"), delivered("cancel"), unknown("resume")];
    expect(onTime(ledger, NOW).ledger).toBe(ledger);
    expect(onReport(ledger, aSight({ phase: "printing" }), NOW).ledger).toBe(ledger);
    expect(onFrame(ledger, SOCKET, facts(), NOW).ledger).toBe(ledger);
    expect(onAnswer(ledger, { ref: "c:somebody", phase: null, error: null }, NOW).ledger).toBe(ledger);
  });

  test("[C38] an agent that comes and goes does not grow the ledger", () => {
    let ledger: readonly Command[] = [];
    for (let connection = 1; connection <= 40; connection += 1) {
      const taken = takeCommand(ledger, aRequest("pause"), facts({ connection }), NOW);
      ledger = onSocketClosed(taken.ledger, connection, NOW).ledger;
    }
    expect(ledger).toHaveLength(16);
    expect(ledger.at(-1)).toMatchObject({ connection: 40, state: "unknown", reason: "connection_lost" });
  });

  test("[C37] a closed socket makes a sent command unknown, and leaves a delivered one to its own limit", () => {
    const step = onSocketClosed([aCommand("pause"), delivered("cancel")], SOCKET, NOW);
    expect(states(step)).toEqual(["pause unknown", "cancel delivered"]);
    expect(states(onSocketClosed([aCommand("pause")], SOCKET - 1, NOW))).toEqual(["pause sent"]);
  });

  test("[C1] [C25] a frame that the socket did not take was never sent", () => {
    const command = aCommand("pause");
    const step = onSendFailed([command], command.id, NOW);
    expect(told(step)).toEqual(["pause rejected agent_offline"]);
    expect(step.effects).toMatchObject([{ command: { sentAt: null } }]);
    expect(onSendFailed([delivered("pause", { id: "other" })], "other", NOW).effects).toEqual([]);
  });

  test("[C4] [C32] a receipt counts whichever socket brings it, and only once", () => {
    const command = aCommand("pause");
    const first = onAnswer([command], { ref: command.ref, phase: "pausing", error: null }, NOW);
    expect(first.ledger).toMatchObject([{ state: "delivered", deliveredAt: NOW, settleBy: NOW + 360_000 }]);
    expect(onAnswer(first.ledger, { ref: command.ref, phase: "pausing", error: null }, NOW + 5).ledger).toBe(
      first.ledger,
    );
  });

  test("[C33] a receipt before the frame is handed over is a forgery", () => {
    const waiting = checking("resume");
    expect(onAnswer([waiting], { ref: waiting.ref, phase: "resuming", error: null }, NOW).ledger).toEqual([waiting]);
  });

  test("[C4] [C32] the transient state delivers, and a receipt after it changes no date", () => {
    const command = aCommand("pause");
    const transient = onReport([command], aSight({ phase: "pausing" }), NOW);
    expect(transient.ledger).toMatchObject([{ state: "delivered", deliveredAt: NOW, marks: { sawTransient: true } }]);
    expect(onAnswer(transient.ledger, { ref: command.ref, phase: null, error: "no" }, NOW + 9).ledger).toBe(
      transient.ledger,
    );
  });

  test("[C49] a resume remembers until the receipt that the printer was paused", () => {
    const command = aCommand("resume");
    const paused = onReport([command], aSight({ phase: "paused" }), NOW);
    const received = onAnswer(paused.ledger, { ref: command.ref, phase: null, error: "no" }, NOW + 1);
    expect(told(onReport(received.ledger, aSight({ phase: "printing" }), NOW + 2))).toEqual(["resume succeeded -"]);
    const resumed = onReport(paused.ledger, aSight({ phase: "printing" }), NOW + 1);
    const late = onAnswer(resumed.ledger, { ref: command.ref, phase: null, error: "no" }, NOW + 2);
    expect(told(onReport(late.ledger, aSight({ phase: "printing" }), NOW + 3))).toEqual([]);
  });

  test("[C49] one Paused, something else, one Paused is not two in a row", () => {
    const said = (["paused", "printing", "paused"] as const).reduce<LedgerStep>(
      (step, phase) => onReport(step.ledger, aSight({ phase }), NOW),
      { ledger: [aCommand("pause")], effects: [] },
    );
    expect(states(said)).toEqual(["pause sent"]);
    expect(told(onReport(said.ledger, aSight({ phase: "paused" }), NOW))).toEqual(["pause succeeded -"]);
  });

  test("[C50] a cancellation told by a backlog waits for the first live word", () => {
    const ended = { extId: PRINT.extId, by: "failed" } as const;
    const backlog = onReport([aCommand("cancel")], aSight({ isLive: false, current: null, ended }), NOW);
    expect(states(backlog)).toEqual(["cancel sent"]);
    expect(told(onReport(backlog.ledger, aSight({ printExtId: -1, current: null }), NOW))).toEqual([
      "cancel succeeded -",
    ]);
  });

  test("[C31] a print that the server ends takes its commands along", () => {
    const other = aCommand("pause", { printId: OTHER.id });
    const step = onPrintEnded([aCommand("pause"), delivered("cancel"), unknown("resume"), other], PRINT.id, NOW);
    expect(told(step)).toEqual(["pause", "cancel", "resume"].map((kind) => `${kind} superseded print_ended`));
    expect(step.ledger).toEqual([other]);
  });

  test("[C48] the event that proves it comes with whatever text", () => {
    const event = seenEvent("paused");
    expect(told(onReport([delivered("pause")], aSight({ event, phase: "printing" }), NOW))).toEqual([
      "pause succeeded -",
    ]);
  });
});

describe("what is read from a command", () => {
  const answers: readonly (readonly [Command, boolean, boolean])[] = [
    [aCommand("pause"), false, false],
    [aCommand("pause"), true, true],
    [checking("resume"), true, false],
    [delivered("pause"), false, true],
    [delivered("pause", { state: "succeeded" }), false, true],
    [aCommand("pause", { state: "succeeded" }), false, false],
    [aCommand("pause", { state: "failed" }), true, false],
    [unknown("pause"), true, false],
    [aCommand("pause", { state: "superseded" }), true, false],
    [aCommand("pause", { state: "rejected" }), true, false],
  ];

  test.each(answers)(
    "[C53] [C54] %#: succeeded is true for what was delivered, and for what is believed",
    (command, believed, yes) => {
      expect(commandSucceeded(command, believed)).toBe(yes);
    },
  );

  test("[C57] a frame without a receipt shows its reason after 2 s, if receipts are to be expected", () => {
    const command = aCommand("pause", { sentAt: NOW });
    expect(visibleReason(command, false, NOW + 1_999)).toBeNull();
    expect(visibleReason(command, false, NOW + 2_000)).toBe("no_receipt");
    expect(visibleReason(command, true, NOW + 2_000)).toBeNull();
    expect(visibleReason(unknown("pause"), false, NOW)).toBe("connection_lost");
  });

  test("[C58] the record shows nothing of how the ledger works", () => {
    const shown = [
      "id",
      "kind",
      "state",
      "reason",
      "agentWords",
      "printId",
      "initiator",
      "userId",
      "tokenName",
      "createdAt",
      "expiresAt",
    ];
    const times = ["settleBy", "sentAt", "deliveredAt", "endedAt"];
    expect(Object.keys(recordOf(aCommand("print_file"))).sort()).toEqual([...shown, ...times].sort());
  });

  test("[L21] [L22] a cancel of that print, under way or unknown, is what an inferred end asks for", () => {
    expect(isCancelUnderWay([aCommand("cancel")], PRINT.id)).toBe(true);
    expect(isCancelUnderWay([unknown("cancel")], PRINT.id)).toBe(true);
    expect(isCancelUnderWay([delivered("cancel")], OTHER.id)).toBe(false);
    expect(isCancelUnderWay([aCommand("pause")], PRINT.id)).toBe(false);
  });
});
