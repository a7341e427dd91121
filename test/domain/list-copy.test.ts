/** What of a status the list hears, when, and what that leaves in the socket's attachment. */
import { describe, expect, test } from "vitest";
import { nextAlarm } from "../../src/domain/printer.ts";
import { MemoryPrinter } from "../support/memory-printer.ts";
import { fc } from "../support/random.ts";

const NOW = 1_790_000_000_000;
const T = NOW / 1000 - 100;

interface Shown {
  readonly text?: string;
  readonly flags?: object;
  readonly error?: string | null;
  readonly heaters?: object;
  readonly [key: string]: unknown;
}

const TOOL = { actual: 100, target: 200, offset: 0 };

/** A printer that printed `said` a while ago, or stood idle with it. */
function showing(said: Shown, isPrinting = false): MemoryPrinter {
  const bench = new MemoryPrinter(NOW);
  bench.open();
  say(bench, said, isPrinting);
  bench.effects.length = 0;
  return bench;
}

function say(bench: MemoryPrinter, said: Shown, isPrinting = bench.printer.state.current !== null): void {
  const { text = "Operational", flags = { error: false }, error = null, heaters = { tool0: TOOL }, ...others } = said;
  const { progress = { completion: 5 }, ...rest } = others;
  bench.hear({
    current_print_ts: isPrinting ? T : -1,
    status: {
      _ts: bench.now / 1000,
      state: { text, flags, error },
      job: { file: { name: "a.gcode" } },
      ...{ temperatures: heaters, progress, ...rest },
    },
  });
}

/** The copies that were asked for since the last call. */
function copies(bench: MemoryPrinter): string[] {
  const asked = bench.effects.flatMap(({ type }) => (type === "project-live" || type === "refresh-live" ? [type] : []));
  bench.effects.length = 0;
  return asked;
}

/** Milliseconds until the alarm that copies without a frame; null: only the look is due. */
function untilCopy(bench: MemoryPrinter): number | null {
  const left = (nextAlarm(bench.printer, bench.now) ?? Number.POSITIVE_INFINITY) - bench.now;
  return left <= 60_000 ? left : null;
}

function wake(bench: MemoryPrinter): void {
  bench.apply({ type: "alarm", ref: "p:aaaa" });
}

const hot = (actual: number, target = 200) => ({ tool0: { actual, target, offset: 0 } });
const many = (count: number, last: object) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `chamber sensor behind the left door ${index}`,
      index === count - 1 ? last : TOOL,
    ]),
  );

describe.each([
  ["without a print", false],
  ["in a print", true],
])("%s", (_title, isPrinting) => {
  test.each<[what: string, before: Shown, after: Shown]>([
    ["a text", {}, { text: "Paused" }],
    ["a text's 81st character", { text: `Error: ${"x".repeat(80)}a` }, { text: `Error: ${"x".repeat(80)}b` }],
    ["a flag", {}, { flags: { error: true } }],
    ["a flag that nobody knows", {}, { flags: { error: false, filamentRunout: true } }],
    ["an error", {}, { error: "Heater extruder not heating at expected rate" }],
    ["the end of an error", { error: "shut down" }, {}],
  ])("[P26] %s goes to the outbox at once", (_what, before, after) => {
    const bench = showing(before, isPrinting);
    bench.now += 1;
    say(bench, after);
    expect(copies(bench)).toEqual(["project-live"]);
    say(bench, after);
    expect(copies(bench)).toEqual([]);
  });

  test.each<[what: string, before: Shown, after: Shown]>([
    ["a message", {}, { display_status: { message: "hello" } }],
    ["a key that goes", { user_interaction_required: true }, {}],
    ["another key of the state", { state: {} }, { state: { hint: 1 } }],
    ["a file", {}, { job: { file: { name: "b.gcode" } } }],
    ["what is known of a file", {}, { file_metadata: { obico: { totalLayerCount: 7 } } }],
  ])("[P60] %s is copied a minute later at most, with or without a frame", (_what, before, after) => {
    const bench = showing(before, isPrinting);
    bench.now += 60_000;
    say(bench, after);
    expect(copies(bench)).toEqual(["refresh-live"]);
    bench.now += 1_000;
    say(bench, before);
    expect(copies(bench)).toEqual([]);
    expect(untilCopy(bench)).toBe(60_000);
    bench.now += 30_000;
    say(bench, before);
    bench.now += 29_999;
    wake(bench);
    expect(copies(bench)).toEqual([]);
    bench.now += 1;
    wake(bench);
    expect(copies(bench)).toEqual(["refresh-live"]);
    expect(untilCopy(bench)).toBeNull();
    say(bench, before);
    expect(copies(bench)).toEqual([]);
  });

  test("[P60] what changes back before that is not copied", () => {
    const bench = showing({}, isPrinting);
    bench.now += 10_000;
    say(bench, { note: 1 });
    say(bench, {});
    expect(untilCopy(bench)).toBeNull();
    bench.now += 59_000;
    wake(bench);
    expect(copies(bench)).toEqual([]);
  });

  test.each<[what: string, before: object, after: object]>([
    ["the 17th heater's target", many(17, TOOL), many(17, { ...TOOL, target: 0 })],
    ["the 500th heater's target", many(500, TOOL), many(500, { ...TOOL, target: 0 })],
    ["the 64th heater's temperature", many(64, TOOL), many(64, { ...TOOL, actual: 105 })],
    ["the 65th heater's temperature", many(65, TOOL), many(65, { ...TOOL, actual: 105 })],
    ["an offset", { tool0: TOOL }, { tool0: { ...TOOL, offset: 1 } }],
    ["a temperature that is lost", { tool0: TOOL }, { tool0: { ...TOOL, actual: null } }],
    ["a new heater", { tool0: TOOL }, { tool0: TOOL, "": { actual: null, target: null } }],
    ["a heater with another name", { tool0: TOOL }, { tool1: TOOL }],
    ["a heater of a name of objects", { tool0: TOOL }, { tool0: TOOL, constructor: TOOL }],
  ])("[P61] %s is watched", (_what, before, after) => {
    const bench = showing({ heaters: before }, isPrinting);
    bench.now += 1_000;
    say(bench, { heaters: before });
    expect(copies(bench)).toEqual([]);
    bench.now += 60_000;
    say(bench, { heaters: after });
    expect(copies(bench)).toEqual(["refresh-live"]);
  });

  test("[P62] once no status came for a minute the next alarm copies whatever differs, once", () => {
    const bench = showing({}, isPrinting);
    bench.now += 30_000;
    say(bench, { heaters: hot(101), progress: { completion: 6 } });
    bench.now += 59_999;
    wake(bench);
    expect(copies(bench)).toEqual([]);
    bench.now += 1;
    wake(bench);
    expect(copies(bench)).toEqual(["refresh-live"]);
    bench.now += 1;
    wake(bench);
    expect(copies(bench)).toEqual([]);
  });

  test("[P28] what only moves by itself arms nothing and asks for nothing within the minute", () => {
    const bench = showing({}, isPrinting);
    for (let count = 1; count < 59; count++) {
      bench.now += 1_000;
      say(bench, { heaters: hot(100 + count / 12), currentZ: count, progress: { completion: count } });
      expect(untilCopy(bench)).toBeNull();
    }
    expect(copies(bench)).toEqual([]);
  });
});

test.each<[what: string, after: Shown]>([
  ["a temperature", { heaters: hot(101) }],
  ["the progress", { progress: { completion: 6 } }],
  ["the height", { currentZ: 0.4 }],
  ["the layer", { currentLayerHeight: 2 }],
  ["the lines sent", { resends: { transmitted: 7 } }],
])("[P27] %s is copied once a minute in a print, and not without one", (_what, after) => {
  const printing = showing({}, true);
  const idle = showing({});
  for (const bench of [printing, idle]) {
    bench.now += 59_999;
    say(bench, after);
    expect(copies(bench)).toEqual([]);
    bench.now += 1;
    say(bench, after);
    expect(copies(bench)).toEqual(bench === printing ? ["refresh-live"] : []);
    bench.now += 60_000;
    say(bench, after);
    expect(copies(bench)).toEqual([]);
  }
});

test.each<[what: string, heaters: object, isCopied: boolean]>([
  ["nothing", hot(100), false],
  ["4.9 degrees", hot(104.9), false],
  ["5 degrees", hot(105), true],
  ["5 degrees down", hot(95), true],
  ["a new target", hot(100, 0), true],
])("[P27] without a print: moved by %s", (_what, heaters, isCopied) => {
  const bench = showing({});
  bench.now += 1;
  say(bench, { heaters });
  expect(copies(bench)).toEqual(isCopied ? ["refresh-live"] : []);
});

test("[P26] a status after {} is copied, whatever it says", () => {
  const bench = showing({});
  bench.now += 1_000;
  say(bench, { note: 1 });
  bench.hear({});
  expect(copies(bench)).toEqual(["project-live"]);
  expect(untilCopy(bench)).toBeNull();
  say(bench, { note: 1 });
  expect(copies(bench)).toEqual(["project-live"]);
});

test("[P63] what is remembered of the copy is short, however much the status holds", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3_000 }), fc.string(), fc.double({ noNaN: true }), (count, name, actual) => {
      const heater = { actual, target: actual, [name]: name };
      const heaters = Object.fromEntries(Array.from({ length: count }, (_, index) => [`${name}${index}`, heater]));
      const bench = showing({ heaters, note: name.repeat(99) });
      bench.now += 1;
      say(bench, { heaters, note: name.repeat(100) });
      expect(JSON.stringify(bench.printer.socket?.live).length).toBeLessThan(4_000);
    }),
    { numRuns: 30 },
  );
});
