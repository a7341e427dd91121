import { describe, expect, test } from "vitest";
import {
  moveSafetyPause,
  noteTry,
  type SafetyFacts,
  type SafetyMove,
  type SafetyPause,
  startSafetyPause,
} from "../../src/domain/safety-pause.ts";

const START = 1_790_000_000_000;
const PRINT = 700_001;

function facts(patch: Partial<SafetyFacts> = {}): SafetyFacts {
  return { currentPrintId: PRINT, isPauseSeen: false, isCalledOff: false, connection: 1, commands: [], ...patch };
}

/** A pause that was tried at these seconds after its start, over these sockets. */
function tried(...tries: readonly (readonly [second: number, connection: number])[]): SafetyPause {
  return tries.reduce(
    (pause, [second, connection], index) => noteTry(pause, `command-${index}`, connection, START + second * 1_000),
    startSafetyPause(PRINT, START),
  );
}

function escalated(pause: SafetyPause): SafetyPause {
  return { ...pause, isEscalated: true };
}

const SENT = { state: "sent", deliveredAt: null } as const;
const LOST = { state: "unknown", deliveredAt: null } as const;
const DELIVERED = { state: "delivered", deliveredAt: START + 100 } as const;
const REFUSED = { state: "failed", deliveredAt: START + 100 } as const;

const TRY: SafetyMove = { type: "try" };
const ESCALATE: SafetyMove = { type: "escalate" };

function wait(second: number | null): SafetyMove {
  return { type: "wait", until: second === null ? null : START + second * 1_000 };
}

const CASES: readonly (readonly [string, SafetyPause, Partial<SafetyFacts>, number, SafetyMove])[] = [
  ["[W1] at once", tried(), {}, 0, TRY],
  ["[W1] 10 s apart", tried([0, 1]), { commands: [SENT] }, 9.999, wait(10)],
  ["[W1] again after 10 s", tried([0, 1]), { commands: [SENT] }, 10, TRY],
  ["[W1] a third time", tried([0, 1], [10, 1]), { commands: [SENT, SENT] }, 20, TRY],
  ["[W1] no fourth time", tried([0, 1], [10, 1], [20, 1]), { commands: [LOST, SENT, SENT] }, 29.999, wait(30)],
  ["[W6] not confirmed", tried([0, 1], [10, 1], [20, 1]), { commands: [LOST, SENT, SENT] }, 30, ESCALATE],
  ["[W6] said once", escalated(tried([0, 1], [10, 1], [20, 1])), { commands: [LOST, LOST, LOST] }, 60, wait(null)],
  ["[W3] nobody there", tried(), { connection: null }, 0, wait(30)],
  ["[W6] nobody there for 30 s", tried(), { connection: null }, 30, ESCALATE],
  ["[W3] somebody came", tried(), { connection: 2 }, 12, TRY],
  ["[W2] one at once on a reconnect", tried([0, 1]), { connection: 2, commands: [LOST] }, 3, TRY],
  [
    "[W2] a reconnect after the last try",
    escalated(tried([0, 1], [10, 1], [20, 1])),
    { connection: 2, commands: [LOST] },
    200,
    TRY,
  ],
  [
    "[W2] only one on that reconnect",
    escalated(tried([0, 1], [10, 1], [20, 1], [200, 2])),
    { connection: 2, commands: [LOST] },
    300,
    wait(null),
  ],
  ["[W3] the socket is gone between tries", tried([0, 1]), { connection: null, commands: [LOST] }, 10, wait(30)],
  ["[W4] delivered: waited for", tried([0, 1]), { commands: [DELIVERED] }, 10, wait(null)],
  [
    "[W4] delivered: waited for over a reconnect",
    tried([0, 1]),
    { connection: 2, commands: [DELIVERED] },
    40,
    wait(null),
  ],
  ["[W6] delivered and not obeyed", tried([0, 1]), { commands: [REFUSED] }, 2, ESCALATE],
  ["[W6] delivered, never settled", tried([0, 1]), { commands: [{ ...DELIVERED, state: "unknown" }] }, 361, ESCALATE],
  [
    "[W4] delivered once: no new try on a reconnect",
    escalated(tried([0, 1])),
    { connection: 2, commands: [REFUSED] },
    50,
    wait(null),
  ],
  ["[W5] seen paused", tried([0, 1]), { isPauseSeen: true, commands: [SENT] }, 1, { type: "stop", because: "paused" }],
  ["[W5] the print is over", tried([0, 1]), { currentPrintId: null }, 1, { type: "stop", because: "print_ended" }],
  ["[W5] another print", tried(), { currentPrintId: PRINT + 1 }, 1, { type: "stop", because: "print_ended" }],
  ["[W5] called off", tried(), { isCalledOff: true }, 0, { type: "stop", because: "called_off" }],
];

describe("the safety pause", () => {
  test.each(CASES)("%s", (_name, pause, patch, second, move) => {
    expect(moveSafetyPause(pause, facts(patch), START + second * 1_000)).toEqual(move);
  });

  test("[W7] a try keeps its command, its moment and its socket", () => {
    const pause = noteTry(startSafetyPause(PRINT, START), "command-1", 7, START + 5);
    expect(pause).toEqual({
      ...{ printId: PRINT, startedAt: START, commandIds: ["command-1"] },
      ...{ triedAt: START + 5, triedConnection: 7, isEscalated: false },
    });
  });
});
