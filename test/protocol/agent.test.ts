import { describe, expect, test } from "vitest";
import { readAgentFrame } from "../../src/protocol/agent.ts";
import { AGENT_FRAME_BYTES, isDeeperThan, readJsonObject } from "../../src/protocol/codec.ts";
import { fc } from "../support/random.ts";

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
  test.each(table)("[A11] %s", (_title, text, code) => {
    expect(readAgentFrame(text)).toMatchObject({ ok: false, failure: { code } });
  });

  test("[A11] 32 levels and exactly 1 MiB are read", () => {
    expect(readAgentFrame(`${'{"a":'.repeat(32)}1${"}".repeat(32)}`).ok).toBe(true);
    expect(readAgentFrame(`{"a":"${"x".repeat(AGENT_FRAME_BYTES - 8)}"}`).ok).toBe(true);
  });
});

test("[A12] bare NaN and Infinity are null, inside strings they stay", () => {
  const text = '{"a": NaN, "b": [Infinity, -Infinity], "c": "NaN \\" Infinity"}';
  expect(readJsonObject(text, 1000)).toEqual({ ok: true, value: { a: null, b: [null, null], c: 'NaN " Infinity' } });
});

test("[A12] is fast on a text that was made to be slow", () => {
  for (const text of [
    `{"a": NaN, ${'\\"'.repeat(400_000)}`,
    `{"a": NaN, "${"\\\\".repeat(200_000)}`,
    `NaN${'"'.repeat(99_999)}`,
  ]) {
    expect(readJsonObject(text, AGENT_FRAME_BYTES).ok).toBe(false);
  }
  const long = `{"a": NaN, "b": "${'\\"'.repeat(400_000)}"}`;
  expect(readJsonObject(long, AGENT_FRAME_BYTES)).toMatchObject({ ok: true, value: { a: null } });
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
  ])("[A13] %j reads as %j", (given, ts) => {
    expect(read({ current_print_ts: given, status: { _ts: 1 } }).frame.report?.printExtId).toBe(ts);
  });
});

describe("which kind a frame is", () => {
  const table: [title: string, frame: object, expected: object | null][] = [
    ["nothing at all", {}, { isBlank: true, status: null, settings: null, event: null }],
    ["an empty status", { current_print_ts: 5, status: {} }, { isBlank: true, status: null, printExtId: 5 }],
    ["settings only", { settings: { a: 1 } }, { isBlank: false, status: null, settings: { keys: { a: 1 } } }],
    ["an event only", { event: { event_type: "PrintDone" } }, { isBlank: false, event: { type: "done" } }],
    ["a passthru answer", { passthru: { ref: "1", ret: 2 } }, null],
    ["janus", { janus: "{}" }, null],
    [
      "a refusal of Klipper's",
      { passthru: { printer_event: { event_title: "Moonraker Error", event_text: "!! Must home axis first" } } },
      { refusal: "!! Must home axis first", isBlank: false, status: null, event: null, printExtId: null },
    ],
    [
      "an event of the printer that is no refusal",
      { passthru: { printer_event: { event_title: "Webcam", event_text: "Janus not found" } } },
      null,
    ],
    [
      "legacy names",
      { octoprint_data: { _ts: 1_790_000_000 }, octoprint_event: { event_type: "X" } },
      { event: { type: "other" }, status: { ts: 1_790_000_000 } },
    ],
    ["a legacy file id", { tsd_gcode_file_id: 7, status: { job: {} } }, { status: { gCodeFileId: 7 } }],
  ];
  test.each(table)("[A14] [A19] %s", (_title, frame, expected) => {
    const { report } = read(frame).frame;
    if (expected === null) expect(report).toBeNull();
    else expect(report).toMatchObject(expected);
  });
});

describe("wrong types", () => {
  test.each(["status", "event", "settings", "passthru"])("[A15] %s as text is left out and told", (key) => {
    const { frame, faults } = read({ [key]: "x", current_print_ts: 1_790_000_100 });
    expect(faults).toHaveLength(1);
    expect(faults[0]?.detail).toContain(key);
    expect(frame.report).toMatchObject({ printExtId: 1_790_000_100, status: null, event: null, settings: null });
  });

  test("[A15] any JSON object is read without a throw", () => {
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

test.each([
  ["a console line", { passthru: { terminal_feed: { msg: "ok" } } }, true],
  ["a call of nobody", { passthru: { ref: null } }, true],
  ["a call without a known answer", { passthru: {} }, true],
  ["signalling", { janus: "{}" }, true],
  ["an answer", { passthru: { ref: "1" } }, false],
  ["an answer to a number", { passthru: { ref: 1 } }, false],
  ["console lines beside a status", { passthru: {}, status: { _ts: 1 } }, false],
  ["console lines beside an unknown key", { passthru: {}, odd: 1 }, false],
  ["a passthru of a wrong type", { passthru: [] }, false],
  ["a tunnel's", { "ws.tunnel": {} }, false],
  ["nothing at all", {}, false],
])("[A75] %s: chatter or not", (_title, frame, isChatter) => {
  expect(read(frame).frame.isChatter).toBe(isChatter);
});

describe("values that are too long to keep", () => {
  const longer = `[${"1e20,".repeat(200_000)}1]`;
  test.each([
    [
      "a status whose numbers grow when they are written again",
      `{"status":{"odd":${longer}},"current_print_ts":1790000100}`,
      "status",
    ],
    ["its job", `{"status":{"job":${longer}},"current_print_ts":1790000100}`, "status"],
  ])("[A16] %s: left out and told, the rest counts", (_title, text, key) => {
    const result = readAgentFrame(text);
    if (!result.ok) throw new Error(result.failure.detail);
    expect(result.value.faults).toEqual([{ code: "invalid_frame", detail: `${key}: too long.` }]);
    expect(result.value.frame.report).toMatchObject({ printExtId: 1_790_000_100, status: null, settings: null });
  });

  test("[A16] a status of almost a frame is kept", () => {
    const text = `{"status":{"odd":"${"x".repeat(AGENT_FRAME_BYTES - 100)}"}}`;
    expect(readAgentFrame(text)).toMatchObject({ ok: true, value: { faults: [] } });
  });
});

test("[A17] unknown keys of a status come back with their values", () => {
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

describe("one legacy webcam", () => {
  const plain = { name: "", is_primary_camera: true, flipV: false, flipH: false, rotation: 0, streamRatio: "16:9" };
  test.each([
    ["becomes the list", { webcam: { flipV: true } }, { webcams: [{ ...plain, flipV: true }] }],
    ["turned", { webcam: { rotate90: true } }, { webcams: [{ ...plain, rotate90: true, rotation: 270 }] }],
    [
      "turned by degrees",
      { webcam: { rotate90: true, rotation: 90 } },
      { webcams: [{ ...plain, rotate90: true, rotation: 90 }] },
    ],
    ["beside a list is ignored", { webcam: { flipV: true }, webcams: [] }, { webcams: [] }],
    ["of no use", { webcam: 5, a: 1 }, { a: 1 }],
  ])("[A23] %s", (_title, given, expected) => {
    expect(read({ settings: given }).frame.report?.settings?.keys).toEqual(expected);
    expect(read({ octoprint_settings: given }).frame.report?.settings?.keys).toEqual(expected);
  });
});

test("[A18] names lose NUL and lone surrogates", () => {
  const { frame } = read({ status: { job: { file: { name: "a\u0000b\ud800" } } } });
  expect(frame.report?.status?.fileName).toBe("ab\ufffd");
});

test("[A11] depth counts objects and arrays", () => {
  expect(isDeeperThan({ a: [1] }, 2)).toBe(false);
  expect(isDeeperThan({ a: [[1]] }, 2)).toBe(true);
  expect(isDeeperThan(5, 0)).toBe(false);
});
