/** What the benchmark makes of what it measured, and the page that it writes. */
import { describe, expect, test } from "vitest";
import { ROWS } from "../../scripts/bench/catalogue.ts";
import { lineOf, MARKER, pageOf, type Result } from "../../scripts/bench/report.ts";
import { quartiles, ratios } from "../../scripts/bench/statistics.ts";
import { fc } from "../support/random.ts";

const CIRCUMSTANCES = {
  date: "2026-11-28",
  commit: "0123456789",
  cores: 2,
  cpu: "A CPU",
  node: "24.0.0",
  workerd: "1.0",
};
const [IDLE] = ROWS;

function aResult(subject: readonly number[], row: Result["row"] = IDLE): Result {
  return { row, subject, baseline: subject.map(() => 10) };
}

/** The cells of the row of that name. */
function cellsOf(page: string, name: string): string[] {
  const line = page.split("\n").find((text) => text.startsWith(`| ${name} |`)) ?? "";
  return line.split("|").map((cell) => cell.trim());
}

describe("the middle and its spread", () => {
  test.each([
    [[7], { low: 7, median: 7, high: 7 }],
    [[4, 1, 3, 2], { low: 1.75, median: 2.5, high: 3.25 }],
    [[5, 1, 3], { low: 2, median: 3, high: 4 }],
  ])("[R37] of %j is %j", (values, expected) => {
    expect(quartiles(values)).toEqual(expected);
  });

  test("[R37] lies in the values whatever their order, and half of them on each side", () => {
    const values = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(values, (measured) => {
        const { low, median, high } = quartiles(measured);
        expect(low).toBeLessThanOrEqual(median);
        expect(median).toBeLessThanOrEqual(high);
        expect(measured.filter((value) => value < median).length * 2).toBeLessThanOrEqual(measured.length);
        expect(measured.filter((value) => value > median).length * 2).toBeLessThanOrEqual(measured.length);
        expect(quartiles(measured.toReversed())).toEqual({ low, median, high });
      }),
    );
  });

  test("[R37] a ratio is of two turns of which one followed the other", () => {
    expect(ratios({ subject: [20, 90], baseline: [10, 30] })).toEqual([2, 3]);
  });
});

describe("the page", () => {
  test("[R38] has a line a row, with its goal, the median, the quartiles, both costs, and whether it holds", () => {
    const slow = { ...IDLE, name: "slow", goal: 2 };
    const page = pageOf([aResult([20, 30, 40]), aResult([20, 30, 40], slow)], CIRCUMSTANCES, "");
    expect(cellsOf(page, "idle-frame").slice(4, 9)).toEqual(["5", "3.00 (2.50 to 3.50)", "30 µs", "10 µs", "yes"]);
    expect(cellsOf(page, "slow").at(-2)).toBe("no");
    expect(page).toContain("2 cores (A CPU)");
  });

  test("[R38] keeps what is written by hand under its marker, run after run", () => {
    const first = pageOf([aResult([10])], CIRCUMSTANCES, "");
    const byHand = `${first.slice(0, first.indexOf(MARKER))}${MARKER}\n\n## Why\n\nBecause.\n`;
    const second = pageOf([aResult([50])], { ...CIRCUMSTANCES, commit: null }, byHand);
    expect(second.slice(second.indexOf(MARKER))).toBe(`${MARKER}\n\n## Why\n\nBecause.\n`);
    expect(second).toContain("5.00 (5.00 to 5.00)");
    expect(pageOf([aResult([50])], { ...CIRCUMSTANCES, commit: null }, second)).toBe(second);
  });

  test("[R38] a row without a goal says so", () => {
    expect(lineOf(aResult([10], { ...IDLE, goal: null }))).toContain("no goal");
  });
});
