/** Seeded randomness, so that a run can be repeated. */

/** The next number in 0 (inclusive) to 1 (exclusive). */
export type Random = () => number;

/** A 32-bit counter whose scrambled values are the numbers; the same seed gives the same ones. */
export function seededRandom(seed: number): Random {
  let counter = seed | 0;
  return () => {
    counter = (counter + 0x9e3779b9) | 0;
    return scramble(counter);
  };
}

/** A number in 0 (inclusive) to 1 (exclusive) that looks unrelated to those of neighbouring seeds. */
export function scramble(seed: number): number {
  let bits = Math.imul(seed ^ (seed >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return ((bits ^ (bits >>> 15)) >>> 0) / 2 ** 32;
}

export function between(random: Random, low: number, high: number): number {
  return low + random() * (high - low);
}

export function pick<const T extends readonly [unknown, ...unknown[]]>(random: Random, items: T): T[number] {
  return items[Math.floor(random() * items.length)] ?? items[0];
}

/** That many lower-case hexadecimal digits. */
export function hexadecimal(random: Random, digits: number): string {
  return Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join("");
}
