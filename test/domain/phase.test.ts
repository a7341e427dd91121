import { expect, test } from "vitest";
import { canHave } from "../../src/domain/phase.ts";
import { readAgentMessage } from "../../src/protocol/agent.ts";
import { frame } from "../support/frames.ts";
import { aRequest } from "../support/ledger.ts";
import { MemoryPrinter } from "../support/memory-printer.ts";
import { QUICK_RECORDINGS, RECORDINGS } from "../support/recordings.ts";

const T = 1_790_000_100;

test.each(Object.entries({ ...RECORDINGS, ...QUICK_RECORDINGS }))(
  "[P44] every event of the recording %s can have the phase that was beside it",
  (_name, lines) => {
    const reports = lines.flatMap((line) =>
      line.kind === "frame" ? [readAgentMessage(JSON.stringify(line.frame)).frame.report] : [],
    );
    const pairs = reports.flatMap((report) =>
      report?.event == null ? [] : [[report.event.type, report.status?.phase ?? null] as const],
    );
    expect(pairs.length).toBeGreaterThanOrEqual(5);
    expect(pairs.filter(([event, phase]) => !canHave(event, phase))).toEqual([]);
  },
);

test.each([
  ["pause", "PrintPaused", "Printing", "Pausing"],
  ["resume", "PrintResumed", "Paused", "Resuming"],
  ["cancel", "PrintCancelled", "Printing", "Cancelling"],
] as const)(
  "[C48] [P44] a %s, and %s with the text %s: it was held up, and is of another time",
  (kind, event, late, own) => {
    for (const text of [late, own]) {
      const bench = new MemoryPrinter(T * 1000);
      bench.open();
      bench.answer();
      bench.hear(frame({ ts: T, at: T, text: kind === "resume" ? "Paused" : "Printing" }));
      const request = aRequest(kind);
      bench.apply({ type: "command", command: request });
      bench.answer(request.ref);
      bench.now += 1_000;
      bench.hear(frame({ ts: T, at: T + 1, text, event }));
      expect(bench.printer.state.ledger.length, text).toBe(text === late ? 1 : 0);
    }
  },
);
