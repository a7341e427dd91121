/** Moments as the wire writes and reads them. */
import { describe, expect, test } from "vitest";
import { timeJson } from "../../../src/http/json/time.ts";
import { timeField } from "../../../src/http/kit/fields.ts";

describe("moments", () => {
  test("[H17] are written with three digits of a second, in UTC", () => {
    expect([timeJson(0), timeJson(1_790_000_103_500), timeJson(null)]).toEqual([
      ...["1970-01-01T00:00:00.000Z", "2026-09-21T14:15:03.500Z"],
      null,
    ]);
  });

  test.each([
    ["2026-04-01T00:00:00Z", "2026-04-01T00:00:00.000Z"],
    ["2026-04-01t02:00:00.5+02:00", "2026-04-01T00:00:00.500Z"],
    ["2026-03-31T19:30:00-04:30", "2026-04-01T00:00:00.000Z"],
    ["2026-12-31T23:59:60Z", "2027-01-01T00:00:00.000Z"],
  ])("[H17] %s is read as %s", (text, moment) => {
    expect(timeJson(timeField().parse(text))).toBe(moment);
  });

  test.each(["2026-04-01", "2026-04-01T00:00:00", "2026-02-30T00:00:00Z", "1969-12-31T23:59:59Z", "soon", 5, null])(
    "[H17] %j is no moment",
    (value) => {
      expect(timeField().safeParse(value).success).toBe(false);
    },
  );
});
