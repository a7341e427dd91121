/** A clock that stands still until a test moves it. */
import type { Clock } from "../../../scripts/virtual/clock.ts";

interface Timer {
  readonly at: number;
  readonly work: () => void | Promise<void>;
}

export class ManualClock implements Clock {
  readonly speed = 1;
  readonly #timers = new Set<Timer>();
  readonly #start: number;
  #elapsed = 0;
  #step = 0;

  /** `start` in epoch milliseconds. */
  constructor(start = Date.UTC(2026, 10, 23, 12)) {
    this.#start = start;
  }

  now(): number {
    return this.#start + this.#elapsed + this.#step;
  }

  elapsed(): number {
    return this.#elapsed;
  }

  after(ms: number, work: Timer["work"]): () => void {
    const timer = { at: this.#elapsed + Math.max(0, ms), work };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Sets the host's clock forward or back; timers do not notice. */
  setBy(ms: number): void {
    this.#step += ms;
  }

  /** Runs what falls due in the next `ms`, in order; what waits for the outside world is left waiting. */
  async advance(ms: number): Promise<void> {
    await this.#run(ms, async (work) => {
      void work();
      await settled();
    });
  }

  /** Like `advance`, but each piece of work is done, calls to a real server included, before the next begins. */
  async advanceThrough(ms: number): Promise<void> {
    await this.#run(ms, async (work) => work());
  }

  async #run(ms: number, perform: (work: Timer["work"]) => Promise<void>): Promise<void> {
    await settled();
    const end = this.#elapsed + ms;
    for (let timer = this.#due(end); timer !== undefined; timer = this.#due(end)) {
      this.#timers.delete(timer);
      this.#elapsed = Math.max(this.#elapsed, timer.at);
      await perform(timer.work);
    }
    this.#elapsed = Math.max(this.#elapsed, end);
    await settled();
  }

  #due(end: number): Timer | undefined {
    const due = [...this.#timers].filter((timer) => timer.at <= end);
    return due.reduce<Timer | undefined>((first, timer) => (first && first.at <= timer.at ? first : timer), undefined);
  }
}

/** Lets promises that are already resolved run their course. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}
