import { describe, expect, test } from "vitest";
import { type Clock, clockOffset, dateReport, isRecent, observeClock } from "../../src/domain/clock.ts";
import { fc } from "../support/random.ts";

const NOW = 1_790_000_000_000;
const TS = NOW / 1000;
const UNKNOWN: Clock = { kept: 0, gaps: [] };

/** Live reports a second apart, each so many seconds old by the agent's clock. */
function heard(gaps: readonly number[], clock = UNKNOWN): Clock {
  return gaps.reduce((before, gap, index) => observeClock(before, TS + index - gap, NOW + index * 1000), clock);
}

describe("an agent's clock", () => {
  test("[P11] the smallest of the last ten gaps counts, and the kept one until there is any", () => {
    expect(clockOffset({ kept: 19_000, gaps: [] })).toBe(19_000);
    const clock = heard([5, ...Array<number>(10).fill(20)]);
    expect(clock.gaps).toHaveLength(10);
    expect(clockOffset(clock)).toBe(20_000);
    expect(observeClock(clock, null, NOW)).toBe(clock);
  });

  test.each([
    ["[P11] a minute behind what was kept: it drifted", { kept: 5_000, gaps: [] }, 65, 65_000],
    ["[P12] further behind: it was set", { kept: 5_000, gaps: [] }, 65.001, 65_001],
    ["[P11] a minute later than the others: a slow network", heard([1, 1, 1]), 61, 1_000],
    ["[P12] later still: it was set back", heard([1, 1, 1]), 61.001, 61_001],
    ["[P12] set ahead by an hour", heard([1, 1, 1]), -3_599, -3_599_000],
  ] as const)("%s", (_title, clock, gap, offset) => {
    const next = observeClock(clock, TS - gap, NOW);
    expect(clockOffset(next)).toBe(offset);
    expect(next.gaps).toHaveLength(offset === 1_000 ? 4 : 1);
  });
});

describe("the date of a report", () => {
  test.each([
    ["[P13] in step", 0, TS, NOW],
    ["[P13] agent 19 s ahead", -19_000, TS + 19, NOW],
    ["[P13] agent 20 s behind", 20_000, TS - 20, NOW],
    ["[P13] 9.9 s old", 0, TS - 9.9, NOW - 9_900],
    ["[P13] from the future: never after its arrival", 0, TS + 500, NOW],
    ["[P13] older than the report before it", 0, TS - 700, NOW - 600_000],
    ["[P13] no time", 0, null, NOW],
  ])("%s", (_title, kept, ts, date) => {
    expect(dateReport(ts, { kept, gaps: [] }, NOW, NOW - 600_000)).toBe(date);
  });

  test("[P13] lies between the report before it and its arrival", () => {
    const clocks = fc.record({ kept: fc.integer(), gaps: fc.array(fc.integer(), { maxLength: 10 }) });
    fc.assert(
      fc.property(fc.option(fc.double({ noNaN: true, min: -1e11, max: 1e11 })), clocks, fc.nat(), (ts, clock, age) => {
        const date = dateReport(ts, clock, NOW, NOW - age);
        expect(date).toBeGreaterThanOrEqual(NOW - age);
        expect(date).toBeLessThanOrEqual(NOW);
      }),
    );
  });

  test("[P14] is less than 10 s before its arrival, as far as the agent's clock tells", () => {
    const clock = { kept: 3_000, gaps: [] };
    expect([9.999, 10, -700].map((age) => isRecent(TS - 3 - age, clock, NOW))).toEqual([true, false, true]);
  });
});
