/** Draws the seed of a test run, once for all projects: a random one, or the one that `PLATEN_SEED` names. */
import type { TestProject } from "vitest/node";

const SEEDS = 2 ** 31;

/** Vitest calls it before any test; throws when `PLATEN_SEED` is no seed. */
export default function drawSeed(project: TestProject): void {
  const named = process.env.PLATEN_SEED;
  const seed = named === undefined ? Math.floor(Math.random() * SEEDS) : Number(named);
  if (!Number.isInteger(seed) || seed < 0 || seed >= SEEDS) {
    throw new Error(`PLATEN_SEED=${named}: a whole number from 0 to ${SEEDS - 1} is expected`);
  }
  project.provide("seed", seed);
  console.log(`Seed ${seed}. PLATEN_SEED=${seed} draws the same again.`);
}
