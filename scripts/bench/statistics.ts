/** The middle of what was measured, and its spread [R37]. */

/** What both sides took, a number a turn; those of the same index were measured one after the other. */
export interface Measured {
  readonly subject: readonly number[];
  readonly baseline: readonly number[];
}

export interface Quartiles {
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** By linear interpolation; of one value at least. */
export function quartiles(values: readonly number[]): Quartiles {
  const sorted = values.toSorted((a, b) => a - b);
  return { low: quantile(sorted, 0.25), median: quantile(sorted, 0.5), high: quantile(sorted, 0.75) };
}

function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

/** How many times as much the subject took as the baseline, turn by turn. */
export function ratios({ subject, baseline }: Measured): number[] {
  return subject.map((taken, turn) => taken / (baseline[turn] ?? Number.NaN));
}
