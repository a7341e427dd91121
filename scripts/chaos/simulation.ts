/** Simulated time: a queue of events by their moments and, within one moment, by the order in which they were made. */

interface Work {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

export class Simulation {
  readonly #heap: Work[] = [];
  #now: number;
  #made = 0;

  /** `start` in epoch milliseconds. */
  constructor(start: number) {
    this.#now = start;
  }

  get now(): number {
    return this.#now;
  }

  at(at: number, run: () => void): void {
    this.#made += 1;
    this.#push({ at: Math.max(at, this.#now), order: this.#made, run });
  }

  after(ms: number, run: () => void): void {
    this.at(this.#now + ms, run);
  }

  /** Runs everything that falls due up to `end`. */
  runUntil(end: number): void {
    for (let [first] = this.#heap; first !== undefined && first.at <= end; [first] = this.#heap) {
      this.#pop();
      this.#now = first.at;
      first.run();
    }
    this.#now = end;
  }

  #push(work: Work): void {
    const heap = this.#heap;
    let index = heap.push(work) - 1;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || isBefore(parent, work)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = work;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = heap[index * 2 + 1];
      const right = heap[index * 2 + 2];
      const isRight = right !== undefined && left !== undefined && isBefore(right, left);
      const child = isRight ? right : left;
      if (child === undefined || isBefore(last, child)) break;
      heap[index] = child;
      index = index * 2 + (isRight ? 2 : 1);
    }
    heap[index] = last;
  }
}

function isBefore(a: Work, b: Work): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
