/** The recordings of quick commands by the pure core alone; the whole Worker is held to the same in `test/http`. */
import { expect, test } from "vitest";
import { replayPurely } from "../support/pure-replay.ts";
import { QUICK_RECORDINGS } from "../support/recordings.ts";
import { contradictions, KLIPPER_TRUTH, refusalsOf, unsettled } from "../support/truth.ts";

test("[A60] Klipper's states contradict no claim of the pure core", () => {
  const { claims, printer } = replayPurely(QUICK_RECORDINGS.klipper);
  expect(claims).toHaveLength(152);
  expect.soft(contradictions(KLIPPER_TRUTH, claims)).toEqual([]);
  expect.soft(unsettled(KLIPPER_TRUTH, claims)).toEqual([]);
  expect.soft(refusalsOf(KLIPPER_TRUTH, claims).filter(({ state }) => state !== "failed")).toEqual([]);
  expect.soft(printer.prints.size).toBe(63);
});

test("[A61] commands that were all obeyed all succeed", () => {
  const { claims } = replayPurely(QUICK_RECORDINGS.quick);
  expect(claims).toHaveLength(27);
  expect(claims.filter(({ state }) => state !== "succeeded")).toEqual([]);
});
