/** Callers that wait for a command's answer. A timer prevents hibernation: each is cleared as soon as its caller is settled. */

const MOST = 16;

interface Waiter {
  readonly isSettled: () => boolean;
  readonly resolve: () => void;
}

export class Waiters {
  readonly #waiting = new Set<Waiter>();

  /** Resolves when a change made `isSettled` true, or after `ms`; at once when 16 callers wait already. */
  wait(isSettled: () => boolean, ms: number): Promise<void> {
    if (isSettled() || ms <= 0 || this.#waiting.size >= MOST) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => finish(), ms);
      const waiter: Waiter = { isSettled, resolve: () => finish() };
      const finish = () => {
        clearTimeout(timer);
        this.#waiting.delete(waiter);
        resolve();
      };
      this.#waiting.add(waiter);
    });
  }

  /** Called after every change: lets go whoever is settled. */
  settle(): void {
    for (const waiter of [...this.#waiting]) {
      if (waiter.isSettled()) waiter.resolve();
    }
  }
}
