/** Validation of queries and bodies: one schema judges the values, whichever way they came. */
import { zValidator } from "@hono/zod-validator";
import type { Context, MiddlewareHandler } from "hono";
import * as z from "zod";
import { type FieldErrors, type Noun, notFound } from "../../domain/failure.ts";
import { type BodyRule, readBody } from "./body.ts";
import { binaryText, readPairs, refusalOf, textDecoder, UTF8 } from "./charset.ts";
import { FailureError } from "./errors.ts";
import { filesOf, readText } from "./fields.ts";

/** Runs before a handler; what it validated is `c.req.valid(…)` there. */
export type Validation = (c: Context) => Promise<unknown>;

/** What a query says, or why it is refused: it is read before anybody knows who calls, and refused once that is known ([H1]). */
export interface ReadQuery {
  readonly data?: Readonly<Record<string, unknown>>;
  readonly refusal?: FailureError;
}

export function queryReader(schema: z.ZodObject): (c: Context) => ReadQuery {
  return (c) => {
    try {
      return { data: parsed(schema.safeParse(readText(schema, textsOf(c.req.raw.url)))) };
    } catch (error) {
      if (error instanceof FailureError) return { refusal: error };
      throw error;
    }
  };
}

/** The values of a URL's query by their names, those of a repeated name as a list; 400 for what is no UTF-8 ([H70]). */
function textsOf(url: string): Record<string, string | string[]> {
  const [, query = ""] = /\?([^#]*)/.exec(url) ?? [];
  // The runtime puts it where bytes that nobody encoded are no UTF-8.
  if (query.includes("\ufffd")) throw refusalOf("non_field_errors", "The query is not valid in the charset utf-8.");
  const byName = Map.groupBy(
    readPairs(binaryText(new TextEncoder().encode(query)), textDecoder(UTF8)),
    ([name]) => name,
  );
  const texts = [...byName].map(([name, pairs]): [string, string | string[]] => {
    const [first = "", ...others] = pairs.map(([, value]) => value);
    return [name, others.length === 0 ? first : [first, ...others]];
  });
  return Object.fromEntries(texts);
}

/** The body is `c.req.valid("json")`, also when it came as a form. */
export function bodyValidation(schema: z.ZodObject, rule: Omit<BodyRule, "files">): Validation {
  const form: MiddlewareHandler = zValidator("form", textual(schema), refuseInvalid);
  const files = filesOf(schema);
  return async (c) => {
    const body = await readBody(c, { ...rule, files });
    if (body.kind === "json") {
      c.req.addValidatedData("json", parsed(await schema.safeParseAsync(body.value)));
      return;
    }
    // Where the validator looks before it would read the body itself.
    c.req.bodyCache.formData = body.form;
    await form(c, stay);
    // safe: the form's validator left what the schema makes of it
    c.req.addValidatedData("json", c.req.valid("form" as never));
  };
}

async function stay(): Promise<void> {}

function textual(schema: z.ZodObject) {
  return z.preprocess((texts: Record<string, unknown>) => readText(schema, texts), schema);
}

interface Validated {
  readonly success: boolean;
  readonly error?: z.core.$ZodError;
}

/** What the schema made of the values; 400 with every fault if it refused them. */
export function parsed<T>(result: z.ZodSafeParseResult<T>): T {
  if (!result.success) throw invalidOf(result.error);
  return result.data;
}

/** 400 with every fault, unless there is none. */
function refuseInvalid(result: Validated): void {
  if (result.error !== undefined) throw invalidOf(result.error);
}

function invalidOf(error: z.core.$ZodError): FailureError {
  return new FailureError({ code: "invalid", errors: errorsOf(error) });
}

/** A list may have a fault for each of thousands of items. */
const SENTENCES_SHOWN = 20;

function errorsOf({ issues }: z.core.$ZodError): FieldErrors {
  const byField = Map.groupBy(issues, ({ path }) => String(path[0] ?? "non_field_errors"));
  const errors = [...byField].map(([field, faults]): [string, string[]] => {
    const sentences = new Set(faults.map(({ message }) => message));
    return [field, [...sentences].slice(0, SENTENCES_SHOWN)];
  });
  return Object.fromEntries(errors);
}

/** A path's id; null for anything that no row can have. */
export function readId(text: string | undefined): number | null {
  const id = /^[1-9][0-9]{0,15}$/.test(text ?? "") ? Number(text) : 0;
  return id > 0 && Number.isSafeInteger(id) ? id : null;
}

/** A path's id; 404 of that noun for anything that no row can have. */
export function pathId(c: Context, name: string, noun: Noun): number {
  const id = readId(c.req.param(name));
  if (id === null) throw new FailureError(notFound(noun));
  return id;
}
