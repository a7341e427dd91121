/** JSON text frames: size and depth are judged before anybody reads a value. */
import type { Json } from "../domain/report.ts";
import { err, ok, type Result } from "../domain/result.ts";

export const AGENT_FRAME_BYTES = 1024 * 1024;
export const MAX_DEPTH = 32;

/** Why a frame cannot be read; `too_large` closes the socket with 1009, the rest gets an error frame. */
export interface FrameFault {
  readonly code: "too_large" | "invalid_frame";
  readonly detail: string;
}

/** Reads a JSON object of at most `maxBytes` UTF-8 bytes and 32 levels. Bare NaN and Infinity read as null. */
export function readJsonObject(text: string, maxBytes: number): Result<Json, FrameFault> {
  if (isLongerThan(text, maxBytes)) {
    return err(tooLarge(maxBytes));
  }
  const value = parseLenient(text);
  if (value === undefined) return err({ code: "invalid_frame", detail: "The frame is not JSON." });
  if (!isJsonObject(value)) return err({ code: "invalid_frame", detail: "The frame is not a JSON object." });
  if (isDeeperThan(value, MAX_DEPTH)) {
    return err({ code: "invalid_frame", detail: `The frame nests deeper than ${MAX_DEPTH} levels.` });
  }
  return ok(value);
}

function tooLarge(maxBytes: number): FrameFault {
  return { code: "too_large", detail: `A frame may have ${maxBytes} bytes.` };
}

export function isJsonObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Code units are a lower bound of bytes and a third of an upper one: most texts need no encoding to be judged. */
export function isLongerThan(text: string, maxBytes: number): boolean {
  if (text.length > maxBytes) return true;
  return text.length * 3 > maxBytes && new TextEncoder().encode(text).byteLength > maxBytes;
}

/**
 * Strings, or the bare words that Python's encoder can write where JSON has no number. An unterminated string matches to
 * the end, so that the search takes linear time whatever the text.
 */
const STRING_OR_BARE_WORD = /"[^"\\]*(?:\\[\s\S][^"\\]*)*(?:"|\\?$)|-?Infinity|NaN/g;

function parseLenient(text: string): unknown {
  const value = parse(text);
  if (value !== undefined || !/NaN|Infinity/.test(text)) return value;
  return parse(text.replace(STRING_OR_BARE_WORD, nullBareWord));
}

function nullBareWord(match: string): string {
  return match.startsWith('"') ? match : "null";
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** True when objects and arrays nest deeper than `levels`; an object of scalars is one level. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return value.some((child) => isDeeperThan(child, levels - 1));
  for (const key in value) if (isDeeperThan((value as Json)[key], levels - 1)) return true;
  return false;
}
