import { describe, expect, test } from "vitest";
import {
  type Command,
  type CommandState,
  type Evidence,
  type Ledger,
  type LedgerFacts,
  type LedgerStep,
  ledgerDeadline,
} from "../../src/domain/command.ts";
import { COMMANDS } from "../../src/domain/command-kind.ts";
import {
  onAnswer,
  onFrame,
  onReport,
  onSendFailed,
  onSocketClosed,
  onTime,
  takeCommand,
} from "../../src/domain/ledger.ts";
import { aRequest, FILE, NOW, OTHER, PRINT } from "../support/ledger.ts";
import { fc } from "../support/random.ts";

/** The transitions that [C1] to [C9] allow; a rejected command is never in the ledger. */
const EDGES: Readonly<Record<CommandState, readonly CommandState[]>> = {
  checking: ["sent", "rejected", "superseded"],
  sent: ["delivered", "succeeded", "failed", "unknown", "superseded", "rejected"],
  delivered: ["succeeded", "failed", "unknown", "superseded"],
  unknown: ["succeeded", "superseded"],
  rejected: [],
  succeeded: [],
  failed: [],
  superseded: [],
};

const SHOWN = ["printing", "pausing", "paused", "resuming", "cancelling", "idle", null] as const;
const EVENTS = ["paused", "resumed", "cancelling", "cancelled"] as const;
const ENDS = ["done", "failed", "failed-error", "idle", "other-print"] as const;
const PRINTS = [PRINT, PRINT, { ...OTHER, gCodeFileId: FILE.id }, null];

/** One input, with the choices that it makes of what is there. `afterMs` passes before it. */
const input = fc.record({
  type: fc.constantFrom(
    "take",
    "take",
    "answer",
    "frame",
    "report",
    "report",
    "report",
    "send-failed",
    "closed",
    "time",
  ),
  afterMs: fc.oneof(fc.constantFrom(0, 100, 2_999, 3_000, 30_000), fc.nat(8_000), fc.nat(400_000)),
  kind: fc.constantFrom("pause", "resume", "cancel", "print_file"),
  pick: fc.nat(5),
  print: fc.constantFrom(...PRINTS),
  connection: fc.integer({ min: 1, max: 3 }),
  silentMs: fc.constantFrom(0, 4_000, 5_001, 60_000, 80_000),
  expectsReceipt: fc.boolean(),
  hasAgent: fc.boolean(),
  isLive: fc.boolean(),
  phase: fc.constantFrom(...SHOWN),
  event: fc.option(fc.constantFrom(...EVENTS)),
  end: fc.option(fc.constantFrom(...ENDS)),
  answered: fc.constantFrom(null, "pausing", "printing", "cancelling"),
});

type Chosen = typeof input extends fc.Arbitrary<infer T> ? T : never;

function factsOf(chosen: Chosen, now: number): LedgerFacts {
  const { connection, expectsReceipt, phase, silentMs, print } = chosen;
  const seen = { isPauseSeen: phase === "paused", isCancelSeen: false, downloadSeenAt: null, shownPhase: phase };
  const how = { pauseVia: "commands", isCrowded: false } as const;
  const heard = { lastFrameAt: now - silentMs, phase, phaseAt: now - silentMs };
  return { print, agent: chosen.hasAgent ? { connection, expectsReceipt, ...heard, ...seen, ...how } : null };
}

function evidenceOf({ connection, isLive, phase, event, print, end }: Chosen, at: number): Evidence {
  const ended = end === null ? null : { extId: PRINT.extId, by: end };
  const told = event === null ? null : { type: event, fileName: null, reason: null };
  return {
    connection,
    at,
    threads: null,
    gaveReceipt: false,
    isLive,
    phase,
    event: told,
    printExtId: print?.extId ?? -1,
    current: end === null ? print : null,
    ended,
  };
}

function apply(ledger: Ledger, chosen: Chosen, now: number): LedgerStep {
  const picked = ledger[chosen.pick % Math.max(1, ledger.length)];
  switch (chosen.type) {
    case "take":
      return takeCommand(ledger, aRequest(chosen.kind as Command["kind"]), factsOf(chosen, now), now); // safe: from the list above
    case "answer":
      return onAnswer(ledger, { ref: picked?.ref ?? "c:nobody", phase: chosen.answered, error: null }, now);
    case "frame":
      return onFrame(ledger, chosen.connection, { ...factsOf({ ...chosen, silentMs: 0 }, now) }, now);
    case "report":
      return onReport(ledger, evidenceOf(chosen, now), now);
    case "send-failed":
      return onSendFailed(ledger, picked?.id ?? "nobody", now);
    case "closed":
      return onSocketClosed(ledger, chosen.connection, now);
    default:
      return onTime(ledger, now);
  }
}

interface Moment {
  readonly chosen: Chosen;
  readonly now: number;
  readonly before: Ledger;
  readonly step: LedgerStep;
}

/** Every input's moment, in order; the ledger goes through JSON in between, as it does in storage. */
function play(inputs: readonly Chosen[]): Moment[] {
  let now = NOW;
  let ledger: Ledger = [];
  return inputs.map((chosen) => {
    now += chosen.afterMs;
    const step = apply(ledger, chosen, now);
    const moment = { chosen, now, before: ledger, step };
    ledger = JSON.parse(JSON.stringify(step.ledger));
    return moment;
  });
}

/** The images that a command went through in a step, in order. */
function images({ before, step }: Moment, id: string): CommandState[] {
  const told = step.effects.flatMap((effect) => (effect.type === "send-probe" ? [] : [effect.command]));
  const all = [...before, ...told, ...step.ledger].filter((command) => command.id === id);
  return all.map(({ state }) => state).filter((state, index, list) => state !== list[index - 1]);
}

function idsOf({ before, step }: Moment): string[] {
  const told = step.effects.flatMap((effect) => (effect.type === "send-probe" ? [] : [effect.command]));
  return [...new Set([...before, ...told, ...step.ledger].map(({ id }) => id))];
}

function check(holds: (moments: Moment[]) => void): void {
  fc.assert(
    fc.property(fc.array(input, { minLength: 1, maxLength: 30 }), (inputs) => holds(play(inputs))),
    { numRuns: 1_000 },
  );
}

describe("any sequence of inputs", () => {
  test("[C9] states only move along the allowed edges, and what ended stays so", () => {
    check((moments) => {
      for (const moment of moments) {
        for (const id of idsOf(moment)) {
          const [first, ...rest] = images(moment, id);
          rest.reduce((from, to) => {
            expect(EDGES[from ?? "checking"]).toContain(to);
            return to;
          }, first);
        }
      }
      const final = moments.flatMap(({ step }) =>
        step.effects.flatMap((effect) =>
          effect.type === "command-ended" && effect.command.state !== "unknown" ? [effect.command.id] : [],
        ),
      );
      expect(new Set(final).size).toBe(final.length);
    });
  });

  test("[C24] a frame is handed over once, now, to the socket that is open, for the print that is current", () => {
    check((moments) => {
      const sent = new Set<string>();
      for (const { step, now, chosen } of moments) {
        for (const effect of step.effects) {
          if (effect.type !== "send-command") continue;
          const { id, kind, sentAt, expiresAt, connection, printId } = effect.command;
          expect(sent.has(id)).toBe(false);
          sent.add(id);
          expect([sentAt, connection]).toEqual([now, chosen.connection]);
          expect(now).toBeLessThan(expiresAt);
          expect(printId).toBe(kind === "print_file" ? null : (chosen.print?.id ?? null));
          const isMotion = kind === "resume" || kind === "print_file";
          if (isMotion && chosen.type === "take")
            expect(chosen.silentMs).toBeLessThanOrEqual(chosen.expectsReceipt ? 5_000 : 75_000);
        }
      }
    });
  });

  test("[C40] evidence other than a receipt is the earliest un-ended command's on its socket", () => {
    check((moments) => {
      for (const { before, step, chosen, now } of moments) {
        if (chosen.type !== "report" || chosen.end !== null) continue;
        const open = onTime(before, now).ledger.filter(
          ({ kind, connection, state }) =>
            kind !== "print_file" && connection === chosen.connection && (state === "sent" || state === "delivered"),
        );
        const left = open.filter(({ id }) => step.ledger.some((command) => command.id === id));
        const behind = left.slice(1);
        for (const command of behind) {
          if (command.kind !== "print_file" && COMMANDS[command.kind].doneEvent === chosen.event) continue;
          expect(step.ledger.find(({ id }) => id === command.id)?.state).toBe(command.state);
        }
      }
    });
  });

  test("[C35] nothing is left past its limit, and the deadline names the next one", () => {
    check((moments) => {
      for (const { step, now, chosen } of moments) {
        const due = ledgerDeadline(step.ledger);
        if (due === null || chosen.type === "send-failed") continue;
        expect(due).toBeGreaterThan(now);
        const later = onTime(step.ledger, due);
        expect(later.effects).not.toEqual([]);
      }
    });
  });
});
