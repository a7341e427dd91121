import { describe, expect, test } from "vitest";
import type { ReportedStatus } from "../../src/domain/report.ts";
import {
  type Clock,
  clockOffset,
  dateReport,
  isNewer,
  observeClock,
  presence,
  showStatus,
  statusText,
} from "../../src/domain/status.ts";

const NOW = 1_790_000_000_000;
const TS = NOW / 1000;

function aStatus(patch: Partial<ReportedStatus> = {}): ReportedStatus {
  return {
    ts: TS,
    text: "Printing",
    phase: "printing",
    isPrinting: true,
    hasError: false,
    isPrinterLost: false,
    fileName: null,
    gCodeFileId: null,
    printTimeSeconds: null,
    filamentUsedMm: null,
    parts: { condition: "", moving: "", steady: "", heaters: "", actualsC: [] },
    job: null,
    fileMetadata: null,
    rest: "{}",
    ...patch,
  };
}

describe("presence", () => {
  const C = NOW - 500_000;
  const table: [
    connectedAt: number | null,
    disconnectedAt: number | null,
    lostAt: number | null,
    state: string,
    since: number | null,
  ][] = [
    [null, null, null, "offline", null],
    [C, null, null, "online", C],
    [C, NOW - 59_999, null, "stale", NOW - 59_999],
    [C, NOW - 60_000, null, "offline", NOW - 60_000],
    [C, NOW - 1, NOW - 5, "stale", NOW - 1],
    [C, null, NOW - 5, "unreachable", NOW - 5],
  ];
  test.each(table)(
    "[P1] connected %s, disconnected %s, printer lost %s: %s",
    (connectedAt, disconnectedAt, printerLostAt, state, since) => {
      expect(presence({ connectedAt, disconnectedAt, printerLostAt }, NOW)).toEqual({ state, since });
    },
  );
});

describe("the order of statuses", () => {
  const shown = showStatus(aStatus(), NOW);
  test.each([
    ["[P9] newer", TS + 1, true],
    ["[P9] equal", TS, true],
    ["[P9] a second older", TS - 1, false],
    ["[P9] 59.9 s older", TS - 59.9, false],
    ["[P9] a minute older: the clock was set", TS - 60, true],
    ["[P9] without a time", null, true],
  ])("%s", (_title, ts, isShown) => {
    expect(isNewer(aStatus({ ts }), shown)).toBe(isShown);
    expect(isNewer(aStatus({ ts }), null)).toBe(true);
  });
});

describe("the dates of reports", () => {
  const settled: Clock = { kept: 0, gaps: [] };

  test("[P12] a frame soon after the opening may be a backlog: its gap is not learned", () => {
    expect(observeClock(settled, TS - 100, NOW, NOW - 5_000)).toBe(settled);
    expect(observeClock(settled, TS - 100, NOW, NOW - 5_001).gaps).toEqual([100_000]);
    expect(observeClock(settled, null, NOW, NOW - 9_000)).toBe(settled);
  });

  test("[P11] the smallest of the last ten gaps counts, and the kept one until there is any", () => {
    expect(clockOffset({ kept: 19_000, gaps: [] })).toBe(19_000);
    const gaps = [5, ...Array<number>(10).fill(20)];
    const clock = gaps.reduce(
      (before, gap, index) => observeClock(before, TS + index - gap, NOW + index * 1000, 0),
      settled,
    );
    expect(clock.gaps).toHaveLength(10);
    expect(clockOffset(clock)).toBe(20_000);
  });

  test.each([
    ["[P13] in step", 0, TS, NOW, true],
    ["[P13] agent 19 s ahead", -19_000, TS + 19, NOW, true],
    ["[P13] agent 20 s behind", 20_000, TS - 20, NOW, true],
    ["[P14] 9.9 s old", 0, TS - 9.9, NOW - 9_900, true],
    ["[P14] 10 s old: backlog", 0, TS - 10, NOW - 10_000, false],
    ["[P13] from the future: never after its arrival", 0, TS + 500, NOW, true],
    ["[P13] no time", 0, null, NOW, true],
  ])("%s", (_title, kept, ts, date, isLive) => {
    expect(dateReport(ts, { kept, gaps: [] }, NOW)).toEqual({ date, isLive });
  });
});

test("[P10] the shown status is put together again from its parts", () => {
  const whole = showStatus(aStatus({ rest: '{"_ts":1}', job: '{"user":null}', fileMetadata: "null" }), NOW);
  expect(JSON.parse(statusText(whole))).toEqual({ _ts: 1, job: { user: null }, file_metadata: null });
  expect(statusText(showStatus(aStatus({ job: "{}" }), NOW))).toBe('{"job":{}}');
  expect(statusText(showStatus(aStatus(), NOW))).toBe("{}");
});
