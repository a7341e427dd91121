/** Callers without a token, who are told apart by their address: how often one may call. */
import * as z from "zod";
import { MAX_CODE_CHARS, normalizeCode, type Source } from "../../domain/linking.ts";
import type { HttpContext } from "../kit/context.ts";
import { FailureError } from "../kit/errors.ts";
import { textField } from "../kit/fields.ts";

/** More calls of that address than any agent makes. Counted at each location by the platform, so no flood reaches D1. */
export async function isFlooding(c: HttpContext, call: "verify" | "unlinked", source: Source): Promise<boolean> {
  const { success } = await c.env.AGENT_CALLS.limit({ key: `${call} ${source.address}` });
  return !success;
}

/** 429 until `againAt`, epoch milliseconds. */
export function guessedTooOften(againAt: number, now: number): FailureError {
  const retryAfterSeconds = Math.max(1, Math.ceil((againAt - now) / 1000));
  return new FailureError({ code: "throttled", retryAfterSeconds });
}

/** A code as people type it. */
export const codeField = z.preprocess(
  (text) => (typeof text === "string" ? normalizeCode(text) : text),
  textField(MAX_CODE_CHARS),
);
