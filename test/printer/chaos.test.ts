import { afterEach, describe, expect, test, vi } from "vitest";
import { BrokenPromise } from "../../scripts/chaos/promises.ts";
import { seededRandom } from "../../scripts/virtual/random.ts";
import { Bench } from "../support/chaos/bench.ts";
import { ObjectWorld } from "../support/chaos/object-world.ts";
import { makePrinter } from "../support/printer.ts";

const STEPS = 100;
/** Ahead of the real clock, so that no alarm comes by itself. */
const AHEAD_MS = 3_600_000;

/** `broken` names the promise and the step in which it broke; null: none. */
async function run(seed: number): Promise<{ broken: string | null; frames: number }> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + AHEAD_MS });
  const bench = new Bench(await makePrinter(), Math.floor(Date.now() / 1000));
  const world = new ObjectWorld(bench, seededRandom(seed));
  let step = 0;
  try {
    await bench.connect();
    for (; step < STEPS; step += 1) await world.step();
    await world.finish();
    return { broken: null, frames: bench.arrived.length };
  } catch (error) {
    if (!(error instanceof BrokenPromise)) throw error;
    const broken = `seed ${seed}, step ${step}: ${error.promise}: ${error.message}`;
    return { broken, frames: bench.arrived.length };
  }
}

afterEach(() => {
  vi.useRealTimers();
});

describe("evictions, deaths, closes and time between any two events of a real object", () => {
  // Real sockets do not run in simulated time, so that a seed does not repeat a run to the frame: `npm run chaos` does.
  test.each([9, 12, 19])("[C66] break no promise of the ledger: seed %i", async (seed) => {
    const { broken, frames } = await run(seed);
    expect(broken).toBeNull();
    expect(frames).toBeGreaterThan(STEPS / 10);
  });
});
