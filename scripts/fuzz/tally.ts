/** Counts of a run: calls by route and status, and each kind of mistake with the first call that showed it. */
import type { Drawn } from "./draw.ts";

export interface Mistake {
  /** `GET /api/v1/printers/`, or `beside the description`. */
  readonly route: string;
  /** The same for the same mistake. */
  readonly words: string;
  readonly first: Drawn;
  count: number;
}

export class Tally {
  readonly mistakes = new Map<string, Mistake>();
  readonly #statuses = new Map<string, Map<string, number>>();
  #calls = 0;

  get calls(): number {
    return this.#calls;
  }

  /** `status`: or how a call ended without one. */
  count(route: string, status: number | "hung up" | "no answer"): void {
    this.#calls += 1;
    const statuses = this.#statuses.get(route) ?? new Map<string, number>();
    statuses.set(String(status), (statuses.get(String(status)) ?? 0) + 1);
    this.#statuses.set(route, statuses);
  }

  blame(call: Drawn, route: string, words: string): void {
    const key = `${route}: ${words}`;
    const known = this.mistakes.get(key);
    if (known === undefined) this.mistakes.set(key, { route, words, first: call, count: 1 });
    else known.count += 1;
  }

  /** By route, each with its statuses, the most frequent first. */
  lines(): string[] {
    const routes = [...this.#statuses].sort(([one], [other]) => (one < other ? -1 : 1));
    return routes.map(([route, statuses]) => `${route}  ${told(statuses)}`);
  }

  total(): string {
    const all = new Map<string, number>();
    for (const statuses of this.#statuses.values()) {
      for (const [status, count] of statuses) all.set(status, (all.get(status) ?? 0) + count);
    }
    return told(all);
  }
}

function told(statuses: ReadonlyMap<string, number>): string {
  return [...statuses]
    .sort(([, one], [, other]) => other - one)
    .map(([status, count]) => `${status}: ${count}`)
    .join(", ");
}
