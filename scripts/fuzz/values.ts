/** Values that a schema allows, and values that hardly any does. */
import { between, pick, type Random } from "../virtual/random.ts";
import type { Description, Schema } from "./description.ts";

/** A number that only JSON can write: `JSON.stringify` would make null of it. */
const HUGE = "1e999";
/** Stands for it until the text is written. */
const HUGE_MARK = "\u{F8FF}huge";

export function jsonText(value: unknown): string {
  return JSON.stringify(value).replaceAll(JSON.stringify(HUGE_MARK), HUGE);
}

/** As forms and queries write it. */
export function plainText(value: unknown): string {
  return typeof value === "string" ? value : jsonText(value);
}

export function chance(random: Random, share: number): boolean {
  return random() < share;
}

export function integer(random: Random, low: number, high: number): number {
  return Math.floor(between(random, low, high + 1));
}

export function some<T>(random: Random, items: readonly T[]): T | undefined {
  return items[Math.floor(random() * items.length)];
}

const WORDS = [
  ...["cube", "two color", "Küche", "ÄRGER.gcode", "e\u0301", "立方体", "мир", "مرحبا", "🖨️", "null", "0", "-1", "true"],
  ...["a/b", "..", "%", "'", '"', "<b>", "&amp;", "\\", "\t", "\u202e", "\ufeff", "x".repeat(300), "ö".repeat(250)],
] as const;

function text(random: Random, { minLength = 0, maxLength = 400 }: { minLength?: number; maxLength?: number }): string {
  let made = chance(random, 0.2) && minLength === 0 ? "" : pick(random, WORDS);
  while ([...made].length < Math.max(minLength, 1) && minLength > 0) made += pick(random, WORDS);
  const cut = [...made].slice(0, maxLength).join("");
  return minLength > 0 && cut.trim() === "" ? "a".repeat(minLength) : cut;
}

const FORMATS: Readonly<Record<string, (random: Random) => string>> = {
  date: (random) => pick(random, ["2026-11-01", "2026-12-31", "2024-02-29", "0001-01-01", "9999-12-31"]),
  "date-time": (random) =>
    pick(random, ["2099-01-01T00:00:00Z", "2030-06-01T12:00:00.123456+05:30", "2001-01-01T00:00:00Z"]),
  binary: (random) => pick(random, ["G28\nG1 X1\n", "\u00ff\u00d8\u00ff\u00e0", "", "\0\0"]),
};

type Bounds = { readonly minimum?: number; readonly maximum?: number };

function number(random: Random, { minimum = -1e6, maximum = 1e6 }: Bounds, isWhole: boolean): number {
  const drawn = pick(random, [minimum, maximum, between(random, minimum, Math.min(maximum, minimum + 100))]);
  return isWhole ? Math.floor(drawn) : drawn;
}

export function anyJson(random: Random, depth = 3): unknown {
  const leaf = pick(random, [null, true, false, 0, -1, 1.5, 2 ** 53, HUGE_MARK, "", "text", "\0", "\ud800"]);
  if (depth === 0 || chance(random, 0.6)) return leaf;
  const items = Array.from({ length: integer(random, 0, 3) }, () => anyJson(random, depth - 1));
  if (chance(random, 0.5)) return items;
  return Object.fromEntries(items.map((item) => [pick(random, ["id", "a", "constructor", "toString", ""]), item]));
}

/** One that the schema allows. */
export function allowed(description: Description, schema: Schema, random: Random): unknown {
  const again = (inner: unknown) => allowed(description, inner as Schema, random); // safe: part of a schema
  if (typeof schema.$ref === "string") return again(description.resolve(schema.$ref));
  if (Array.isArray(schema.enum)) return some(random, schema.enum);
  if ("const" in schema) return schema.const;
  const options = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(options)) return again(some(random, options));
  const type = Array.isArray(schema.type) ? some(random, schema.type) : schema.type;
  switch (type) {
    case "null":
      return null;
    case "boolean":
      return chance(random, 0.5);
    case "integer":
    case "number":
      return number(random, schema, type === "integer");
    case "string": {
      const format = FORMATS[String(schema.format)];
      return format === undefined ? text(random, schema) : format(random);
    }
    case "array": {
      const length = integer(
        random,
        Number(schema.minItems ?? 0),
        chance(random, 0.05) ? Number(schema.maxItems ?? 20) : 3,
      );
      return Array.from({ length }, () => again(schema.items ?? {}));
    }
    case "object": {
      const required = new Set(Array.isArray(schema.required) ? schema.required : []);
      const properties = Object.entries((schema.properties ?? {}) as Schema); // safe: JSON Schema says so
      const kept = properties.filter(([name]) => required.has(name) || chance(random, 0.5));
      return Object.fromEntries(kept.map(([name, property]) => [name, again(property)]));
    }
    default:
      return anyJson(random);
  }
}

const ODD_VALUES = [
  ...[null, "", 0, -1, 1.5, 2 ** 53, -(2 ** 63), 1e308, HUGE_MARK, true, "true", "1", "1e5", "0x10", "NaN", " "],
  ...["\0", "a\0b", "\ud800", "\udfff\ud800", "x".repeat(1001), "😀".repeat(257), "null", "__proto__", "undefined"],
  ...["'; DROP TABLE printers; --", "%00", "../../etc/passwd", "2026-02-30", "9999-99-99T99:99:99Z", "+999999-01-01"],
] as const;

/** One that most schemas refuse. */
export function odd(random: Random): unknown {
  return chance(random, 0.8) ? pick(random, ODD_VALUES) : anyJson(random);
}
