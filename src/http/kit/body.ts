/** Reads a request's body once: its size, its media type and its depth are judged before anybody looks at a field. */
import { invalid } from "../../domain/failure.ts";
import type { Json } from "../../domain/report.ts";
import { isDeeperThan, isJsonObject, MAX_DEPTH } from "../../protocol/codec.ts";
import type { HttpContext } from "./context.ts";
import { FailureError } from "./errors.ts";

export const BODY_BYTES = 64 * 1024;

export const MEDIA_TYPES = {
  json: "application/json",
  form: "application/x-www-form-urlencoded",
  multipart: "multipart/form-data",
} as const;

export type Media = keyof typeof MEDIA_TYPES;

/** What a body may be unless its route says otherwise. */
export const ANY_MEDIA = ["json", "form", "multipart"] as const satisfies readonly Media[];

const KINDS: ReadonlyMap<string, Media> = new Map(ANY_MEDIA.map((kind) => [MEDIA_TYPES[kind], kind]));

/** The media type of the call's Content-Type, in lower case and without parameters; empty when there is none. */
export function mediaTypeOf(c: HttpContext): string {
  return (c.req.header("Content-Type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

/** A body that was read and parsed, once. */
export type ReadBody =
  | { readonly kind: "json"; readonly value: Json }
  | { readonly kind: "form"; readonly form: FormData };

/** 413, 415 or 400 for what no schema could judge. No bytes at all are `{}`, whatever the Content-Type. */
export async function readBody(c: HttpContext, media: readonly Media[], maxBytes: number): Promise<ReadBody> {
  const contentType = c.req.header("Content-Type") ?? "";
  const mediaType = mediaTypeOf(c);
  const kind = KINDS.get(mediaType);
  // Only a multipart body may be longer than the others: it may carry a file.
  const bytes = await readBytes(c.req.raw, kind === "multipart" ? maxBytes : Math.min(maxBytes, BODY_BYTES));
  if (bytes.byteLength === 0 && !(media.length === 1 && media[0] === "multipart")) return { kind: "json", value: {} };
  if (kind === undefined || !media.includes(kind)) {
    throw new FailureError({ code: "unsupported_media_type", mediaType });
  }
  if (kind === "json") return { kind, value: readJson(bytes) };
  const form = await readForm(bytes, contentType);
  if (kind === "form") refuseJsonIn(form);
  return { kind: "form", form };
}

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = new FailureError({ code: "too_large", limitBytes: maxBytes });
  if (Number(request.headers.get("Content-Length") ?? 0) > maxBytes) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.byteLength;
    if (length > maxBytes) throw tooLarge;
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

function refuse(sentence: string): never {
  throw new FailureError(invalid("non_field_errors", sentence));
}

function readJson(bytes: Uint8Array): Json {
  const value = parseJson(bytes);
  if (value === undefined) refuse("JSON parse error - the body is not JSON.");
  if (!isJsonObject(value)) refuse(`Invalid data. Expected a dictionary, but got ${kindOf(value)}.`);
  if (isDeeperThan(value, MAX_DEPTH)) refuse(`The body nests deeper than ${MAX_DEPTH} levels.`);
  return value;
}

/** By Python's names, as existing clients know the sentence. */
function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "list";
  if (value === null) return "NoneType";
  if (typeof value === "string") return "str";
  if (typeof value === "boolean") return "bool";
  return Number.isInteger(value) ? "int" : "float";
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch {
    return undefined;
  }
}

async function readForm(bytes: Uint8Array<ArrayBuffer>, contentType: string): Promise<FormData> {
  try {
    return await new Response(bytes, { headers: { "Content-Type": contentType } }).formData();
  } catch {
    refuse("The body is not a form of its Content-Type.");
  }
}

/** A form whose only key looks like JSON comes from a client that forgot the header. */
function refuseJsonIn(form: FormData): void {
  const keys = new Set(form.keys());
  const [only = ""] = keys;
  if (keys.size === 1 && only.trimStart().startsWith("{"))
    refuse("The header Content-Type: application/json is missing.");
}
