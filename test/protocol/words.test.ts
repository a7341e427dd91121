import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { EVENT_CLASSES, EVENT_TYPES } from "../../src/domain/events.ts";
import type { Phase } from "../../src/domain/phase.ts";
import { dialectOf, eventTypeOf, failureReasonOf, phaseOf, phaseOfStateId } from "../../src/protocol/words.ts";

describe("the phase of a status", () => {
  const texts: [text: string, phase: Phase][] = [
    ["Operational", "idle"],
    ["Starting", "starting"],
    ["Starting print from SD", "starting"],
    ["Printing", "printing"],
    ["Printing from SD", "printing"],
    ["Sending file to SD", "printing"],
    ["Pausing", "pausing"],
    ["Paused", "paused"],
    ["Resuming", "resuming"],
    ["Cancelling", "cancelling"],
    ["Finishing", "finishing"],
    ["G-Code Downloading", "downloading"],
    ["Error: Thermal runaway", "error"],
    ["Offline", "offline"],
    ["Offline after error", "offline"],
    ["Detecting serial connection", "offline"],
  ];
  test.each(texts)("[A43] the text %s is %s, whatever its flags", (text, phase) => {
    expect(phaseOf(text, null)).toBe(phase);
    expect(phaseOf(text, { printing: true, paused: true, error: true })).toBe(phase);
  });

  const flags: [flags: string, phase: Phase | null][] = [
    ["operational ready", "idle"],
    ["operational printing", "printing"],
    ["operational printing pausing", "pausing"],
    ["operational printing resuming", "resuming"],
    ["operational printing cancelling pausing", "cancelling"],
    ["operational printing finishing", "finishing"],
    ["operational paused", "paused"],
    ["operational ready error", "error"],
    ["closedOrError", "offline"],
    ["", null],
  ];
  test.each(flags)("[A44] of a text that nobody wrote down, the flags `%s` make it %s", (set, phase) => {
    const given = Object.fromEntries(set.split(" ").map((flag) => [flag, true]));
    expect(phaseOf("Druckt", given)).toBe(phase);
    expect(phaseOf(null, given)).toBe(phase);
  });

  test("[A44] a flag counts only when it is true", () => {
    expect(phaseOf(null, { printing: "true", paused: 1, operational: true })).toBe("idle");
    expect(phaseOf("toString", null)).toBeNull();
  });
});

describe("other words", () => {
  test("[A45] a state id names its phase, any other is unknown", () => {
    expect(["OPERATIONAL", "PAUSING", "PRINTING", "ERROR"].map(phaseOfStateId)).toEqual([
      ...["idle", "pausing", "printing", "error"],
    ]);
    expect(["operational", "", "__proto__"].map(phaseOfStateId)).toEqual(["unknown", "unknown", "unknown"]);
  });

  test("[A46] an event that nobody wrote down tells nothing by itself", () => {
    expect(["PrintDone", "FilamentChange", "PrintStarted"].map(eventTypeOf)).toEqual([
      ...["done", "filament-change", "started"],
    ]);
    expect(["PrinterStateChanged", "done", "constructor"].map(eventTypeOf)).toEqual(["other", "other", "other"]);
    expect(["cancelled", "error", "power", null].map(failureReasonOf)).toEqual(["cancelled", "error", null, null]);
  });

  test("[A47] an agent is known by its whole name", () => {
    expect(["octoprint_obico", "moonraker_obico", "bambu_obico", null].map(dialectOf)).toEqual([
      ...["octoprint", "moonraker", "other", "other"],
    ]);
  });
});

describe("the agents' words", () => {
  const SOURCES = path.join(import.meta.dirname, "../../src");
  const read = (file: string) => readFileSync(path.join(SOURCES, file), "utf8");
  // What `words.ts` quotes beside its tables are the unions' own members, which begin with a small letter.
  const words = [...read("protocol/words.ts").matchAll(/"([A-Z][^"]*|\w+_obico|closedOrError)"/g)].map(
    ([, word]) => word,
  );
  // Some state ids of OctoPrint's are words of history, too.
  const shared: ReadonlySet<string> = new Set([...EVENT_TYPES, ...EVENT_CLASSES]);
  const files = readdirSync(path.join(SOURCES, "domain")).filter((file) => file.endsWith(".ts"));

  test("[A48] stand in `protocol/words.ts`, and none in the domain", () => {
    expect(words).toContain("Printing from SD");
    expect(words.length).toBeGreaterThan(30);
    const found = files.flatMap((file) => {
      const strings = [...read(`domain/${file}`).matchAll(/"([^"\n]*)"/g)].map(([, text]) => text);
      return strings.filter((text = "") => words.includes(text) && !shared.has(text)).map((text) => `${file}: ${text}`);
    });
    expect(found).toEqual([]);
  });
});
