/** The agent's time: what its host's clock shows, and timers that a time factor can hurry. */

export interface Clock {
  /** Epoch milliseconds, for time stamps. */
  now(): number;
  /** Milliseconds of the agent's own time since the clock was made; never goes back. */
  elapsed(): number;
  /** Runs `work` after that many milliseconds of the agent's own time; the returned function calls it off. */
  after(ms: number, work: () => void | Promise<void>): () => void;
  /** Seconds of the agent's own time in one second of the world. */
  readonly speed: number;
}

/** The host's clock and timers, the timers `speed` times as fast. */
export function hostClock(speed: number): Clock {
  const start = performance.now();
  return {
    speed,
    now: () => Date.now(),
    elapsed: () => (performance.now() - start) * speed,
    after(ms, work) {
      const timer = setTimeout(() => void work(), ms / speed);
      return () => clearTimeout(timer);
    },
  };
}
