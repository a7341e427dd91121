import { describe, expect, test } from "vitest";
import type { Command, Evidence, Ledger } from "../../src/domain/command.ts";
import { COMMANDS } from "../../src/domain/command-kind.ts";
import { onAnswer, onFrame, onReport, onSocketClosed, onTime, takeCommand } from "../../src/domain/ledger.ts";
import { frame } from "../support/frames.ts";
import {
  aCommand,
  aRequest,
  aSight,
  delivered,
  FILE,
  facts,
  NO_MARKS,
  NOW,
  OTHER,
  PRINT,
  SOCKET,
  seenEvent,
} from "../support/ledger.ts";
import { MemoryPrinter } from "../support/memory-printer.ts";

/** The ledger after these reports, and every image that left it. */
function hear(ledger: Ledger, ...reports: Partial<Evidence>[]): { ledger: Ledger; ended: string[] } {
  const ended: string[] = [];
  const left = reports.reduce<Ledger>((before, report) => {
    const step = onReport(before, aSight(report), NOW);
    for (const effect of step.effects) {
      if (effect.type === "command-ended") ended.push(`${effect.command.kind} ${effect.command.state}`);
    }
    return step.ledger;
  }, ledger);
  return { ledger: left, ended };
}

function receipt(ledger: Ledger, { ref }: Command): Ledger {
  return onAnswer(ledger, { ref, phase: null, error: "not supported" }, NOW).ledger;
}

const OWED = { gaveReceipt: true } as const;

describe("an agent that gives receipts", () => {
  test("[C41] before the receipt nothing that the printer does was done by the command", () => {
    for (const kind of ["pause", "resume", "cancel"] as const) {
      const { transient, doneEvent } = COMMANDS[kind];
      const sent = aCommand(kind);
      const { ledger, ended } = hear(
        [sent],
        { ...OWED, phase: transient },
        { ...OWED, event: seenEvent(doneEvent) },
        { ...OWED, phase: "paused" },
        { ...OWED, phase: "paused" },
        { ...OWED, phase: "printing" },
      );
      expect([ended, ledger.map(({ state }) => state)]).toEqual([[], ["sent"]]);
      expect(receipt(ledger, sent).map(({ state }) => state)).toEqual(["delivered"]);
    }
  });

  test("[C41] after the receipt, what was seen before it counts", () => {
    const sent = aCommand("pause");
    const { ledger } = hear([sent], { ...OWED, phase: "pausing" });
    expect(hear(receipt(ledger, sent), { ...OWED, phase: "paused" }).ended).toEqual(["pause succeeded"]);
  });

  test("[C41] one that is unknown on its own open socket still waits for its receipt", () => {
    const { ledger } = onTime([aCommand("pause")], NOW + 30_000);
    expect(hear(ledger, { ...OWED, event: seenEvent("paused"), phase: "paused" }).ended).toEqual([]);
    const closed = onSocketClosed([aCommand("pause")], SOCKET, NOW).ledger;
    expect(hear(closed, { ...OWED, connection: SOCKET + 1, phase: "paused" }).ended).toEqual(["pause succeeded"]);
  });

  test("[C41] a print that ended otherwise ends it at once; a cancelled one may have been cancelled by it", () => {
    const over = { ...OWED, printExtId: -1, current: null } as const;
    const done = { ...over, ended: { extId: PRINT.extId, by: "done" } } as const;
    const cancelled = { ...over, ended: { extId: PRINT.extId, by: "cancelled" } } as const;
    for (const kind of ["pause", "cancel"] as const) {
      expect(hear([aCommand(kind)], done).ended).toEqual([`${kind} superseded`]);
    }
    const cancel = aCommand("cancel");
    const { ledger, ended } = hear([cancel], cancelled);
    expect(ended).toEqual([]);
    expect(hear(receipt(ledger, cancel), over).ended).toEqual(["cancel succeeded"]);
  });

  test("[C42] is one whose answer came too late for its command, too", () => {
    const printer = new MemoryPrinter(NOW);
    printer.open();
    printer.hear({ settings: { agent: { name: "homemade", version: "1" } } });
    printer.hear(frame({ ts: PRINT.extId, at: NOW / 1000 }));
    printer.hear({ passthru: { ref: "c:gone", error: "not supported" } });
    expect(printer.printer.socket?.gaveReceipt).toBe(true);
  });
});

describe("what happens meanwhile", () => {
  const SEEN = { ...NO_MARKS, sawTransient: true, contradictedAt: NOW - 20_000 };
  /** Begun by hand, not from the file that is downloaded. */
  const own = { current: { ...PRINT, gCodeFileId: null } } as const;
  const cancelling = delivered("cancel", { marks: SEEN });

  test("[C43] a text that denies the command counts only while nothing else can explain it", () => {
    const denied = { phase: "printing" } as const;
    expect(hear([cancelling], denied).ended).toEqual(["cancel failed"]);
    const followed = takeCommand([cancelling], aRequest("pause"), facts(), NOW).ledger;
    const late = { isLive: false, phase: "cancelling" } as const;
    expect(hear(followed, denied).ended).toEqual([]);
    expect(hear([cancelling], late, denied).ended).toEqual([]);
  });

  test("[C43] a download's text comes and goes over that of others", () => {
    const download = delivered("print_file", { printId: null, printExtId: null, file: FILE });
    const { ledger } = takeCommand([download], aRequest("pause"), facts(), NOW);
    expect(hear(ledger, { ...own, phase: "pausing" }, { ...own, phase: "printing" }).ended).toEqual([]);
    expect(hear(ledger, { ...own, phase: "pausing" }, { ...own, phase: "paused" }).ended).toEqual(["pause succeeded"]);
  });

  test("[C43] a download is also known by its text alone", () => {
    const { ledger } = takeCommand([], aRequest("pause"), facts({ downloadSeenAt: NOW - 60_000 }), NOW);
    expect(hear(ledger, { phase: "pausing" }, { phase: "printing" }).ended).toEqual([]);
  });

  test("[C43] one that replaced an unread one may find that nothing is left to do", () => {
    const { ledger } = takeCommand([aCommand("cancel")], aRequest("cancel"), facts(), NOW);
    expect(hear(ledger, { phase: "cancelling" }, { phase: "printing" }).ended).toEqual([]);
    expect(hear(ledger, { phase: "cancelling" }, { event: seenEvent("cancelled") }).ended).toEqual([
      "cancel succeeded",
    ]);
  });

  test("[C28] a frame that is out is superseded by the same kind only when that is sent", () => {
    const silent = facts({ lastFrameAt: NOW - 6_000 });
    const resume = aCommand("resume");
    const asked = takeCommand([resume], aRequest("resume"), silent, NOW);
    expect(asked.ledger.map(({ state }) => state)).toEqual(["sent", "checking"]);
    const gone = onTime(asked.ledger, NOW + 3_000).ledger;
    expect(receipt(gone, resume).map(({ state }) => state)).toEqual(["delivered"]);
    const there = onFrame(asked.ledger, SOCKET, facts(), NOW + 100);
    expect(there.ledger.map(({ state }) => state)).toEqual(["sent"]);
    expect(there.effects).toMatchObject([
      { type: "command-ended", command: { id: resume.id, state: "superseded", reason: "replaced" } },
      { type: "send-command", command: { id: asked.commandId } },
    ]);
  });

  test("[C51] a transient text that outlives its print is no sign of another print's", () => {
    const elsewhere = { printExtId: OTHER.extId, current: OTHER, phase: "cancelling" } as const;
    expect(hear([delivered("cancel")], elsewhere).ended).toEqual(["cancel failed"]);
    expect(hear([cancelling], elsewhere).ended).toEqual(["cancel succeeded"]);
    expect(hear([delivered("cancel")], { isLive: false }, elsewhere).ended).toEqual(["cancel succeeded"]);
  });

  test("[C31] the end of a print is told to every command of it, whatever waits before it", () => {
    const done = { ended: { extId: PRINT.extId, by: "done" }, current: null } as const;
    const ledger = [delivered("pause"), delivered("cancel")];
    expect(hear(ledger, done, { printExtId: -1, current: null }).ended).toEqual([
      "pause superseded",
      "cancel superseded",
    ]);
  });

  test("[C40] the event of a command that was read counts while an earlier one stays open; its phases do not", () => {
    const ledger = [delivered("cancel"), delivered("resume", { marks: SEEN })];
    expect(hear(ledger, { phase: "printing" }).ended).toEqual([]);
    expect(hear(ledger, { phase: "printing", event: seenEvent("resumed") }).ended).toEqual(["resume succeeded"]);
    expect(hear([delivered("cancel"), aCommand("resume")], { event: seenEvent("resumed") }).ended).toEqual([]);
  });

  test("[C43] what was done before its turn, or before its receipt, is not denied by what shows later", () => {
    const denied = { phase: "paused", at: NOW + 30_000 } as const;
    const early = [{ phase: "resuming" }, { phase: "resuming", event: seenEvent("resumed") }] as const;
    const resume = aCommand("resume");
    const before = hear([resume], { ...OWED, ...early[0] }, { ...OWED, ...early[1] });
    const later = hear(receipt(before.ledger, resume), { phase: "paused" }, denied);
    expect([before.ended, later.ended]).toEqual([[], []]);
    const behind = hear([delivered("cancel"), delivered("resume")], early[0], { phase: "printing" });
    expect(hear(behind.ledger.slice(1), { phase: "paused" }, denied).ended).toEqual([]);
  });

  test("[C40] a download that never ends keeps no evidence from others", () => {
    const download = delivered("print_file", { printId: null, printExtId: null, file: FILE });
    expect(hear([download, delivered("pause")], { ...own, event: seenEvent("paused") }).ended).toEqual([
      "pause succeeded",
    ]);
  });
});
