/** Commands to a machine that prints although no print is current. */
import { describe, expect, test } from "vitest";
import type { Command } from "../../src/domain/command.ts";
import { frame, type Said } from "../support/frames.ts";
import { aRequest } from "../support/ledger.ts";
import { MemoryPrinter } from "../support/memory-printer.ts";

const T = 1_790_000_100;

/** An agent of another make, connected, that says -1 whatever its printer does. */
class Bench extends MemoryPrinter {
  constructor(...texts: string[]) {
    super(T * 1000);
    this.apply({ type: "configure", patch: {} });
    this.open();
    this.hear({ settings: { agent: { name: "homemade", version: "1" } } });
    for (const text of texts) this.say(10, text);
  }

  say(afterSeconds: number, text: string, said: Partial<Said> = {}): this {
    this.now += afterSeconds * 1000;
    this.hear(frame({ ts: -1, at: this.now / 1000, text, ...said }));
    return this;
  }

  give(kind: "pause" | "resume" | "cancel", printId: number | null = null): Command {
    this.apply({ type: "command", command: aRequest(kind, { printId }) });
    return this.last();
  }

  last(): Command {
    const told = this.effects.flatMap((effect) =>
      effect.type === "send-command" || effect.type === "project-command" ? [effect.command] : [],
    );
    const [command] = told.slice(-1);
    if (command === undefined) throw new Error("no command was told");
    return command;
  }
}

describe("without a current print", () => {
  const phases = {
    Starting: ["cancel", "pause"],
    Printing: ["cancel", "pause"],
    "Printing from SD": ["cancel", "pause"],
    Pausing: ["cancel"],
    Paused: ["cancel", "resume"],
    Resuming: ["cancel", "pause"],
    Finishing: ["cancel"],
    Operational: [],
    Cancelling: [],
  } as const;

  test.each(Object.entries(phases))("[C72] %s takes what its phase can take, and nothing else", (text, taken) => {
    for (const kind of ["pause", "resume", "cancel"] as const) {
      const command = new Bench("Operational", text).give(kind);
      const isTaken = taken.some((one) => one === kind);
      expect([kind, command.state, command.reason]).toEqual([
        kind,
        ...(isTaken ? ["sent", null] : ["rejected", "not_printing"]),
      ]);
      expect([command.printId, command.printExtId]).toEqual([null, null]);
    }
  });

  test("[C10] a print that the caller means is not there, whatever the machine does", () => {
    expect(new Bench("Operational", "Printing").give("cancel", 7)).toMatchObject({ reason: "not_printing" });
  });

  test("[C72] what was shown more than 75 s ago says nothing", () => {
    const bench = new Bench("Operational", "Printing");
    bench.now += 75_001;
    expect(bench.give("cancel")).toMatchObject({ state: "rejected", reason: "not_printing" });
  });

  test("[C74] a file on its way: no agent can stop it, and the reason says so", () => {
    for (const kind of ["pause", "resume", "cancel"] as const) {
      expect(new Bench("Operational", "G-Code Downloading").give(kind)).toMatchObject({ reason: "file_coming" });
    }
  });

  test.each([
    ["pause", "Printing", ["Pausing", "Paused"]],
    ["pause", "Printing", ["Paused", "Paused"]],
    ["resume", "Paused", ["Resuming", "Printing"]],
    ["cancel", "Printing", ["Cancelling", "Operational"]],
    ["cancel", "Paused", ["Cancelling", "Operational"]],
  ] as const)("[C72] a %s of a printer in %s is settled by phases alone: %s", (kind, before, shown) => {
    const bench = new Bench("Operational", before);
    bench.give(kind);
    for (const text of shown) bench.say(2, text);
    expect(bench.last()).toMatchObject({ kind, state: "succeeded", printId: null });
  });

  test("[C72] an idle machine ends an unbound cancel although Cancelling was never shown: the next stop sends", () => {
    const bench = new Bench("Operational", "Printing");
    bench.give("cancel");
    bench.say(5, "Operational").say(10, "Operational");
    expect(bench.last()).toMatchObject({ kind: "cancel", state: "succeeded" });
    bench.say(60, "Printing");
    expect(bench.give("cancel").state).toBe("sent");
  });

  test.each([
    ["pause", "Printing", "resume"],
    ["resume", "Paused", "pause"],
  ] as const)(
    "[C18] [C72] an unbound %s counts when the print is known by then: the opposite goes out",
    (first, text, then) => {
      const bench = new Bench("Operational", text, text);
      bench.give(first);
      for (let report = 0; report < 2; report += 1) bench.say(5, text, { ts: T, name: "late.gcode" });
      expect(bench.printer.state.current?.filename).toBe("late.gcode");
      expect(bench.give(then)).toMatchObject({ kind: then, state: "sent" });
    },
  );

  test("[C72] [L22] a print that began under an unbound cancel ends as cancelled", () => {
    const bench = new Bench("Operational", "Printing");
    bench.give("cancel");
    bench.say(5, "Printing", { ts: T, name: "late.gcode" }).say(1, "Cancelling", { ts: T }).say(5, "Operational");
    expect([...bench.prints.values()].at(-1)?.outcome).toBe("cancelled");
  });

  test("[C72] its failure, too", () => {
    const bench = new Bench("Operational", "Printing");
    bench.give("cancel");
    for (const [after, text] of [
      [1, "Cancelling"],
      [1, "Printing"],
      [19, "Printing"],
    ] as const)
      bench.say(after, text);
    expect(bench.last().state).toBe("sent");
    expect(bench.say(1, "Printing").last()).toMatchObject({ state: "failed", reason: "not_obeyed" });
    expect(bench.give("cancel").state).toBe("sent");
  });

  test("[C72] a print that is told to begin supersedes it", () => {
    const bench = new Bench("Operational", "Printing");
    bench.give("pause");
    bench.say(1, "Printing", { ts: T + 50, event: "PrintStarted" });
    expect(bench.last()).toMatchObject({ kind: "pause", state: "superseded", reason: "other_print" });
  });
});

describe("an agent that nobody wrote down, with flags as they should be", () => {
  const RUNNING = { state: { text: "RUNNING", flags: { operational: true, printing: true } } };
  const HELD = { state: { text: "PAUSE", flags: { operational: true, paused: true } } };
  const say = (bench: MemoryPrinter, status: object) => {
    bench.now += 5_000;
    const job = { file: { name: "a.gcode" } };
    bench.hear({ current_print_ts: T, status: { _ts: bench.now / 1000, job, ...status } });
  };

  test("[C44] [C45] [C15] is served by its flags", () => {
    const bench = new MemoryPrinter(T * 1000);
    bench.open();
    bench.hear({ settings: { agent: { name: "bambu_obico", version: "1" } } });
    say(bench, RUNNING);
    bench.apply({ type: "command", command: aRequest("pause") });
    say(bench, HELD);
    say(bench, HELD);
    bench.apply({ type: "command", command: aRequest("resume") });
    const outcomes = () =>
      bench.effects.flatMap((effect) =>
        effect.type === "project-command"
          ? [`${effect.command.kind} ${effect.command.reason ?? effect.command.state}`]
          : [],
      );
    expect(outcomes()).toEqual(["pause succeeded"]);
    say(bench, RUNNING);
    bench.apply({ type: "command", command: aRequest("resume") });
    expect(outcomes()).toContain("resume not_paused");
  });
});
