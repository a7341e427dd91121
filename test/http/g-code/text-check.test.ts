/** What is G-code, and what is no text. */
import { describe, expect, test } from "vitest";
import { faultOfName, TextCheck } from "../../../src/http/g-code/text-check.ts";
import { fc } from "../../support/random.ts";

function faultOf(content: string | readonly number[], step = content.length): string | null {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : new Uint8Array(content);
  const check = new TextCheck();
  for (let at = 0; at < bytes.length; at += Math.max(1, step)) check.push(bytes.subarray(at, at + Math.max(1, step)));
  check.end();
  return check.fault;
}

const CODE = [..."G28 ; "].map((character) => character.charCodeAt(0));
const utf16 = (text: string, isBig: boolean) =>
  [...`\ufeff${text}`].flatMap((character) => {
    const unit = character.charCodeAt(0);
    return isBig ? [unit >> 8, unit & 255] : [unit & 255, unit >> 8];
  });

describe("a file's content", () => {
  test.each([
    ["UTF-8", "; Häkchen ✓\nG28\n"],
    ["UTF-8 with its mark", [0xef, 0xbb, 0xbf, ...CODE]],
    ["half a character at its end", [...CODE, 0xe2, 0x9c]],
    ["CP1252", [...CODE, 0x80, 0xfc, 0xff]],
    ["Shift_JIS", [...CODE, 0x83, 0x74, 0x83, 0x62, 0x83, 0x4e]],
    ["GBK", [...CODE, 0xb9, 0xb3, 0xd7, 0xd3]],
    ["UTF-16, little end first", utf16("G28 ; 钩子\n", false)],
    ["UTF-16, big end first", utf16("G28 ; 钩子\n", true)],
    ["a control character", [...CODE, 0x1a]],
    ["two letters", "G2"],
    ["letters of a magic word further in", "; GCDE\nPK\x03\x04"],
  ])("[G33] in %s is text, however it is cut", (_, content) => {
    for (const step of [content.length, 1, 3]) expect(faultOf(content, step)).toBeNull();
  });

  test.each([
    ["binary G-code", "GCDE\x01\0\0\0", "It is binary G-code"],
    ["a ZIP archive", [0x50, 0x4b, 3, 4, 20, 0], "It is an archive, as 3MF projects are"],
    ["gzip", [0x1f, 0x8b, 8], "It is compressed"],
    ["a null character", "G28\n\0", "It is no text (byte 4 is 0)"],
    ["UTF-16 without its mark", utf16("G28", false).slice(2), "It is no text (byte 1 is 0)"],
    ["UTF-32", [0xff, 0xfe, 0, 0, 71, 0, 0, 0], "It is no text"],
    ["half of UTF-16", [...utf16("G28", false), 71], "It is no text"],
    ["half a pair of UTF-16", utf16("\ud83d", false), "It is no text"],
  ])("[G34] that is %s is refused for what it is, however it is cut", (_, content, fault) => {
    for (const step of [content.length, 1, 3]) expect(faultOf(content, step)).toBe(fault);
  });

  test("[G33] [G34] is text in one piece just when it is in many", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.integer({ min: 1, max: 9 }), (bytes, step) => {
        expect(faultOf([...bytes], step)).toBe(faultOf([...bytes]));
      }),
    );
  });
});

test.each([
  ["hook.gcode", null],
  ["hook", null],
  ["3mf", null],
  ["hook.3mf.gcode", null],
  ["hook.bgcode", "It is binary G-code (.bgcode)"],
  ["HOOK.BGCODE", "It is binary G-code (.bgcode)"],
  ["hook.gcode.3mf", "It is an archive (.3mf)"],
  ["hook.gcode.gz", "It is compressed (.gz)"],
  ["hook.__proto__", null],
])("[G34] the name %s: %s", (name, fault) => {
  expect(faultOfName(name)).toBe(fault);
});
