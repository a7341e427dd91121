import { describe, expect, test } from "vitest";
import { codeFrom, guessAgainAt, normalizeCode, passcodeFrom } from "../../src/domain/linking.ts";
import { fc } from "../support/random.ts";

const anyUint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });

describe("codes are drawn without favour", () => {
  const kinds = [
    { name: "code", draw: codeFrom, shape: /^\d{6}$/, size: 10 ** 6 },
    { name: "passcode", draw: passcodeFrom, shape: /^[a-z0-9]{5}$/, size: 36 ** 5 },
  ];

  test.each(kinds)("[S37] every $name has its shape, or the bits are refused", ({ draw, shape }) => {
    fc.assert(fc.property(anyUint32, (bits) => draw(bits) === null || shape.test(draw(bits) ?? "")));
  });

  test.each(kinds)("[S37] bits are taken up to the last whole round of $name, and not beyond", ({ draw, size }) => {
    const accepted = Math.floor(2 ** 32 / size) * size;
    expect(draw(0)).not.toBeNull();
    expect(draw(accepted - 1)).not.toBeNull();
    expect(draw(accepted)).toBeNull();
    expect(draw(2 ** 32 - 1)).toBeNull();
  });

  test("[S37] one whole round gives every code once", () => {
    const drawn = new Set(Array.from({ length: 10 ** 6 }, (_, bits) => codeFrom(bits)));
    expect(drawn.size).toBe(10 ** 6);
  });

  test.each(kinds)("[S37] rounds repeat: $name", ({ draw, size }) => {
    fc.assert(fc.property(fc.integer({ min: 0, max: size - 1 }), (bits) => draw(bits) === draw(bits + size)));
  });
});

describe("when a caller may guess again", () => {
  test.each([
    {
      name: "no failures",
      ownTenth: null,
      networkThirtieth: null,
      networkNewest: null,
      sixHundredth: null,
      again: null,
    },
    {
      name: "nine of its own",
      ownTenth: null,
      networkThirtieth: null,
      networkNewest: 9_000,
      sixHundredth: null,
      again: null,
    },
    {
      name: "ten of its own: when the oldest of them is a minute old",
      ownTenth: 1_000,
      networkThirtieth: null,
      networkNewest: 9_000,
      sixHundredth: null,
      again: 61_000,
    },
    {
      name: "too many in all, none near it",
      ownTenth: null,
      networkThirtieth: null,
      networkNewest: null,
      sixHundredth: 5_000,
      again: null,
    },
    {
      name: "too many in all, its own ages first",
      ownTenth: null,
      networkThirtieth: null,
      networkNewest: 4_000,
      sixHundredth: 5_000,
      again: 64_000,
    },
    {
      name: "too many in all, those age first",
      ownTenth: null,
      networkThirtieth: null,
      networkNewest: 9_000,
      sixHundredth: 5_000,
      again: 65_000,
    },
    {
      name: "thirty of its network: when the oldest of them is a minute old",
      ownTenth: null,
      networkThirtieth: 2_000,
      networkNewest: 9_000,
      sixHundredth: null,
      again: 62_000,
    },
    {
      name: "both: the later",
      ownTenth: 8_000,
      networkThirtieth: 7_000,
      networkNewest: 9_000,
      sixHundredth: 5_000,
      again: 68_000,
    },
  ])("[S38] [S40] [S61] $name", ({ again, ...history }) => {
    expect(guessAgainAt(history)).toBe(again);
  });
});

test.each([
  ["123456", "123456"],
  [" 123 456\n", "123456"],
  ["\t12\u00a034 56", "123456"],
  [" \u2003 ", ""],
])("[S34] white space in a code means nothing: %j", (typed, code) => {
  expect(normalizeCode(typed)).toBe(code);
});
