/** The printer that the model agents drive: its phases, who caused each, and everything that ever happened to it. */
import { between, type Random } from "../virtual/random.ts";
import type { Simulation } from "./simulation.ts";

export type Phase = "idle" | "printing" | "pausing" | "paused" | "resuming" | "cancelling";
export type Order = "pause" | "resume" | "cancel";
/** A command's ref, somebody at the machine, or the print itself. */
export type Cause = string;

export const HAND: Cause = "hand";
export const ITSELF: Cause = "itself";

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

/** What became of an order: `refused` says so, `nothing` does not. */
export type OrderEnd = "done" | "nothing" | "refused";

/** How often a print begins with a wait (it heats up) in which nothing else is carried out, 0 to 1, and how long at most. */
export interface Waits {
  readonly share: number;
  readonly longestMs: number;
}

const SHORTEST_WAIT_MS = 30_000;
/** Nothing starts so soon after the last end: longer than any agent's view of the machine lags. */
const REST_MS = 3_500;

export interface MachineWorld {
  readonly simulation: Simulation;
  readonly random: Random;
  readonly waits: Waits;
}

export abstract class Machine {
  phase: Phase = "idle";
  print: MachinePrint | null = null;
  /** The newest phase that is no transition. */
  settled: "idle" | "printing" | "paused" = "idle";
  readonly history: MachineMoment[] = [];
  protected readonly world: MachineWorld;
  protected waitsUntil = 0;
  readonly #watchers: ((moment: MachineMoment) => void)[] = [];
  readonly #refusalWatchers: ((cause: Cause) => void)[] = [];

  constructor(world: MachineWorld) {
    this.world = world;
    this.enter("idle", null, ITSELF);
  }

  watch(watcher: (moment: MachineMoment) => void): void {
    this.#watchers.push(watcher);
  }

  /** Told of every order that is refused. */
  watchRefusals(watcher: (cause: Cause) => void): void {
    this.#refusalWatchers.push(watcher);
  }

  start(print: MachinePrint, cause: Cause): boolean {
    const { simulation, random, waits } = this.world;
    const endedAt = this.history.at(-1)?.at ?? 0;
    if (this.phase !== "idle" || this.isBusy || simulation.now - endedAt < REST_MS) return false;
    this.print = print;
    if (random() < waits.share) this.waitsUntil = simulation.now + between(random, SHORTEST_WAIT_MS, waits.longestMs);
    this.enter("printing", null, cause);
    return true;
  }

  /** False when it is refused at once; else `done` is called when it is over. */
  abstract order(order: Order, cause: Cause, done?: (end: OrderEnd) => void): boolean;

  /** The print ends by itself. */
  finish(end: "complete" | "error"): void {
    if (this.isWaiting) return;
    if (this.phase === "printing" || (end === "error" && this.phase !== "idle")) this.enter("idle", end, ITSELF);
  }

  /** When it came to the end of its last wait; 0: there was none. */
  get waitedUntil(): number {
    return this.waitsUntil;
  }

  get isWaiting(): boolean {
    return this.world.simulation.now < this.waitsUntil;
  }

  /** It carries something out, so that no print can start. */
  protected abstract get isBusy(): boolean;

  protected tellRefusal(cause: Cause): void {
    for (const watcher of this.#refusalWatchers) watcher(cause);
  }

  protected enter(phase: Phase, end: MachineMoment["end"], cause: Cause): void {
    this.phase = phase;
    const { print } = this;
    if (phase === "idle") this.print = null;
    if (phase === "idle" || phase === "printing" || phase === "paused") this.settled = phase;
    const moment: MachineMoment = { at: this.world.simulation.now, phase, print, end, cause };
    this.history.push(moment);
    for (const watcher of this.#watchers) watcher(moment);
  }
}
