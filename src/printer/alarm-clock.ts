/** The object's one alarm. It moves earlier, never later: an early run costs one wake-up, a late one misses a deadline. */

/** An armed alarm that is this late was dropped by the platform. */
const LOST_MS = 30_000;

export class AlarmClock {
  readonly #storage: DurableObjectStorage;
  #armedAt: number | null = null;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** Runs before any event: an armed alarm outlives an eviction, the fields do not. */
  async load(): Promise<void> {
    this.#armedAt = await this.#storage.getAlarm();
  }

  /** It fired: nothing is armed any more. */
  fired(): void {
    this.#armedAt = null;
  }

  /** Arms it for the earliest of `due` (epoch milliseconds; null: nothing is due). */
  arm(due: readonly (number | null)[], now: number): void {
    const times = due.filter((at) => at !== null);
    if (times.length === 0) return;
    const wanted = Math.max(Math.min(...times), now);
    const armedAt = this.#armedAt;
    if (armedAt !== null && armedAt >= now - LOST_MS && armedAt <= wanted) return;
    void this.#storage.setAlarm(wanted);
    this.#armedAt = wanted;
  }
}
