/**
 * Fields of bodies and queries, with the sentences that existing clients know. They judge JSON by its types ([H9]);
 * `readText` makes typed values of the text that forms and queries carry, by looking at the same fields.
 */
import * as z from "zod";

export const REQUIRED = "This field is required.";
const NOT_NULL = "This field may not be null.";
const BLANK = "This field may not be blank.";

/** Says `sentence`, unless the value is missing or null. */
function fault(sentence: string | ((input: unknown) => string)) {
  return (issue: { readonly input?: unknown }) => {
    if (issue.input === undefined) return REQUIRED;
    if (issue.input === null) return NOT_NULL;
    return typeof sentence === "string" ? sentence : sentence(issue.input);
  };
}

export function booleanField() {
  return z.boolean({ error: fault("Must be a valid boolean.") });
}

interface Range {
  readonly min: number;
  readonly max: number;
}

export function numberField({ min, max }: Range) {
  const number = z.number({ error: fault("A valid number is required.") });
  return number.min(min, { error: tooSmall(min) }).max(max, { error: tooGreat(max) });
}

export function integerField({ min, max }: Range) {
  const integer = z.int({ error: fault("A valid integer is required.") });
  return integer.min(min, { error: tooSmall(min) }).max(max, { error: tooGreat(max) });
}

/** An id of a row; whether there is one is asked later. */
export function idField() {
  return integerField({ min: 1, max: Number.MAX_SAFE_INTEGER });
}

/** Refuses a value inside a `transform`. */
export function refuse(c: z.core.$RefinementCtx, message: string): never {
  c.addIssue({ code: "custom", message });
  return z.NEVER;
}

const tooSmall = (min: number) => `Ensure this value is greater than or equal to ${min}.`;
const tooGreat = (max: number) => `Ensure this value is less than or equal to ${max}.`;

const SHOWN_CHARACTERS = 100;

export function choiceField<const T extends readonly [string, ...string[]]>(choices: T) {
  const shown = (input: unknown) =>
    (typeof input === "string" ? input : JSON.stringify(input)).slice(0, SHOWN_CHARACTERS);
  return z.enum(choices, { error: fault((input) => `"${shown(input)}" is not a valid choice.`) });
}

/** Trimmed text of 1 to `maxCodePoints`; any script, but nothing that would not come back byte for byte. */
export function textField(maxCodePoints: number) {
  const filled = storableText()
    .trim()
    .refine((text) => text !== "", { error: BLANK, abort: true });
  return bounded(filled, maxCodePoints).meta({
    minLength: 1,
    maxLength: maxCodePoints,
    pattern: "^[^\\u0000]*\\S[^\\u0000]*$",
  });
}

/** Text that may be empty. */
export function freeTextField(maxCodePoints: number) {
  return bounded(storableText(), maxCodePoints).meta({ maxLength: maxCodePoints, pattern: "^[^\\u0000]*$" });
}

function bounded(text: z.ZodString, maxCodePoints: number) {
  return text.refine((value) => value.length <= maxCodePoints || [...value].length <= maxCodePoints, {
    error: `Ensure this field has no more than ${maxCodePoints} characters.`,
  });
}

/** Any RFC 3339 moment, as epoch milliseconds. */
export function timeField() {
  const sentence = "Datetime has wrong format. Use RFC 3339.";
  return z
    .string({ error: fault(sentence) })
    .transform(instantOf)
    .refine((instant) => instant >= 0 && instant <= LAST_MS, { error: sentence })
    .meta({ format: "date-time" });
}

const ISO = z.iso.datetime({ offset: true });
/** The last moment that the wire's form of times can show. */
const LAST_MS = Date.parse("9999-12-31T23:59:59.999Z");

/** NaN for what is no RFC 3339; a leap second counts as the second after it. */
function instantOf(text: string): number {
  const upper = text.toUpperCase();
  const isLeap = upper.slice(16, 19) === ":60";
  const plain = isLeap ? `${upper.slice(0, 17)}59${upper.slice(19)}` : upper;
  return ISO.safeParse(plain).success ? Date.parse(plain) + (isLeap ? 1000 : 0) : Number.NaN;
}

/** Several of `item`. */
export function listField<T extends z.ZodType>(item: T) {
  return z.array(item, { error: fault("Expected a list of items.") });
}

/** Some of `keys`, each named once or more, in one text with commas or in several; undefined without any text. */
export function keysField<const T extends readonly [string, ...string[]]>(keys: T) {
  return z
    .array(z.string())
    .transform((texts) =>
      [
        ...new Set(
          texts
            .join()
            .split(",")
            .map((name) => name.trim()),
        ),
      ].filter((name) => name !== ""),
    )
    .pipe(listField(choiceField(keys)))
    .optional();
}

/** As many as the longest page of a list holds. */
const BULK_MAX = 500;

/** Ids that one call is about. */
export function idsField() {
  return listField(integerField({ min: 0, max: Number.MAX_SAFE_INTEGER })).max(BULK_MAX, {
    error: `Ensure this field has no more than ${BULK_MAX} elements.`,
  });
}

/** An agent's text: what cannot be stored is dropped rather than refused, and an ellipsis shows where the rest was cut off. */
export function lenientTextField(maxCodeUnits: number) {
  return z.string({ error: fault("Not a valid string.") }).overwrite((text) => {
    const stored = text.replaceAll("\0", "");
    const shown = stored.length > maxCodeUnits ? `${stored.slice(0, maxCodeUnits - 1)}…` : stored;
    return shown.toWellFormed();
  });
}

function storableText() {
  return z
    .string({ error: fault("Not a valid string.") })
    .refine((text) => !text.includes("\0"), { error: "Null characters are not allowed.", abort: true })
    .refine((text) => text.isWellFormed(), { error: "Lone surrogates are not allowed.", abort: true });
}

const startField = integerField({ min: 0, max: Number.MAX_SAFE_INTEGER }).default(0);
const limitField = integerField({ min: 1, max: 500 });

/** `start` and `limit` of a list. */
export function pageFields(defaultLimit: number) {
  return { start: startField, limit: limitField.default(defaultLimit) };
}

/** The same for a list that is whole without a `limit`. */
export const wholePageFields = { start: startField, limit: limitField.optional() };

const TRUE = new Set(["true", "t", "yes", "y", "on", "1"]);
const FALSE = new Set(["false", "f", "no", "n", "off", "0"]);
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)$/;

/** True for the words of `TRUE`; everything else that is there is false, and nothing is refused. */
export function lenientFlag(otherwise = false) {
  return z.preprocess(
    (value) => (value === undefined ? value : isTrueWord(lastOf(value))),
    z.boolean().default(otherwise),
  );
}

function isTrueWord(value: unknown): boolean {
  return value === true || TRUE.has(String(value).toLowerCase());
}

/** True when the key is there, whatever its value, but for the words of `FALSE`; nothing is refused. */
export function presenceFlag() {
  return z.preprocess(
    (value) => value !== undefined && !FALSE.has(String(lastOf(value)).toLowerCase()),
    z.boolean().default(false),
  );
}

/** A copy of `texts` in which the keys of `schema` have the type that their field asks for, where the text allows it. */
export function readText(schema: z.ZodObject, texts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const read = Object.entries(schema.shape).flatMap(([key, field]) => {
    const value = texts[key];
    if (value === undefined) return [];
    const items = itemsOf(field);
    if (items === null) return [[key, readValue(typeOf(field), lastOf(value))]];
    const values: unknown[] = Array.isArray(value) ? value : [value];
    return [[key, values.map((one) => readValue(typeOf(items), one))]];
  });
  return Object.fromEntries(read);
}

/** What stands under `optional`, `default` and the like, and before a transformation. */
function bare(field: z.core.$ZodType): z.core.$ZodType {
  const { def } = field._zod;
  const inner = "innerType" in def ? def.innerType : "in" in def ? def.in : null;
  return inner instanceof z.ZodType ? bare(inner) : field;
}

function typeOf(field: z.core.$ZodType): string {
  return bare(field)._zod.def.type;
}

/** Names of the fields that are files. */
export function filesOf({ shape }: z.ZodObject): ReadonlySet<string> {
  return new Set(Object.keys(shape).filter((key) => typeOf(shape[key]) === "file"));
}

/** What an array's items are; null for other fields. */
function itemsOf(field: z.core.$ZodType): z.core.$ZodType | null {
  const array = bare(field);
  return array instanceof z.ZodArray ? array._zod.def.element : null;
}

function readValue(type: string, value: unknown): unknown {
  if (typeof value !== "string") return value;
  const word = value.trim().toLowerCase();
  if (type === "boolean") return TRUE.has(word) ? true : FALSE.has(word) ? false : value;
  return type === "number" && NUMBER.test(word) ? Number(word) : value;
}

function lastOf(value: unknown): unknown {
  return Array.isArray(value) ? value.at(-1) : value;
}
