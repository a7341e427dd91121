/** The printer that the model agents drive: its phases, who caused each, and everything that ever happened to it. */
import { between, type Random } from "../virtual/random.ts";
import type { Simulation } from "./simulation.ts";

export type Phase = "idle" | "printing" | "pausing" | "paused" | "resuming" | "cancelling";
export type Order = "pause" | "resume" | "cancel";
/** A command's ref, somebody at the machine, or the print itself. */
export type Cause = string;

export const HAND: Cause = "hand";
const ITSELF: Cause = "itself";

export interface MachinePrint {
  /** Unix seconds by the agent's clock. */
  readonly ts: number;
  readonly file: string;
  readonly gCodeFileId: number | null;
}

export interface MachineMoment {
  readonly at: number;
  readonly phase: Phase;
  readonly print: MachinePrint | null;
  /** How the print ended, in the moment in which it did. */
  readonly end: "complete" | "cancelled" | "error" | null;
  readonly cause: Cause;
}

export const TARGET = { pause: "paused", resume: "printing", cancel: "idle" } as const satisfies Record<Order, Phase>;
const DURING = { pause: "pausing", resume: "resuming", cancel: "cancelling" } as const satisfies Record<Order, Phase>;
const LONGEST_MS = { pause: 6_000, resume: 20_000, cancel: 4_000 } as const;
const MISHAP = 0.03;
const REST_MS = 1_500;

export class Machine {
  phase: Phase = "idle";
  print: MachinePrint | null = null;
  /** The newest phase that is no transition. */
  settled: "idle" | "printing" | "paused" = "idle";
  readonly history: MachineMoment[] = [];
  readonly #simulation: Simulation;
  readonly #random: Random;
  readonly #watchers: ((moment: MachineMoment) => void)[] = [];
  #epoch = 0;

  constructor(simulation: Simulation, random: Random) {
    this.#simulation = simulation;
    this.#random = random;
    this.#enter("idle", null, ITSELF);
  }

  watch(watcher: (moment: MachineMoment) => void): void {
    this.#watchers.push(watcher);
  }

  /** Nothing starts in the moment in which the last print ended. */
  start(print: MachinePrint, cause: Cause): boolean {
    const endedAt = this.history.at(-1)?.at ?? 0;
    if (this.phase !== "idle" || this.#simulation.now - endedAt < REST_MS) return false;
    this.print = print;
    this.#enter("printing", null, cause);
    return true;
  }

  /** Begins what it is told, or refuses; `done` is called when it is over, with whether it worked. */
  order(order: Order, cause: Cause, done: (worked: boolean) => void = () => {}): boolean {
    if (!this.#canBegin(order)) return false;
    const before = this.settled;
    this.#enter(DURING[order], null, cause);
    const epoch = this.#epoch;
    this.#simulation.after(between(this.#random, 100, LONGEST_MS[order]), () => {
      if (this.#epoch !== epoch) return done(false);
      const worked = this.#random() >= MISHAP;
      if (worked) this.#enter(TARGET[order], order === "cancel" ? "cancelled" : null, cause);
      else this.#enter(before, null, ITSELF);
      done(worked);
    });
    return true;
  }

  /** The print ends by itself. */
  finish(end: "complete" | "error"): void {
    if (this.phase === "printing" || (end === "error" && this.phase !== "idle")) this.#enter("idle", end, ITSELF);
  }

  #canBegin(order: Order): boolean {
    if (order === "pause") return this.phase === "printing";
    if (order === "resume") return this.phase === "paused";
    return this.phase !== "idle" && this.phase !== "cancelling";
  }

  #enter(phase: Phase, end: MachineMoment["end"], cause: Cause): void {
    this.#epoch += 1;
    this.phase = phase;
    const { print } = this;
    if (phase === "idle") this.print = null;
    if (phase === "idle" || phase === "printing" || phase === "paused") this.settled = phase;
    const moment: MachineMoment = { at: this.#simulation.now, phase, print, end, cause };
    this.history.push(moment);
    for (const watcher of this.#watchers) watcher(moment);
  }
}
