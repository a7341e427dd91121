/** How a pause goes to OctoPrint, whose plugin writes its pause and resume scripts anew at every pause command. */
import { describe, expect, test } from "vitest";
import type { Command } from "../../src/domain/command.ts";
import { writeCommand } from "../../src/protocol/to-agent.ts";
import { frame, type Said } from "../support/frames.ts";
import { aRequest } from "../support/ledger.ts";
import { MemoryPrinter } from "../support/memory-printer.ts";

const T = 1_790_000_100;

class Bench extends MemoryPrinter {
  constructor(agent = "octoprint_obico") {
    super(T * 1000);
    this.open();
    this.hear({ settings: { agent: { name: agent, version: "2.6.1" } } });
    this.say("Printing");
  }

  say(text: string, said: Partial<Said> = {}): this {
    this.now += 20_000;
    this.hear(frame({ ts: T, at: this.now / 1000, text, ...said }));
    return this;
  }

  give(kind: "pause" | "resume" = "pause"): Command {
    this.now += 500;
    this.apply({ type: "command", command: aRequest(kind) });
    const sent = this.effects.findLast((effect) => effect.type === "send-command");
    if (sent?.type !== "send-command") throw new Error("nothing was sent");
    return sent.command;
  }

  receipt({ ref, via }: Command, state: string): this {
    this.hear({ passthru: { ref, ret: via === "passthru" ? null : state } });
    return this;
  }
}

describe("a pause for OctoPrint", () => {
  test("[C70] goes as a command while it prints, and rewrites its scripts once", () => {
    const bench = new Bench();
    const pause = bench.give();
    expect(pause.via).toBe("commands");
    // Not read yet, so far as is known: a status may be older than the pause.
    bench.say("Printing");
    expect(bench.give().via).toBe("passthru");
  });

  test.each(["Starting", "Printing", "Printing from SD", "Resuming"])("[C70] in %s: as a command", (text) => {
    expect(new Bench().say(text).give().via).toBe("commands");
  });

  test.each(["Paused", "Pausing", "Cancelling", "Finishing", "Operational", "Offline"])(
    "[C70] in %s: as a call that leaves the scripts alone",
    (text) => {
      expect(new Bench().say(text).give().via).toBe("passthru");
    },
  );

  test("[C70] on a new socket nothing is known yet, so the scripts are left alone", () => {
    const bench = new Bench();
    bench.open();
    expect(bench.give().via).toBe("passthru");
  });

  test("[C70] after a pause that was read and a resume that shows, as a command again", () => {
    const bench = new Bench();
    const pause = bench.give();
    bench.receipt(pause, "PAUSING").say("Paused", { event: "PrintPaused" }).say("Paused");
    bench.receipt(bench.give("resume"), "RESUMING").say("Printing");
    expect(bench.give().via).toBe("commands");
  });

  test("[C70] one that was read stays open until it shows, and one that was refused is none", () => {
    const bench = new Bench();
    bench.receipt(bench.give(), "PAUSING").say("Printing");
    bench.receipt(bench.give("resume"), "RESUMING").say("Printing");
    expect(bench.give().via).toBe("passthru");
    const lost = new Bench();
    lost.give();
    lost.say("Pausing").say("Paused").say("Resuming").say("Printing");
    expect(lost.give().via).toBe("commands");
    const refused = new Bench();
    refused.receipt(refused.give(), "CANCELLING").say("Printing");
    expect(refused.give().via).toBe("commands");
    const shown = new Bench();
    const pause = shown.give();
    shown.say("Pausing").say("Paused");
    shown.receipt(pause, "PAUSED").say("Resuming").say("Printing");
    expect(shown.give().via).toBe("commands");
  });

  test("[C70] other agents have no such scripts", () => {
    expect(new Bench("moonraker_obico").say("Paused").give().via).toBe("commands");
  });

  test("[C70] its own answer is its receipt, and an error a refusal", () => {
    for (const [answer, state] of [
      [{ ret: null }, "delivered"],
      [{ error: "no such method" }, "failed"],
    ] as const) {
      const bench = new Bench().say("Paused");
      const pause = bench.give();
      bench.hear({ passthru: { ref: pause.ref, ...answer } });
      const told = [
        ...bench.printer.state.ledger,
        ...bench.effects.flatMap((e) => (e.type === "project-command" ? [e.command] : [])),
      ];
      expect(told.find(({ id }) => id === pause.id)?.state).toBe(state);
    }
  });

  test("[A49] the call names no script and carries the command's ref", () => {
    const bench = new Bench().say("Paused");
    const pause = bench.give();
    expect(JSON.parse(writeCommand(pause, bench.printer.state.configuration, "https://platen.test"))).toEqual({
      passthru: { target: "_printer", func: "pause_print", args: [], ref: pause.ref },
    });
  });
});
