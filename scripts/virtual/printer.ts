/** A machine that lives: it moves on with the clock, takes orders, and tells its agent of every phase it enters. */
import type { Clock } from "./clock.ts";
import type { Job } from "./job.ts";
import { act, advance, type Machine, type Order } from "./machine.ts";

/** Called after every change of phase or reach. */
export type PhaseListener = (before: Machine, after: Machine) => void;

const STEP_SECONDS = 0.5;
/** Timers finer than this in the world's time would only load the host. */
const FINEST_TIMER_SECONDS = 0.02;

export class VirtualPrinter {
  #machine: Machine;
  readonly #clock: Clock;
  readonly #listeners = new Set<PhaseListener>();
  #stopTimer: () => void = () => {};

  constructor(machine: Machine, clock: Clock) {
    this.#machine = machine;
    this.#clock = clock;
    this.#arm();
  }

  get machine(): Machine {
    return this.#machine;
  }

  onPhase(listener: PhaseListener): void {
    this.#listeners.add(listener);
  }

  /** Starts a print, dated by the host's clock; no two starts have the same second. False while it prints. */
  start(job: Job): boolean {
    const at = Math.max(Math.floor(this.#clock.now() / 1000), this.#machine.startedAt + 1);
    return this.order({ kind: "start", job, at });
  }

  /** What a person at the printer, or its agent, wants; false when it makes no sense now. */
  order(order: Order): boolean {
    const before = this.#machine;
    this.#become(act(before, order));
    return this.#machine !== before;
  }

  /** The machine stands still from now on. */
  stop(): void {
    this.#stopTimer();
  }

  #arm(): void {
    const steps = Math.max(1, Math.ceil((FINEST_TIMER_SECONDS * this.#clock.speed) / STEP_SECONDS));
    this.#stopTimer = this.#clock.after(steps * STEP_SECONDS * 1000, () => {
      this.#arm();
      for (let step = 0; step < steps; step += 1) this.#become(advance(this.#machine, STEP_SECONDS));
    });
  }

  #become(machine: Machine): void {
    const before = this.#machine;
    this.#machine = machine;
    if (before.phase === machine.phase && before.reach === machine.reach) return;
    for (const listener of this.#listeners) listener(before, machine);
  }
}
