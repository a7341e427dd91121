/** Many short worlds from one seed; a broken promise is reported with the seed of its own world. */
import { step } from "../../src/domain/printer.ts";
import { scramble } from "../virtual/random.ts";
import { belowFloor } from "./floors.ts";
import { BrokenPromise, type PromiseName } from "./promises.ts";
import type { Decide } from "./shell.ts";
import { Tally } from "./tally.ts";
import { World } from "./world.ts";

export interface Breach {
  /** Of that world alone: a run with this seed begins with it. For a floor, of the run. */
  readonly seed: number;
  readonly promise: PromiseName;
  readonly sentence: string;
}

export interface Run {
  readonly tally: Tally;
  readonly commands: number;
  /** The seed of each world, in order. */
  readonly seeds: readonly number[];
  /** One a world at most, in order: a world ends with the first promise that it breaks. */
  readonly breaches: readonly Breach[];
}

export interface RunOptions {
  readonly onProgress?: (taken: number) => void;
  /** Instead of the domain's `step`. */
  readonly decide?: Decide;
}

const SEEDS = 2 ** 31;

/** The first world's seed is the run's, so that any world can be repeated alone. */
function seedOfWorld(seed: number, index: number): number {
  return index === 0 ? seed : Math.floor(scramble(seed ^ Math.imul(index, 0x9e3779b1)) * SEEDS);
}

/** Worlds until the object took `commands` commands, or that many worlds broke something. */
export function runWorlds(seed: number, commands: number, options: RunOptions = {}): Run {
  const { decide = step, onProgress = () => {} } = options;
  const tally = new Tally();
  const seeds: number[] = [];
  const breaches: Breach[] = [];
  let taken = 0;
  while (taken < commands) {
    const worldSeed = seedOfWorld(seed, seeds.length);
    seeds.push(worldSeed);
    const world = new World(worldSeed, decide);
    const breach = breachOf(world, worldSeed);
    if (breach !== null) breaches.push(breach);
    // A world counts in any case: else one that breaks at once would keep the run going for ever.
    taken += Math.max(1, world.commands);
    tally.add(world.tally);
    onProgress(taken);
  }
  const low = belowFloor(tally);
  if (low !== null) breaches.push({ seed, promise: "floor", sentence: low });
  return { tally, commands: taken, seeds, breaches };
}

function breachOf(world: World, seed: number): Breach | null {
  try {
    world.run();
    return null;
  } catch (error) {
    if (!(error instanceof BrokenPromise)) throw error;
    return { seed, promise: error.promise, sentence: error.message };
  }
}
