import { describe, expect, test } from "vitest";
import { runWorlds } from "../../scripts/chaos/run.ts";
import { GROUPS } from "../../scripts/chaos/tally.ts";
import { SEED } from "../support/random.ts";

const COMMANDS = 1_000;
const SEEDS = [1, 2, 3, 4, 5];

/** A breach names its promise and the seed that shows it again: `npm run chaos -- --commands 1 --seed N`. */
function breachOf(seed: number): unknown {
  return runWorlds(seed, COMMANDS).breach;
}

describe("drops, duplicates, delays, reconnects, evictions and kills between any two steps", () => {
  test.each(SEEDS)("[C64] break no promise of the ledger: seed %i", (seed) => {
    expect(breachOf(seed)).toBeNull();
  });

  test("[C64] break no promise of the ledger: a seed of today", () => {
    expect(breachOf(SEED), `npm run chaos -- --commands ${COMMANDS} --seed ${SEED}`).toBeNull();
  });

  test("[C65] are the same ones again with the same seed, and happen often enough to tell something", () => {
    const [one, two] = [runWorlds(7, COMMANDS).tally, runWorlds(7, COMMANDS).tally];
    for (const group of GROUPS) {
      expect(one.list(group)).toEqual(two.list(group));
      expect(one.sum(group)).toBeGreaterThan(20);
    }
    for (const state of ["rejected", "succeeded", "failed", "unknown", "superseded"]) {
      expect(one.of("commands", state)).toBeGreaterThan(0);
    }
  });
});
