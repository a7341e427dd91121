/** Which reports are live, and what dates they get, whatever the agent's clock says. */
import { describe, expect, test } from "vitest";
import { frame, type Said } from "../support/frames.ts";
import { aRequest } from "../support/ledger.ts";
import { MemoryPrinter, newState } from "../support/memory-printer.ts";

const T = 1_790_000_100;
const HOUR = 3_600;

/** A printer that was born just now, and its agent, whose clock is `ahead` seconds ahead. */
class Bench extends MemoryPrinter {
  ahead = 0;

  constructor(dialect: "moonraker" | "octoprint" | "other" = "moonraker") {
    super(T * 1000);
    this.printer = { ...this.printer, state: newState({ dialect, createdAt: this.now }) };
    this.open();
  }

  /** Waits that many seconds, then says it. */
  say(seconds: number, said: Partial<Said> = {}): void {
    this.now += seconds * 1000;
    this.hear(frame({ ts: T, at: this.now / 1000 + this.ahead, ...said }));
  }

  /** An answered socket, and a print that is ten minutes old. */
  settle(): void {
    this.answer();
    this.say(1, { event: "PrintStarted" });
    for (let minute = 0; minute < 10; minute++) this.say(60);
  }

  command(kind: "pause" | "resume" | "cancel"): string | null | undefined {
    const before = this.effects.length;
    this.apply({ type: "command", command: aRequest(kind) });
    const told = this.effects.slice(before).flatMap((effect) => ("command" in effect ? [effect.command] : []));
    return told.at(-1)?.reason ?? told.at(-1)?.state;
  }

  /** Seconds since the beginning, of every event. */
  dates(): number[] {
    return this.events.map(({ createdAt }) => createdAt / 1000 - T);
  }

  print() {
    return [...this.prints.values()][0];
  }
}

describe("clocks that are wrong", () => {
  test.each([-8 * HOUR, -20, 8 * HOUR])(
    "[P13] [P16] %i s off from the first frame on: the print starts now",
    (ahead) => {
      const bench = new Bench("octoprint");
      bench.ahead = ahead;
      bench.say(5, { event: "PrintStarted" });
      bench.answer();
      bench.say(50);
      bench.say(50, { event: "PrintDone", text: "Finishing", printTime: null });
      const [startedAt = -1, endedAt] = bench.dates();
      expect(startedAt).toBeGreaterThanOrEqual(0);
      expect(startedAt).toBeLessThanOrEqual(5);
      expect(endedAt).toBe(105);
    },
  );

  test.each([-2 * HOUR, -10 * 60, 2 * HOUR, 1e9 - T - 1e6])(
    "[P12] [P14] [P16] set by %i s in mid-print: all is live and rightly dated at once",
    (by) => {
      const bench = new Bench();
      bench.settle();
      bench.ahead = by;
      bench.say(30, { event: "PrintPaused", text: "Paused", printTime: null });
      expect(bench.printer.shown?.text).toBe("Paused");
      expect(bench.command("resume")).toBe("sent");
      bench.say(10, { event: "PrintResumed" });
      bench.say(60, { event: "PrintDone", text: "Operational", printTime: null });
      expect(bench.dates()).toEqual([1, 631, 641, 701]);
      expect(bench.print()).toMatchObject({ outcome: "finished", printTimeSeconds: 700 });
    },
  );

  test("[P9] set back by 20 s: the newest status is shown", () => {
    const bench = new Bench();
    bench.settle();
    bench.ahead = -20;
    bench.say(5, { text: "Paused" });
    expect(bench.printer.shown?.text).toBe("Paused");
    bench.say(1, { text: "Operational", event: "PrintDone" });
    const ended = bench.dates().at(-1);
    expect(ended).toBeGreaterThanOrEqual(601);
    expect(ended).toBeLessThanOrEqual(607);
  });

  test.each([
    ["cancel", "PrintCancelled", "Cancelling"],
    ["cancel", "PrintCancelling", "Cancelling"],
    ["cancel", "PrintFailed", "Operational"],
    ["pause", "PrintPaused", "Pausing"],
  ] as const)("[P43] %s, told by %s of whole seconds, is not dated before the command", (kind, event, text) => {
    const bench = new Bench("octoprint");
    bench.settle();
    bench.now += 900;
    bench.command(kind);
    const sentAt = bench.now;
    bench.now += 50;
    bench.hear(frame({ ts: T, at: Math.floor(bench.now / 1000), event, text }));
    const dated = kind === "pause" ? bench.events.at(-1)?.createdAt : (bench.print()?.cancelledAt ?? sentAt);
    expect(dated).toBe(sentAt);
    bench.say(1, { ts: -1, text: "Operational" });
    expect(bench.print()?.endedAt).toBeGreaterThanOrEqual(sentAt);
  });
});
