/** When a phase of moonraker-obico's may be held against a command: its threads, and the ends that they post. */
import { describe, expect, test } from "vitest";
import type { Report } from "../../src/domain/report.ts";
import { isBelievable, isCrowded, isEnd, NO_THREADS, oweEnd, takeEnd } from "../../src/domain/threads.ts";
import { readAgentMessage } from "../../src/protocol/agent.ts";
import { frame } from "../support/frames.ts";
import { aRequest, NOW } from "../support/ledger.ts";
import { MemoryPrinter } from "../support/memory-printer.ts";

const T = 1_790_000_100;

function report(said: Partial<Parameters<typeof frame>[0]>, more: object = {}): Report {
  const read = readAgentMessage(JSON.stringify({ ...frame({ ts: T, at: T + 100, ...said }), ...more }));
  if (read.frame.report === null) throw new Error("no report");
  return read.frame.report;
}

describe("a report of moonraker-obico's", () => {
  const earlier = { reportTs: T + 90, reportPhase: "printing" } as const;
  test.each([
    ["a settled text soon after the report before", report({}), earlier, true],
    ["a settled text a regular report later", report({ at: T + 119.9 }), earlier, false],
    ["a settled text after a transient one", report({ at: T + 130 }), { ...earlier, reportPhase: "pausing" }, true],
    ["a transient text", report({ text: "Pausing" }), earlier, false],
    ["one with an event", report({ event: "PrintPaused" }), earlier, false],
    ["one with settings", report({}, { settings: {} }), earlier, false],
    ["the first of its socket", report({}), { reportTs: null, reportPhase: null }, false],
  ] as const)("[C71] is an end of a call or not: %s", (_name, said, before, expected) => {
    expect(isEnd(said, before)).toBe(expected);
  });
});

describe("what contradicts a command sent at NOW, seconds later", () => {
  const owing = oweEnd(NO_THREADS, NOW);
  const at = (seconds: number) => NOW + seconds * 1000;
  const refused = { refusedAt: NOW + 500 };
  const twoOwed = oweEnd(oweEnd(NO_THREADS, NOW - 3_000), NOW);
  const oneLeft = takeEnd(twoOwed, true, at(1));
  test.each([
    ["nothing while its own end is owed", takeEnd(owing, false, at(60)), at(60), false],
    ["its own end is a sight from before", takeEnd(owing, true, at(5)), at(5), false],
    ["a report less than 2 s after its end", takeEnd(owing, true, at(5)), at(6.9), false],
    ["a report 2 s after its end", takeEnd(owing, true, at(5)), at(7), true],
    ["its own end, once Klipper refused", takeEnd({ ...owing, ...refused }, true, at(5)), at(5), true],
    ["its own end, with a refusal from before", takeEnd({ ...owing, refusedAt: NOW - 1 }, true, at(5)), at(5), false],
    ["another's end", oneLeft, at(30), false],
    [
      "its own end after another's, once Klipper refused",
      takeEnd({ ...oneLeft, ...refused }, true, at(5)),
      at(5),
      false,
    ],
    ["a report after both ends", takeEnd(oneLeft, true, at(5)), at(7), true],
    ["an end of a call that was given up", takeEnd(owing, true, at(300)), at(310), false],
    ["an end that never came", takeEnd(owing, false, at(337)), at(337), false],
  ] as const)("[C71] %s", (_name, threads, now, expected) => {
    expect(isBelievable(threads, NOW, now)).toBe(expected);
  });

  test("[C71] more ends than are counted are no longer told apart", () => {
    let threads = NO_THREADS;
    for (let sent = 0; sent < 40; sent += 1) {
      expect(isCrowded(threads)).toBe(sent >= 32);
      threads = oweEnd(threads, NOW + sent);
    }
    expect(threads.owed).toHaveLength(32);
  });
});

/** A Moonraker printer in a print, with every command that was told, as `kind state/reason`. */
class Bench extends MemoryPrinter {
  constructor() {
    super(T * 1000);
    this.open();
    this.say(20, {}, "PrintStarted");
  }

  say(afterSeconds: number, said: Partial<Parameters<typeof frame>[0]>, event?: string): this {
    this.now += afterSeconds * 1000;
    this.hear(frame({ ts: T, at: this.now / 1000, ...said, ...(event === undefined ? {} : { event }) }));
    return this;
  }

  give(afterSeconds: number, kind: "pause" | "resume" | "cancel"): this {
    this.now += afterSeconds * 1000;
    const request = aRequest(kind);
    this.apply({ type: "command", command: request });
    this.hear({ passthru: { ref: request.ref, error: "Request not supported." } });
    return this;
  }

  #ended() {
    return this.effects.flatMap((effect) => (effect.type === "project-command" ? [effect.command] : []));
  }

  words() {
    return this.#ended().map(({ agentWords }) => agentWords);
  }

  told(): string[] {
    return [...this.#ended(), ...this.printer.state.ledger].map(
      ({ kind, state, reason }) => `${kind} ${state}${reason === null ? "" : `/${reason}`}`,
    );
  }
}

describe("commands in quick succession that Klipper obeyed", () => {
  test("[C71] a cancel right after a pause: the pause's own thread shows Paused once more", () => {
    const bench = new Bench()
      .give(5, "pause")
      .say(0.1, { text: "Pausing" })
      .say(0.4, { text: "Pausing" }, "PrintPaused");
    bench.give(0.3, "cancel").say(0.1, { text: "Cancelling" }).say(2, { text: "Paused" });
    expect(bench.told()).toEqual(["pause succeeded", "cancel delivered"]);
    bench.say(3, { text: "Operational" }, "PrintCancelled").say(0.5, { text: "Operational" }, "PrintFailed");
    expect(bench.told()).toEqual(["pause succeeded", "cancel succeeded"]);
    expect([...bench.prints.values()].at(-1)?.outcome).toBe("cancelled");
  });

  test("[C71] a resume right after a pause of 3 s", () => {
    const bench = new Bench().give(5, "pause").say(0.1, { text: "Pausing" }).say(3, { text: "Pausing" }, "PrintPaused");
    bench.give(1, "resume").say(0.1, { text: "Resuming" }).say(1, { text: "Paused" });
    expect(bench.told()).toEqual(["pause succeeded", "resume delivered"]);
    bench.say(1, { text: "Printing" }, "PrintResumed");
    expect(bench.told()).toEqual(["pause succeeded", "resume succeeded"]);
  });

  test("[C40] [C41] a resume 0.1 s after a pause, whose text comes before its receipt while the pause is open", () => {
    const bench = new Bench().give(5, "pause").say(0.05, { text: "Pausing" });
    const resume = aRequest("resume");
    bench.now += 100;
    bench.apply({ type: "command", command: resume });
    bench.say(0.01, { text: "Resuming" }).hear({ passthru: { ref: resume.ref, error: "Request not supported." } });
    bench.say(0.5, { text: "Printing" }).say(1, { text: "Printing" });
    expect(bench.told()).toEqual(["pause superseded/opposite_command", "resume succeeded"]);
  });

  test("[C71] a lone pause, while Klipper sits in a wait of 5 minutes: given up by the agent, obeyed by Klipper", () => {
    const bench = new Bench().give(5, "pause").say(0.1, { text: "Pausing" });
    for (let elapsed = 30; elapsed < 300; elapsed += 30) bench.say(30, { text: "Pausing" });
    bench.say(30, { text: "Printing" });
    for (let elapsed = 0; elapsed < 90; elapsed += 31) bench.say(31, { text: "Printing" });
    expect(bench.told()).toEqual(["pause delivered"]);
    bench.say(31, { text: "Paused" }, "PrintPaused");
    expect(bench.told()).toEqual(["pause succeeded"]);
  });

  test("[C73] a cancel while it heats: unknown by and by, and succeeded in the end", () => {
    const bench = new Bench().give(5, "cancel").say(0.1, { text: "Cancelling" });
    for (let elapsed = 30; elapsed <= 300; elapsed += 30) bench.say(30, { text: "Cancelling" });
    for (let elapsed = 0; elapsed < 1_200; elapsed += 31) bench.say(31, { text: "Printing" });
    expect(bench.told()).toEqual(["cancel unknown/not_settled", "cancel unknown/not_settled"]);
    bench.say(10, { text: "Operational" }, "PrintCancelled");
    expect(bench.told().at(-1)).toBe("cancel succeeded");
  });
});

describe("what a command under way costs", () => {
  const changes = (bench: Bench, say: () => void) => {
    let count = 0;
    for (let frame = 0; frame < 300; frame += 1) {
      const { state } = bench.printer;
      say();
      count += bench.printer.state === state ? 0 : 1;
    }
    return count;
  };

  test("[O2] [C73] reports of its transient phase move its limit by 30 s and more at a time", () => {
    const bench = new Bench().give(5, "cancel").say(0.1, { text: "Cancelling" });
    expect(changes(bench, () => bench.say(1, { text: "Cancelling" }))).toBeLessThanOrEqual(10);
    expect(bench.printer.state.ledger[0]?.settleBy).toBeGreaterThan(bench.now + 300_000);
  });

  test("[O2] [C71] of Klipper's refusals only the first since the newest command is kept", () => {
    const bench = new Bench().give(5, "cancel");
    const refusal = { passthru: { printer_event: { event_title: "Moonraker Error", event_text: "!! no" } } };
    expect(changes(bench, () => bench.hear(refusal))).toBe(1);
  });
});

describe("commands that Klipper refused", () => {
  test("[C71] a pause that its printer does not do is found by the next regular report", () => {
    const bench = new Bench().give(5, "pause").say(0.1, { text: "Pausing" }).say(2, { text: "Printing" });
    expect(bench.told()).toEqual(["pause delivered"]);
    bench.say(30.2, { text: "Printing" });
    expect(bench.told()).toEqual(["pause failed/not_obeyed"]);
  });

  test("[C71] [C93] one that Klipper refused in words is found at once, and keeps the words", () => {
    const bench = new Bench().give(5, "pause").say(0.1, { text: "Pausing" });
    bench.hear({
      passthru: { printer_event: { event_title: "Moonraker Error", event_text: "!! Must home axis first" } },
    });
    expect(bench.say(2, { text: "Printing" }).told()).toEqual(["pause failed/not_obeyed"]);
    expect(bench.words()).toEqual(["!! Must home axis first"]);
    bench.give(60, "pause").say(0.1, { text: "Pausing" }).say(2, { text: "Printing" }).say(30.2, { text: "Printing" });
    expect(bench.words()).toEqual(["!! Must home axis first", null]);
  });
});
