/** Many short worlds from one seed; a broken promise is reported with the seed of its own world. */
import { scramble } from "../virtual/random.ts";
import { BrokenPromise, type PromiseName } from "./promises.ts";
import { Tally } from "./tally.ts";
import { World } from "./world.ts";

export interface Breach {
  /** Of that world alone: a run with this seed begins with it. */
  readonly seed: number;
  readonly promise: PromiseName;
  readonly sentence: string;
}

export interface Run {
  readonly tally: Tally;
  readonly commands: number;
  readonly worlds: number;
  readonly breach: Breach | null;
}

const SEEDS = 2 ** 31;

/** The first world's seed is the run's, so that any world can be repeated alone. */
function seedOfWorld(seed: number, index: number): number {
  return index === 0 ? seed : Math.floor(scramble(seed ^ Math.imul(index, 0x9e3779b1)) * SEEDS);
}

/** Worlds until the object took `commands` commands, or until the first broken promise. */
export function runWorlds(seed: number, commands: number, onProgress: (taken: number) => void = () => {}): Run {
  const tally = new Tally();
  let taken = 0;
  let worlds = 0;
  while (taken < commands) {
    const worldSeed = seedOfWorld(seed, worlds);
    worlds += 1;
    const world = new World(worldSeed);
    try {
      taken += world.run();
    } catch (error) {
      if (!(error instanceof BrokenPromise)) throw error;
      const breach = { seed: worldSeed, promise: error.promise, sentence: error.message };
      return { tally, commands: taken, worlds, breach };
    }
    tally.add(world.tally);
    onProgress(taken);
  }
  return { tally, commands: taken, worlds, breach: null };
}
