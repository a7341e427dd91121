/** Names of G-code files: safe for any disk, and found whichever way they are typed. */
import { describe, expect, test } from "vitest";
import { safeName, searchName } from "../../src/domain/g-code.ts";
import { fc } from "../support/random.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text).length;
const anyName = fc.string({ unit: "binary", maxLength: 1000 });

describe("safe names", () => {
  test.each([
    ["hook v2.gcode", "hook_v2.gcode"],
    ["Ünï côde (1).gcode", "Ünï_côde__1_.gcode"],
    ["U\u0308ni.gcode", "Üni.gcode"],
    ["../config/printer.cfg", "___config_printer.cfg"],
    ["..", "__"],
    [".hidden.gcode", "_hidden.gcode"],
    ["C:\\temp\\a\0\u0007\n.gcode", "C__temp_a___.gcode"],
    ["双色 钩子.gcode", "双色_钩子.gcode"],
    ["😀.gcode", "_.gcode"],
    ["\u202ecod.gcode", "_cod.gcode"],
  ])("[G30] %j is %j", (name, safe) => {
    expect(safeName(name)).toBe(safe);
  });

  const words = "复".repeat(4);
  test.each([
    ["250 letters", `${"ö".repeat(250)}.gcode`, ".gcode"],
    ["250 letters, decomposed", `${"o\u0308".repeat(250)}.gcode`, ".gcode"],
    ["60 Chinese words", `${Array(60).fill(words).join(" ")}.gcode`, ".gcode"],
    ["characters of four bytes", `${"𝒜".repeat(300)}.g`, ".g"],
    ["no ending", "x".repeat(1000), ""],
    ["nothing but an ending", `.${"x".repeat(999)}`, ""],
    ["an ending of 16 characters", `${"x".repeat(300)}.${"𝒜".repeat(16)}`, `.${"𝒜".repeat(16)}`],
  ])("[G30] of %s they fill 200 bytes, nearly, and keep the ending", (_, name, ending) => {
    const safe = safeName(name);
    expect(bytesOf(safe)).toBeLessThanOrEqual(200);
    expect(bytesOf(safe)).toBeGreaterThan(196);
    expect(safe.endsWith(ending)).toBe(true);
  });

  test("[G30] of two long names that begin alike differ", () => {
    const long = "x".repeat(300);
    expect(safeName(`${long} v1.gcode`)).not.toBe(safeName(`${long} v2.gcode`));
  });

  test("[G30] whatever the name: 200 bytes at most, well-formed, no path, no dot in front, safe already", () => {
    fc.assert(
      fc.property(anyName, fc.constantFrom("", ".gcode", ".g", ".ngc"), (stem, ending) => {
        const safe = safeName(stem + ending);
        expect(bytesOf(safe)).toBeLessThanOrEqual(200);
        expect(safe.isWellFormed()).toBe(true);
        expect(safe).toMatch(/^(?!\.)[\p{L}\p{N}_.]*$/u);
        expect(safe.endsWith(stem === "" ? ending.replace(".", "_") : ending)).toBe(true);
        expect(safeName(safe)).toBe(safe);
      }),
    );
  });
});

describe("names as a search compares them", () => {
  test("[G35] are the same for every character in either case, composed or decomposed", () => {
    const differing: string[] = [];
    for (let point = 0; point < 0x110000; point += 1) {
      if (point === 0xd800) point = 0xe000;
      const one = String.fromCodePoint(point);
      const composed = ["NFC", "NFD", "NFKC", "NFKD"].map((form) => one.normalize(form));
      const forms = [one.toUpperCase(), one.toLowerCase(), ...composed].filter((form) => form !== one);
      if (forms.some((form) => searchName(form) !== searchName(one))) differing.push(one);
    }
    expect(differing).toEqual([]);
  });

  test.each([
    ["ärger", "ÄRGER.gcode"],
    ["a\u0308rger", "Ärger.gcode"],
    ["STRASSE", "straße.gcode"],
    ["straẞe", "Strasse.gcode"],
    ["οδος", "ΟΔΟΣΑ.gcode"],
    ["istanbul", "İSTANBUL.gcode"],
    ["ISTANBUL", "ıstanbul.gcode"],
    ["ﾌｯｸ", "フック.gcode"],
    ["крюк", "КРЮК.gcode"],
    ["하", "하늘.gcode"],
  ])("[G35] %s is part of %s", (part, name) => {
    expect(searchName(name)).toContain(searchName(part));
  });

  test("[G35] a letter is no part of the same one with a mark", () => {
    expect(searchName("ärger")).not.toContain(searchName("a"));
  });
});
