import { describe, expect, test } from "vitest";
import type { AgentWitness, AgentWorld, ModelAgent } from "../../scripts/chaos/agent.ts";
import { Firmware } from "../../scripts/chaos/firmware.ts";
import { Klipper } from "../../scripts/chaos/klipper.ts";
import { HAND, type Machine, type MachineWorld } from "../../scripts/chaos/machine.ts";
import { MoonrakerAgent } from "../../scripts/chaos/moonraker.ts";
import { OctoPrintAgent } from "../../scripts/chaos/octoprint.ts";
import { Simulation } from "../../scripts/chaos/simulation.ts";
import { Wire } from "../../scripts/chaos/wire.ts";
import { readAgentMessage } from "../../src/protocol/agent.ts";

const START = 1_790_000_000_000;
const PRINT = { ts: START / 1_000, file: "a.gcode", gCodeFileId: null };
const SCRIPTS = { retract: 6.5, lift_z: 2.5, tools_off: true };
const NO_WAITS = { share: 0, longestMs: 0 };

interface Setup {
  readonly machine: (world: MachineWorld) => Machine;
  readonly agent: (world: AgentWorld) => ModelAgent;
  /** Every draw; in the middle nothing is refused, and nothing goes wrong. */
  readonly draw?: number;
  readonly waits?: MachineWorld["waits"];
}

const MOONRAKER: Setup = { machine: (world) => new Klipper(world), agent: (world) => new MoonrakerAgent(world) };
const OCTOPRINT: Setup = { machine: (world) => new Firmware(world), agent: (world) => new OctoPrintAgent(world) };

/** A model agent in a print, with nobody behind its socket but the test. */
class Models {
  readonly machine: Machine;
  readonly spoiled: string[] = [];
  /** Seconds since the start, and what the frame says. */
  readonly said: [at: number, words: string][] = [];
  readonly #simulation = new Simulation(START);
  #wire: Wire | null = null;
  #refs = 0;

  constructor({ machine, agent, draw = 0.5, waits = NO_WAITS }: Setup) {
    const simulation = this.#simulation;
    const random = () => draw;
    const witness: AgentWitness = {
      onRead: () => {},
      onTaken: () => {},
      onSecondDownload: () => {},
      onRefusal: () => {},
      onSpoiled: (how) => this.spoiled.push(how),
    };
    this.machine = machine({ simulation, random, waits });
    const onText = (text: string) => this.#hear(text);
    const dial: AgentWorld["dial"] = (end) => {
      this.#wire = new Wire(simulation, random, end, () => ({ onText, onClose: () => {} }));
      return this.#wire;
    };
    agent({ simulation, random, machine: this.machine, dial, witness, clockAheadMs: 0 }).startUp();
    this.after(5);
    this.machine.start(PRINT, HAND);
    this.after(5);
    this.said.length = 0;
  }

  after(seconds: number): void {
    this.#simulation.runUntil(this.#simulation.now + seconds * 1_000);
  }

  /** A command's frame, and so many seconds. */
  command(cmd: string, seconds: number): void {
    const args = cmd === "pause" ? SCRIPTS : {};
    this.#send({ commands: [{ cmd, args }], passthru: this.#call("get_state_id") }, seconds);
  }

  pauseQuietly(seconds: number): void {
    this.#send({ passthru: { ...this.#call("pause_print"), args: [] } }, seconds);
  }

  touch(order: "pause" | "resume", seconds: number): void {
    this.machine.order(order, HAND);
    this.after(seconds);
  }

  /** What the frames say, without their times. */
  get words(): string[] {
    return this.said.map(([, words]) => words);
  }

  #call(func: string) {
    this.#refs += 1;
    return { target: "_printer", func, ref: `c:${this.#refs}` };
  }

  #send(frame: object, seconds: number): void {
    this.#wire?.sendToAgent(JSON.stringify(frame));
    this.after(seconds);
  }

  #hear(text: string): void {
    const { report } = readAgentMessage(text).frame;
    if (report === null) return;
    const event = report.event === null || report.event.type === "other" ? "" : ` ${report.event.type}`;
    const words = report.refusal !== null ? "!!" : `${report.status?.text ?? "{}"}${event}`;
    this.said.push([(this.#simulation.now - START) / 1_000, words]);
  }
}

describe("[C82] Moonraker's agent", () => {
  test("[C82] ends each command by one text, whatever was commanded since", () => {
    const models = new Models(MOONRAKER);
    models.command("pause", 1);
    models.command("cancel", 12);
    // The pause's end clears the text of the cancel, which is obeyed 4 s later.
    const ended = ["Paused", "Operational cancelled", "Operational failed", "Operational"];
    expect(models.words).toEqual(["Pausing", "Pausing paused", "Cancelling", ...ended]);
    expect(models.machine.phase).toBe("idle");
  });

  test("[C82] gives a command up after 300 s, shows the old text, and obeys all the same", () => {
    const models = new Models({ ...MOONRAKER, waits: { share: 1, longestMs: 15 * 60_000 } });
    models.command("cancel", 299);
    expect(new Set(models.words)).toEqual(new Set(["Cancelling"]));
    models.after(2);
    expect(models.words.at(-1)).toBe("Printing");
    models.after(300);
    expect(models.words).toContain("Operational cancelled");
  });

  test("[C82] tells what Klipper refuses, and then its end", () => {
    const models = new Models({ ...MOONRAKER, draw: 0.03 });
    models.command("pause", 5);
    expect(models.words).toEqual(["Pausing", "!!", "Printing"]);
    expect(models.machine.phase).toBe("printing");
  });

  test("[C82] leaves 30.1 s and more between regular reports", () => {
    const models = new Models(MOONRAKER);
    models.after(300);
    const gaps = models.said.slice(1).map(([at], index) => at - (models.said[index]?.[0] ?? 0));
    expect(gaps.length).toBeGreaterThan(5);
    expect(Math.min(...gaps)).toBeGreaterThan(29.9);
  });
});

describe("[C82] OctoPrint's agent", () => {
  test("[C82] goes on as it was after one pause by its command, and after any by a call", () => {
    const models = new Models(OCTOPRINT);
    models.command("pause", 10);
    models.command("resume", 20);
    models.pauseQuietly(10);
    models.pauseQuietly(10);
    models.command("resume", 20);
    models.touch("pause", 10);
    models.pauseQuietly(10);
    models.touch("resume", 20);
    expect(models.machine.phase).toBe("printing");
    expect(models.spoiled).toEqual([]);
  });

  test("[C82] goes on cold after a second pause command", () => {
    const models = new Models(OCTOPRINT);
    models.command("pause", 10);
    models.command("pause", 10);
    models.command("resume", 20);
    expect(models.spoiled).toEqual(["cold"]);
  });

  test("[C82] goes on low after a command while it was paused by hand, and cold after the next pause by hand", () => {
    const models = new Models(OCTOPRINT);
    models.touch("pause", 10);
    models.command("pause", 10);
    models.touch("resume", 20);
    models.touch("pause", 10);
    models.touch("resume", 20);
    expect(models.spoiled).toEqual(["low", "cold"]);
  });

  test("[C82] shows that it cancels every 20 s for as long as it heats", () => {
    const models = new Models({ ...OCTOPRINT, waits: { share: 1, longestMs: 17 * 60_000 } });
    models.command("cancel", 8 * 60);
    expect(models.words.filter((words) => words === "Cancelling").length).toBeGreaterThan(20);
    expect(models.words.filter((words) => words !== "Cancelling")).toEqual(["Cancelling cancelling"]);
    models.after(60);
    expect(models.words).toContain("Cancelling cancelled");
  });
});
