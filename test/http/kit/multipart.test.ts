/** Multipart forms, however their bytes are cut. */
import { describe, expect, test } from "vitest";
import { boundaryOf, MultipartReader } from "../../../src/http/kit/multipart.ts";
import { fc } from "../../support/random.ts";

interface Read {
  readonly parts: readonly { readonly name: string; readonly bytes: readonly number[] }[];
  readonly isDone: boolean;
  readonly isBroken: boolean;
}

function read(chunks: readonly Uint8Array[], boundary = "b"): Read {
  const reader = new MultipartReader(boundary);
  const parts: { name: string; bytes: number[] }[] = [];
  for (const chunk of chunks) {
    for (const piece of reader.push(chunk)) {
      if ("head" in piece) parts.push({ name: piece.head.name, bytes: [] });
      else parts.at(-1)?.bytes.push(...piece.bytes);
    }
  }
  return { parts, isDone: reader.isDone, isBroken: reader.isBroken };
}

const bytes = (text: string) => new TextEncoder().encode(text);
const form = (...parts: string[]) => `${parts.map((part) => `--b\r\n${part}`).join("\r\n")}\r\n--b--\r\n`;
const part = (name: string, value: string) => `Content-Disposition: form-data; name="${name}"\r\n\r\n${value}`;
const texts = ({ parts }: Read) =>
  parts.map(({ name, bytes: value }) => [name, new TextDecoder().decode(new Uint8Array(value))]);

function cut(whole: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...new Set(places.map((place) => place % (whole.length + 1)))].sort((a, b) => a - b);
  return [...ends, whole.length].map((end, index) => whole.subarray(ends[index - 1] ?? 0, end));
}

describe("a multipart form", () => {
  test("[H12] comes back part by part, byte by byte, wherever the network cuts it", () => {
    // Line breaks, dashes and the boundary's letter make what nearly is a delimiter.
    const nearlyDelimiters = fc.array(fc.constantFrom(13, 10, 45, 98, 0, 255), { maxLength: 40 });
    const parts = fc.array(fc.record({ name: fc.constantFrom("file", "filename", "x"), value: nearlyDelimiters }), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(parts, fc.array(fc.nat(), { maxLength: 12 }), (made, places) => {
        const isAmbiguous = made.some(({ value }) => String.fromCharCode(13, 10, ...value).includes("\r\n--b"));
        fc.pre(!isAmbiguous);
        const whole = made.flatMap(({ name, value }) => [
          ...bytes(`--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`),
          ...value,
          ...bytes("\r\n"),
        ]);
        const chunks = cut(new Uint8Array([...whole, ...bytes("--b--\r\n")]), places);
        const expected = made.map(({ name, value }) => ({ name, bytes: value }));
        expect(read(chunks)).toEqual({ parts: expected, isDone: true, isBroken: false });
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ["a preamble and blanks behind the delimiter", `hello\r\n--b \t\r\n${part("a", "1")}\r\n--b--`, [["a", "1"]]],
    [
      "other headers and a file's name",
      form(`Content-Type: text/plain\r\ncontent-disposition: form-data; filename="name=x"; name=file\r\n\r\nG28`),
      [["file", "G28"]],
    ],
    [
      "a file's name that looks like more parameters",
      form(
        'Content-Disposition: form-data; filename="x; name=filename"; xname=a; name*=utf-8\'\'c; name="file"\r\n\r\nG28',
      ),
      [["file", "G28"]],
    ],
    ["an escaped quotation mark", form(part('a\\"b', "1")), [['a"b', "1"]]],
    ["nothing at all", "--b--\r\n", []],
  ])("[H12] may have %s", (_, text, expected) => {
    const found = read([bytes(text)]);
    expect(texts(found)).toEqual(expected);
    expect(found.isDone).toBe(true);
  });

  test.each([
    ["no name", form("Content-Type: text/plain\r\n\r\nx")],
    ["no headers", form("\r\nx")],
    [
      "no name but other parameters",
      form("Content-Disposition: form-data; filename=name; xname=a; name*=utf-8''c\r\n\r\nx"),
    ],
    ["something else behind the delimiter", "--bx\r\n"],
    ["headers without an end", `--b\r\n${"x".repeat(10_000)}`],
    ["blanks without an end", `--b${" ".repeat(10_000)}`],
  ])("[H13] is broken with %s", (_, text) => {
    expect(read([bytes(text)])).toMatchObject({ isBroken: true, isDone: false });
  });

  test.each(["", "--b\r\n", form(part("a", "1")).slice(0, -6), "never begins"])(
    "[H13] is not done when it is cut: %j",
    (text) => {
      expect(read([bytes(text)])).toMatchObject({ isBroken: false, isDone: false });
    },
  );
});

test.each([
  ["", null],
  ['; filename="a \\"b\\" C:\\\\c.gcode"', 'a "b" C:\\c.gcode'],
  ['; filename="C:\\c.gcode"', "C:\\c.gcode"],
  ["; filename=plain name.gcode ", "plain name.gcode"],
  ['; filename="Küche.gcode"', "Küche.gcode"],
  ["; filename*=UTF-8''K%C3%BCche.gcode; filename=\"Kuche.gcode\"", "Küche.gcode"],
  ["; filename*=UTF-8''%FF; filename=\"x\"", "x"],
  ["; filename*=latin1''%FC", ""],
])("[H72] the file name of a part with %s is %j", (parameters, fileName) => {
  const [piece] = new MultipartReader("b").push(
    bytes(
      `--b\r\nContent-Disposition: form-data; name="file"${parameters}\r\nContent-Type: text/plain; charset=x\r\n\r\n`,
    ),
  );
  expect(piece).toEqual({ head: { name: "file", fileName, charset: "x" } });
});

test.each([
  ["multipart/form-data; boundary=abc", "abc"],
  ['multipart/form-data; x="; boundary=no"; boundary=abc; boundary=later', "abc"],
  ['multipart/form-data; charset=utf-8; boundary="a b:c"', "a b:c"],
  ["multipart/form-data", null],
  [`multipart/form-data; boundary=${"x".repeat(71)}`, null],
  ['multipart/form-data; boundary="a\u0000b"', null],
])("[H13] the boundary of %s", (contentType, expected) => {
  expect(boundaryOf(contentType)).toBe(expected);
});
