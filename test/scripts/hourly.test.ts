import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { everyHour } from "../../scripts/hourly.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("[R28] the scheduled run comes at the start and every hour after", () => {
  const run = vi.fn();
  everyHour(run);
  expect(run).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(3_599_999);
  expect(run).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(24 * 3_600_000);
  expect(run).toHaveBeenCalledTimes(25);
});
