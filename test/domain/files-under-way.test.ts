/** A second file for an agent that has one, or may have one: what is sent, what is refused, and until when. */
import { describe, expect, test } from "vitest";
import type { AgentFacts, Command, LedgerStep } from "../../src/domain/command.ts";
import { onAnswer, onFrame, onReport, onTime, takeCommand } from "../../src/domain/ledger.ts";
import type { Phase } from "../../src/domain/phase.ts";
import { NO_THREADS } from "../../src/domain/threads.ts";
import {
  aCommand,
  aRequest,
  aSight,
  checking,
  delivered,
  FILE,
  facts,
  NO_MARKS,
  NOW,
  SOCKET,
  unknown,
} from "../support/ledger.ts";

const OTHER_FILE = { ...FILE, id: 99 };
const MINUTE = 60_000;

const SENT = aCommand("print_file");
const DELIVERED = delivered("print_file");
const LOST = unknown("print_file");
const READ_LATE = unknown("print_file", { deliveredAt: NOW - 100 });
const GIVEN_UP = unknown("print_file", { reason: "not_settled", deliveredAt: NOW - 6 * MINUTE });
const OF_EARLIER_SOCKET = unknown("print_file", { connection: SOCKET - 1 });
const EARLIER = { SENT, DELIVERED, LOST, READ_LATE, GIVEN_UP, OF_EARLIER_SOCKET };

const IDLE: Partial<AgentFacts> = { phase: "idle", phaseAt: NOW };
const FETCHING: Partial<AgentFacts> = { phase: "downloading", phaseAt: NOW };
const UNPROVEN: Partial<AgentFacts> = { ...IDLE, expectsReceipt: false };

function told({ effects }: LedgerStep): string[] {
  return effects.flatMap((effect) => {
    if (effect.type !== "command-ended")
      return [effect.type === "send-command" ? `send ${effect.command.ref}` : "probe"];
    return [`${effect.command.state} ${effect.command.reason}`];
  });
}

/** What a second file's command comes to: its frame's ref, the command that answers instead, or the reason. */
function outcome(earlier: Command, isSame: boolean, agent: Partial<AgentFacts>): string {
  const request = aRequest("print_file", { file: isSame ? FILE : OTHER_FILE });
  const step = takeCommand([earlier], request, facts(agent, null), NOW);
  if (step.commandId === earlier.id) return "the same command";
  const words = told(step).map((word) => word.replace(earlier.ref, "the same ref").replace(request.ref, "a new ref"));
  return words.join(", ");
}

const AGAIN = "superseded replaced, send the same ref";
const REFUSED = "rejected file_under_way";
const NEW = "send a new ref";
const TWIN = "the same command";

describe("a second file", () => {
  const table: readonly (readonly [keyof typeof EARLIER, Partial<AgentFacts>, string, string])[] = [
    ["SENT", IDLE, AGAIN, REFUSED],
    ["SENT", FETCHING, AGAIN, REFUSED],
    ["SENT", UNPROVEN, TWIN, REFUSED],
    ["DELIVERED", IDLE, TWIN, REFUSED],
    ["DELIVERED", FETCHING, TWIN, REFUSED],
    ["LOST", IDLE, AGAIN, REFUSED],
    ["LOST", UNPROVEN, AGAIN, NEW],
    ["OF_EARLIER_SOCKET", { phase: null }, AGAIN, REFUSED],
    ["OF_EARLIER_SOCKET", IDLE, AGAIN, NEW],
    ["OF_EARLIER_SOCKET", FETCHING, AGAIN, REFUSED],
    ["READ_LATE", IDLE, REFUSED, REFUSED],
    ["GIVEN_UP", IDLE, NEW, NEW],
    ["GIVEN_UP", FETCHING, REFUSED, REFUSED],
  ];

  test.each(table)("[C90] [C91] after one that is %s, %o: the same %s, another %s", (name, agent, same, other) => {
    expect([outcome(EARLIER[name], true, agent), outcome(EARLIER[name], false, agent)]).toEqual([same, other]);
  });

  test("[C91] a download that nobody here asked for is one, too, for 75 s", () => {
    const take = (phaseAt: number) =>
      told(takeCommand([], aRequest("print_file"), facts({ phase: "downloading", phaseAt }, null), NOW)).join();
    expect([take(NOW - 75_000), take(NOW - 75_001)]).toEqual([REFUSED, expect.stringContaining("send")]);
  });

  test("[C28] [C91] one that waits for its probe keeps nobody from choosing another file", () => {
    const waiting = checking("print_file");
    const step = takeCommand([waiting], aRequest("print_file", { file: OTHER_FILE }), facts(IDLE, null), NOW);
    expect(told(step)).toEqual(["superseded replaced", expect.stringContaining("send")]);
  });

  test("[C90] the receipt of the repeated ref is that of the newer command, whichever frame was read", () => {
    const again = takeCommand([SENT], aRequest("print_file"), facts(IDLE, null), NOW);
    const { ledger, effects } = onAnswer(again.ledger, { ref: SENT.ref, phase: null, error: null }, NOW + 10);
    expect([ledger, effects]).toMatchObject([[{ id: again.commandId, state: "delivered" }], []]);
  });

  test("[C90] [C91] what waited for its probe is judged anew: the receipt of the first may have come", () => {
    const silent = facts({ ...IDLE, lastFrameAt: NOW - 6_000 }, null);
    const { ledger } = takeCommand([SENT], aRequest("print_file"), silent, NOW);
    const repeated = onFrame(ledger, SOCKET, facts(IDLE, null), NOW + 10);
    expect(told(repeated)).toEqual(["superseded replaced", `send ${SENT.ref}`]);
    const answered = onAnswer(ledger, { ref: SENT.ref, phase: null, error: null }, NOW + 5);
    expect(told(onFrame(answered.ledger, SOCKET, facts(IDLE, null), NOW + 10))).toEqual([REFUSED]);
    const busy = onAnswer(ledger, { ref: SENT.ref, phase: null, error: "Printer busy!" }, NOW + 5);
    const anew = told(onFrame(busy.ledger, SOCKET, facts(IDLE, null), NOW + 10));
    expect(anew).toEqual([expect.stringMatching(/^send c:/)]);
    expect(anew).not.toEqual([`send ${SENT.ref}`]);
  });
});

describe("the limit of a file that was delivered", () => {
  const at = (minutes: number) => (DELIVERED.deliveredAt ?? 0) + minutes * MINUTE;

  /** When it is given up, in minutes since its delivery, after what was shown at those minutes. */
  function limitAfter(...shown: readonly (readonly [number, Phase, boolean?, number?])[]): number {
    const after = shown.reduce<readonly Command[]>(
      (ledger, [minutes, phase, isLive = true, owed = 0]) => {
        const threads = { ...NO_THREADS, owed: owed === 0 ? [] : [at(minutes)], ended: null };
        const sight = aSight({ at: at(minutes), phase, isLive, threads, printExtId: -1, current: null });
        return onReport(ledger, sight, at(minutes)).ledger;
      },
      [DELIVERED],
    );
    return ((after[0]?.settleBy ?? 0) - at(0)) / MINUTE;
  }

  test.each([
    ["nothing", [], 6],
    ["a download", [[0.1, "downloading"]], 30],
    ["a download from a backlog", [[0.1, "downloading", false]], 6],
    [
      "a download, again and again",
      [
        [0.1, "downloading"],
        [20, "downloading"],
      ],
      30,
    ],
    [
      "an idle printer, whose agent shows no downloads",
      [
        [0.1, "idle"],
        [5, "idle"],
      ],
      6,
    ],
    [
      "a download that is shown no more",
      [
        [0.1, "downloading"],
        [2, "idle"],
        [2.5, "idle"],
      ],
      3,
    ],
    [
      "one whose printer was lost",
      [
        [0.1, "downloading"],
        [2, "offline"],
      ],
      3,
    ],
    [
      "a text of before the download",
      [
        [0.1, "downloading"],
        [0.2, "idle"],
        [0.3, "downloading"],
      ],
      30,
    ],
    [
      "a download that its agent shows for ten minutes only",
      [
        [0.1, "downloading"],
        [10, "idle"],
      ],
      30,
    ],
    [
      "something else that went on beside it",
      [
        [0.1, "downloading"],
        [1, "printing"],
        [2, "idle"],
      ],
      30,
    ],
    [
      "the end of a command's thread",
      [
        [0.1, "downloading"],
        [2, "idle", true, 1],
      ],
      30,
    ],
  ] as const)("[C92] %s", (_name, shown, minutes) => {
    expect(limitAfter(...shown)).toBeCloseTo(minutes);
  });

  test("[C35] [C92] past it the command is unknown, and the next one goes out as a new download", () => {
    const over = onTime([{ ...DELIVERED, settleBy: NOW + MINUTE }], NOW + MINUTE);
    expect(told(over)).toEqual(["unknown not_settled"]);
    const known = facts({ ...IDLE, lastFrameAt: NOW + MINUTE }, null);
    const request = aRequest("print_file");
    expect(told(takeCommand(over.ledger, request, known, NOW + MINUTE))).toEqual([`send ${request.ref}`]);
  });
});

describe("words of a refusal", () => {
  const BUSY = { phase: null, error: "Printer busy!" };
  const passedBy = { via: "passthru" } as const;

  test.each([
    ["a file", aCommand("print_file")],
    ["a file, given up", LOST],
    ["a pause past the scripts", aCommand("pause", passedBy)],
    ["a pause past the scripts, given up", unknown("pause", passedBy)],
  ])("[C93] %s: refused in words is failed, and the words stay with it", (_name, command) => {
    const { ledger, effects } = onAnswer([command], { ...BUSY, ref: command.ref }, NOW);
    const failed = { state: "failed", reason: "refused", agentWords: "Printer busy!" };
    expect([ledger, effects]).toMatchObject([[], [{ type: "command-ended", command: failed }]]);
  });

  test("[C93] an error that answers a state probe is no refusal", () => {
    const command = aCommand("pause");
    const { ledger } = onAnswer([command], { ...BUSY, ref: command.ref }, NOW);
    expect(ledger).toMatchObject([{ state: "delivered", agentWords: null, marks: NO_MARKS }]);
  });
});
