/** Whatever a test draws comes from the seed of the run, which is printed at its start and fixed by `PLATEN_SEED`. */
import fc from "fast-check";
import { inject } from "vitest";
import { seededRandom } from "../../scripts/virtual/random.ts";

declare module "vitest" {
  interface ProvidedContext {
    readonly seed: number;
  }
}

/** From 0 to 2^31 - 1. */
export const SEED = inject("seed");

/** For the message of a failure that only this seed may show. */
export const AGAIN = `PLATEN_SEED=${SEED}`;

/** One sequence for a test file, from its start. */
export const random = seededRandom(SEED);

fc.configureGlobal({ seed: SEED });

export { fc };
