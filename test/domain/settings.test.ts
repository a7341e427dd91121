import { describe, expect, test } from "vitest";
import { SETTINGS_CODE_UNITS } from "../../src/domain/report.ts";
import { MemoryPrinter } from "../support/memory-printer.ts";
import { fc } from "../support/random.ts";

type Settings = Readonly<Record<string, unknown>>;

const START = 1_790_000_100_000;

/** What is kept after these messages, and what the agent was told of each. */
function keptAfter(messages: readonly Settings[], printer = new MemoryPrinter(START)) {
  if (printer.printer.socket === null) printer.open();
  const told = messages.map((settings) => {
    const asked = printer.effects.length;
    printer.hear({ settings });
    return printer.effects.slice(asked).flatMap((effect) => (effect.type === "send-fault" ? [effect] : []));
  });
  const { settings, state } = printer.printer;
  return { printer, state, told, text: settings ?? "{}", kept: JSON.parse(settings ?? "{}") as Settings };
}

const named = (name: string, version = "1") => ({ agent: { name, version } });
const long = (codeUnits: number) => "x".repeat(codeUnits);
const fault = (names: string) => [
  { type: "send-fault", code: "invalid_frame", detail: `settings: no room within 65536 characters for ${names}.` },
];

describe("settings that do not all fit", () => {
  test("[A21] 96 KB in one message: who the agent is and all that fits is kept, the rest is named", () => {
    const { kept, told, state } = keptAfter([{ junk: long(96_000), webcams: [], ...named("new", "2") }]);
    expect(kept).toEqual({ webcams: [], ...named("new", "2") });
    expect([state.agentName, state.agentVersion]).toEqual(["new", "2"]);
    expect(told).toEqual([fault("junk")]);
  });

  test("[A21] 48 KB, then 40 KB: what was kept stays, the new key is named", () => {
    const { kept, told } = keptAfter([
      { a: long(48_000), ...named("old") },
      { b: long(40_000), ...named("new"), octoprint_version: "1.11" },
    ]);
    expect(kept).toEqual({ a: long(48_000), ...named("new"), octoprint_version: "1.11" });
    expect(told).toEqual([[], fault("b")]);
  });

  test("[A21] what people are shown comes before what nobody reads, and is named when it gives way", () => {
    const webcams = [{ name: long(40_000) }];
    const { kept, told } = keptAfter([{ a: long(48_000), b: 1 }, { webcams }]);
    expect(kept).toEqual({ webcams, b: 1 });
    expect(told).toEqual([[], fault("a")]);
  });

  test("[A21] a new value that does not fit leaves the earlier one", () => {
    const { kept, told } = keptAfter([
      { installed_plugins: ["a"], x: 1 },
      { installed_plugins: [long(70_000)], x: 2 },
    ]);
    expect(kept).toEqual({ installed_plugins: ["a"], x: 2 });
    expect(told).toEqual([[], fault("installed_plugins")]);
  });

  test("[A21] an agent whose own key does not fit is still known", () => {
    const { kept, state } = keptAfter([{ agent: { name: "new", version: "2", junk: long(66_000) }, b: 1 }]);
    expect(kept).toEqual({ b: 1 });
    expect([state.agentName, state.agentVersion]).toEqual(["new", "2"]);
  });

  test("[A21] what is told stays short, whatever the names are", () => {
    const many = Object.fromEntries(
      Array.from({ length: 40 }, (_, index) => [`${"🛠".repeat(600)}${index}`, long(9_000)]),
    );
    const [[only] = []] = keptAfter([many]).told;
    expect(only?.detail).toMatch(/ and \d\d more\.$/);
    expect(only?.detail.isWellFormed()).toBe(true);
    expect(new TextEncoder().encode(JSON.stringify(only)).length).toBeLessThan(2_048);
  });

  test("[A21] names like members of objects are ordinary keys", () => {
    const odd = '{"settings":{"__proto__":{"a":1},"constructor":2,"big":""}}';
    const printer = new MemoryPrinter(START);
    printer.open();
    printer.hear(JSON.parse(odd));
    const { text } = keptAfter([{ big: long(70_000) }], printer);
    expect(text).toBe('{"__proto__":{"a":1},"constructor":2,"big":""}');
  });
});

const NAMES = ["agent", "webcams", "installed_plugins", "octoprint_version", "a", "b", "c", "\u0000", "__proto__", "7"];
const value = fc.oneof(
  fc.integer(),
  fc.constant(null),
  fc.nat(70_000).map(long),
  fc.nat(9_000).map((n) => '"\u0001'.repeat(n)),
);
const message = fc.dictionary(fc.constantFrom(...NAMES), value, { noNullPrototype: true });

test("[A21] of any messages: the bound holds, what fits is merged, and every loss is told in its turn", () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 4 }), (messages) => {
      const printer = new MemoryPrinter(START);
      let before: Settings = {};
      for (const said of messages) {
        const { kept, text, told } = keptAfter([said], printer);
        const wanted = { ...before, ...said };
        const lost = Object.keys(wanted).filter((name) => JSON.stringify(kept[name]) !== JSON.stringify(wanted[name]));
        expect(text.length).toBeLessThanOrEqual(SETTINGS_CODE_UNITS);
        expect(told.flat()).toHaveLength(lost.length === 0 ? 0 : 1);
        for (const name of lost) expect(told.flat()[0]?.detail).toContain(name);
        // Nothing is made up: each value is the newest or the one from before.
        for (const [name, one] of Object.entries(kept)) expect([wanted[name], before[name]]).toContainEqual(one);
        if (JSON.stringify(wanted).length <= SETTINGS_CODE_UNITS) expect(kept).toEqual(wanted);
        // What comes first has its place whatever else is there.
        if (said.agent !== undefined && JSON.stringify({ agent: said.agent }).length <= SETTINGS_CODE_UNITS) {
          expect(kept.agent).toEqual(said.agent);
        }
        // And no room is left for what was left out.
        for (const name of lost) {
          const filled = JSON.stringify({ ...kept, [name]: wanted[name] });
          expect(filled.length).toBeGreaterThan(SETTINGS_CODE_UNITS);
        }
        before = kept;
      }
    }),
  );
});
