/** JSON put together from texts: what is JSON text already is neither read nor written again. */
import type { TypedResponse } from "hono";
import type { StatusCode } from "hono/utils/http-status";

declare const VALUE: unique symbol;

/** JSON text of a `T`. */
export type JsonText<T> = string & { readonly [VALUE]?: T };

export function textOf<T>(value: T): JsonText<T> {
  return JSON.stringify(value) as JsonText<T>; // safe: its very text
}

/** Its keys are plain words. */
export function objectText<T extends object>(members: { readonly [Key in keyof T]: JsonText<T[Key]> }): JsonText<T> {
  const texts = Object.entries<string>(members).map(([key, text]) => `"${key}":${text}`);
  return `{${texts.join(",")}}` as JsonText<T>; // safe: every key with its text
}

export function arrayText<T>(items: readonly JsonText<T>[]): JsonText<T[]> {
  return `[${items.join(",")}]` as JsonText<T[]>; // safe: the items' texts
}

/** Both objects' members; neither is empty, and they have no key in common. */
export function mergedText<A extends object, B extends object>(one: JsonText<A>, other: JsonText<B>): JsonText<A & B> {
  return `${one.slice(0, -1)},${other.slice(1)}` as JsonText<A & B>; // safe: one pair of braces
}

interface Answering {
  body(text: string, status: StatusCode, headers: Readonly<Record<string, string>>): Response;
}

/** What `c.json` would answer with the value of that text. */
export function answerText<T, Status extends StatusCode>(
  c: Answering,
  text: JsonText<T>,
  status: Status,
): Response & TypedResponse<T, Status, "json"> {
  const answer: Response = c.body(text, status, { "Content-Type": "application/json" });
  return answer as Response & TypedResponse<T, Status, "json">; // safe: that is its body
}
