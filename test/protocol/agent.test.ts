import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readAgentFrame } from "../../src/protocol/agent.ts";
import { AGENT_FRAME_BYTES, isDeeperThan, readJsonObject } from "../../src/protocol/codec.ts";

function read(frame: unknown) {
  const result = readAgentFrame(JSON.stringify(frame));
  if (!result.ok) throw new Error(result.failure.detail);
  return result.value;
}

describe("a frame that cannot be read", () => {
  const table: [title: string, text: string, code: string][] = [
    ["no JSON", "hello", "invalid_frame"],
    ["empty", "", "invalid_frame"],
    ["an array", "[1]", "invalid_frame"],
    ["null", "null", "invalid_frame"],
    ["33 levels", `${'{"a":'.repeat(33)}1${"}".repeat(33)}`, "invalid_frame"],
    ["100,000 levels", "[".repeat(100_000), "invalid_frame"],
    ["1 MiB and a byte", `{"a":"${"x".repeat(AGENT_FRAME_BYTES - 7)}"}`, "too_large"],
    ["1 MiB in characters of 3 bytes", `{"a":"${"€".repeat(AGENT_FRAME_BYTES / 3)}"}`, "too_large"],
  ];
  test.each(table)("[A1] %s", (_title, text, code) => {
    expect(readAgentFrame(text)).toMatchObject({ ok: false, failure: { code } });
  });

  test("[A1] 32 levels and exactly 1 MiB are read", () => {
    expect(readAgentFrame(`${'{"a":'.repeat(32)}1${"}".repeat(32)}`).ok).toBe(true);
    expect(readAgentFrame(`{"a":"${"x".repeat(AGENT_FRAME_BYTES - 8)}"}`).ok).toBe(true);
  });
});

test("[A2] bare NaN and Infinity are null, inside strings they stay", () => {
  const text = '{"a": NaN, "b": [Infinity, -Infinity], "c": "NaN \\" Infinity"}';
  expect(readJsonObject(text, 1000)).toEqual({ ok: true, value: { a: null, b: [null, null], c: 'NaN " Infinity' } });
});

describe("current_print_ts", () => {
  test.each([
    [1_790_000_100, 1_790_000_100],
    [1_790_000_100.9, 1_790_000_100],
    [-1, -1],
    [0, null],
    [null, null],
    ["1790000100", null],
    [true, null],
    [-2, null],
    [1e300, null],
    [[1_790_000_100], null],
  ])("[A3] %j reads as %j", (given, ts) => {
    expect(read({ current_print_ts: given, status: { _ts: 1 } }).frame.report?.printTs).toBe(ts);
  });
});

describe("which kind a frame is", () => {
  const table: [title: string, frame: object, expected: object | null][] = [
    ["nothing at all", {}, { isBlank: true, status: null, settings: null, event: null }],
    ["an empty status", { current_print_ts: 5, status: {} }, { isBlank: true, status: null, printTs: 5 }],
    ["settings only", { settings: { a: 1 } }, { isBlank: false, status: null, settings: { a: 1 } }],
    ["an event only", { event: { event_type: "PrintDone" } }, { isBlank: false, event: { type: "PrintDone" } }],
    ["a passthru answer", { passthru: { ref: "1", ret: 2 } }, null],
    ["janus", { janus: "{}" }, null],
    [
      "legacy names",
      { octoprint_data: { _ts: 1_790_000_000 }, octoprint_event: { event_type: "X" } },
      { event: { type: "X" }, status: { ts: 1_790_000_000 } },
    ],
    ["a legacy file id", { tsd_gcode_file_id: 7, status: { job: {} } }, { status: { gCodeFileId: 7 } }],
  ];
  test.each(table)("[A4] %s", (_title, frame, expected) => {
    const { report } = read(frame).frame;
    if (expected === null) expect(report).toBeNull();
    else expect(report).toMatchObject(expected);
  });
});

describe("wrong types", () => {
  test.each(["status", "event", "settings", "passthru"])("[A5] %s as text is left out and told", (key) => {
    const { frame, faults } = read({ [key]: "x", current_print_ts: 1_790_000_100 });
    expect(faults).toHaveLength(1);
    expect(faults[0]?.detail).toContain(key);
    expect(frame.report).toMatchObject({ printTs: 1_790_000_100, status: null, event: null, settings: null });
  });

  test("[A5] any JSON object is read without a throw", () => {
    const odd = fc.jsonValue();
    const frames = fc.record(
      { current_print_ts: odd, status: odd, event: odd, settings: odd, passthru: odd },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(frames, (frame) => {
        expect(readAgentFrame(JSON.stringify(frame)).ok).toBe(true);
      }),
    );
  });
});

test("[A6] unknown keys of a status come back verbatim", () => {
  const status = {
    _ts: 1_790_000_000.5,
    odd: { deep: [1, null, "ü"] },
    job: { file: { name: "a" } },
    file_metadata: null,
  };
  const read1 = read({ status }).frame.report?.status;
  expect(JSON.parse(read1?.rest ?? "")).toEqual({ _ts: 1_790_000_000.5, odd: status.odd });
  expect(JSON.parse(read1?.job ?? "")).toEqual(status.job);
  expect(read1?.fileMetadata).toBe("null");
});

test("[A7] one legacy webcam becomes the list", () => {
  const settings = read({ settings: { webcam: { flipV: true } } }).frame.report?.settings;
  expect(settings).toEqual({
    webcams: [{ name: "", is_primary_camera: true, flipV: true, flipH: false, rotation: 0, streamRatio: "16:9" }],
  });
});

test("[A8] names lose NUL and lone surrogates", () => {
  const { frame } = read({ status: { job: { file: { name: "a\u0000b\ud800" } } } });
  expect(frame.report?.status?.fileName).toBe("ab\ufffd");
});

test("[A9] depth counts objects and arrays", () => {
  expect(isDeeperThan({ a: [1] }, 2)).toBe(false);
  expect(isDeeperThan({ a: [[1]] }, 2)).toBe(true);
  expect(isDeeperThan(5, 0)).toBe(false);
});
