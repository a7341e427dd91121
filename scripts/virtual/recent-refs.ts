/** The references of the latest passthru calls: a repeated one is ignored [V26]. */

export class RecentRefs {
  readonly #limit: number;
  #refs: unknown[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Remembers the reference; calls without one are never repeats. */
  isRepeated(ref: unknown): boolean {
    if (ref === null || ref === undefined) return false;
    if (this.#refs.includes(ref)) return true;
    this.#refs = [...this.#refs, ref].slice(-this.#limit);
    return false;
  }
}
