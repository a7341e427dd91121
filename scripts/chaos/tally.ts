/** What happened in one world or in many, counted by group and name. */

export const GROUPS = ["commands", "reasons", "quiet", "frames", "answers", "safety", "faults", "network"] as const;
export type Group = (typeof GROUPS)[number];

export class Tally {
  readonly #counts = new Map<string, number>();

  count(group: Group, name: string, by = 1): void {
    const key = `${group}/${name}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + by);
  }

  add(other: Tally): void {
    for (const [key, count] of other.#counts) this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
  }

  of(group: Group, name: string): number {
    return this.#counts.get(`${group}/${name}`) ?? 0;
  }

  /** Names and counts of a group, most frequent first. */
  list(group: Group): [name: string, count: number][] {
    const own = [...this.#counts].filter(([key]) => key.startsWith(`${group}/`));
    const named = own.map(([key, count]): [string, number] => [key.slice(group.length + 1), count]);
    return named.sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  }

  sum(group: Group): number {
    return this.list(group).reduce((sum, [, count]) => sum + count, 0);
  }
}
