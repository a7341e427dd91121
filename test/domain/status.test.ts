import { describe, expect, test } from "vitest";
import type { ReportedStatus } from "../../src/domain/report.ts";
import { isNewer, presence, showStatus, statusText } from "../../src/domain/status.ts";

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
    completion: null,
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

describe("the order of statuses of a backlog", () => {
  const shown = showStatus(aStatus(), NOW);
  test.each([
    ["[P9] newer", TS + 1, true],
    ["[P9] equal", TS, true],
    ["[P9] a second older", TS - 1, false],
    ["[P9] 59.9 s older", TS - 59.9, false],
    ["[P9] a minute older: the clock was set", TS - 60, true],
    ["[P9] without a time", null, true],
  ])("%s", (_title, ts, isShown) => {
    expect(isNewer(aStatus({ ts }), false, shown)).toBe(isShown);
    expect(isNewer(aStatus({ ts }), false, null)).toBe(true);
    expect(isNewer(aStatus({ ts }), true, shown)).toBe(true);
  });
});

test("[P10] the shown status is put together again from its parts", () => {
  const whole = showStatus(aStatus({ rest: '{"_ts":1}', job: '{"user":null}', fileMetadata: "null" }), NOW);
  expect(JSON.parse(statusText(whole))).toEqual({ _ts: 1, job: { user: null }, file_metadata: null });
  expect(statusText(showStatus(aStatus({ job: "{}" }), NOW))).toBe('{"job":{}}');
  expect(statusText(showStatus(aStatus(), NOW))).toBe("{}");
});
