import { describe, expect, test } from "vitest";
import type { TokenGenerations } from "../../src/domain/change.ts";
import { isGenerationValid, relinkGeneration, rotateGeneration, useGeneration } from "../../src/domain/generation.ts";
import { fc } from "../support/random.ts";

const MINUTE = 60_000;
const GRACE_MS = 15 * MINUTE;
const NEW: TokenGenerations = { newest: 1, used: null, graceUntil: null, keyId: null };

function validOnes(tokens: TokenGenerations, now: number): number[] {
  return Array.from({ length: tokens.newest + 1 }, (_, index) => index + 1).filter((generation) =>
    isGenerationValid(tokens, generation, now),
  );
}

describe("generations of a token", () => {
  test("[S22] re-linking leaves the one last used beside the newest, 15 min at most", () => {
    const tokens = relinkGeneration(useGeneration(NEW, 1, "k1"), 0);
    expect(validOnes(tokens, GRACE_MS - 1)).toEqual([1, 2]);
    expect(validOnes(tokens, GRACE_MS)).toEqual([2]);
  });

  test("[S22] the first use of the newest ends it, a use of the older one does not", () => {
    const tokens = useGeneration(relinkGeneration(useGeneration(NEW, 1, "k1"), 0), 1, "k1");
    expect(validOnes(tokens, 1)).toEqual([1, 2]);
    expect(validOnes(useGeneration(tokens, 2, "k1"), 1)).toEqual([2]);
  });

  test("[S22] any between are dead; a token that no agent used has no grace", () => {
    const tokens = relinkGeneration(relinkGeneration(useGeneration(NEW, 1, "k1"), 0), 1);
    expect(validOnes(tokens, 2)).toEqual([1, 3]);
    expect(validOnes(relinkGeneration(NEW, 0), 1)).toEqual([2]);
  });

  test("[S23] a rotation is immediate, and no re-linking after it brings an older one back", () => {
    const tokens = rotateGeneration(useGeneration(NEW, 1, "k1"));
    expect(validOnes(tokens, 1)).toEqual([2]);
    expect(validOnes(relinkGeneration(tokens, 1), 2)).toEqual([3]);
  });

  test("[S22] [S23] whatever happens: at most two count, the newest always does, and the dead stay dead", () => {
    const deed = fc.record({
      does: fc.constantFrom("relink" as const, "rotate" as const, "use" as const),
      /** Which of the valid ones an agent uses. */
      which: fc.nat(1),
      after: fc.constantFrom(0, MINUTE, GRACE_MS - 1, GRACE_MS, 2 * GRACE_MS),
    });
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 30 }), (deeds) => {
        let [tokens, now] = [NEW, 0];
        const dead = new Set<number>();
        const bury = () => {
          const valid = validOnes(tokens, now);
          expect(valid.filter((generation) => dead.has(generation))).toEqual([]);
          for (let generation = 1; generation < tokens.newest; generation++) {
            if (!valid.includes(generation)) dead.add(generation);
          }
          return valid;
        };
        for (const { does, which, after } of deeds) {
          now += after;
          const usable = bury();
          if (does === "relink") tokens = relinkGeneration(tokens, now);
          if (does === "rotate") tokens = rotateGeneration(tokens);
          if (does === "use") tokens = useGeneration(tokens, usable[which % usable.length] ?? 0, "k1");
          const valid = bury();
          expect(valid.at(-1)).toBe(tokens.newest);
          expect(valid.length).toBeLessThanOrEqual(does === "rotate" ? 1 : 2);
        }
      }),
    );
  });
});
