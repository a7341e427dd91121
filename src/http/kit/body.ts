/** Reads a request's body once: its size, its media type and its depth are judged before anybody looks at a field. */
import { invalid } from "../../domain/failure.ts";
import type { Json } from "../../domain/report.ts";
import { isDeeperThan, isJsonObject, MAX_DEPTH } from "../../protocol/codec.ts";
import { binaryText, decodeText, percentDecoded, readPairs, refusalOf, textDecoder, UTF8 } from "./charset.ts";
import type { HttpContext } from "./context.ts";
import { FailureError } from "./errors.ts";
import { boundaryOf, MultipartReader } from "./multipart.ts";
import { parametersOf } from "./parameters.ts";
import { TextParts } from "./text-parts.ts";

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

/** What a route reads. */
export interface BodyRule {
  readonly media: readonly Media[];
  readonly maxBytes: number;
  /** Which parts of a multipart form are files: all others are text. */
  readonly files: ReadonlySet<string>;
  /** An action's fields, of which it needs none; null for every other route. A form that cannot be read stops it only if it names one. */
  readonly spare: readonly string[] | null;
}

const NOTHING = { kind: "json", value: {} } as const satisfies ReadBody;

/** 413, 415 or 400 for what no schema could judge. No bytes at all are `{}`, whatever the Content-Type. */
export async function readBody(c: HttpContext, { media, maxBytes, files, spare }: BodyRule): Promise<ReadBody> {
  const contentType = c.req.header("Content-Type") ?? "";
  const mediaType = mediaTypeOf(c);
  const kind = KINDS.get(mediaType);
  // Only a multipart body may be longer than the others: it may carry a file.
  const bytes = await readBytes(c.req.raw, kind === "multipart" ? maxBytes : Math.min(maxBytes, BODY_BYTES));
  if (bytes.byteLength === 0 && !(media.length === 1 && media[0] === "multipart")) return NOTHING;
  if (kind === undefined || !media.includes(kind)) {
    throw new FailureError({ code: "unsupported_media_type", mediaType });
  }
  const charset = parametersOf(contentType).get("charset") ?? UTF8;
  if (kind === "json") return { kind, value: readJson(decodeText(textDecoder(charset), [bytes])) };
  try {
    const form = kind === "form" ? readForm(bytes, charset) : readMultipart(bytes, contentType, files);
    return { kind: "form", form };
  } catch (error) {
    if (!(error instanceof FailureError) || spare === null || namesAny(bytes, spare)) throw error;
    return NOTHING;
  }
}

/** The body as it comes. It ends with a client that hangs up: nobody hears the answer, and nothing is wrong here ([H75]). */
export async function* chunksOf({ body }: Request): AsyncGenerator<Uint8Array, void, void> {
  try {
    yield* body ?? [];
  } catch {
    refuse("The body broke off.");
  }
}

async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  const tooLarge = new FailureError({ code: "too_large", limitBytes: maxBytes });
  if (Number(request.headers.get("Content-Length") ?? 0) > maxBytes) throw tooLarge;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunksOf(request)) {
    length += chunk.byteLength;
    if (length > maxBytes) throw tooLarge;
    chunks.push(chunk);
  }
  return joined(chunks, length);
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/** What a part is told that is a file where the route knows none. */
export const NO_FILE = "A file is not expected here.";

function refuse(sentence: string): never {
  throw new FailureError(invalid("non_field_errors", sentence));
}

function readJson(text: string): Json {
  const value = parseJson(text);
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

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function readForm(bytes: Uint8Array<ArrayBuffer>, charset: string): FormData {
  const decoder = textDecoder(charset);
  // Only in these a character of ASCII is more than its byte.
  const pairs = decoder.encoding.startsWith("utf-16")
    ? readPairs(binaryText(new TextEncoder().encode(decodeText(decoder, [bytes]))), textDecoder(UTF8))
    : readPairs(binaryText(bytes), decoder);
  const form = formOf(pairs);
  refuseJsonIn(form);
  return form;
}

function formOf(pairs: readonly (readonly [string, string])[]): FormData {
  const form = new FormData();
  for (const [name, value] of pairs) form.append(name, value);
  return form;
}

const NO_FORM = "The body is not a form of its Content-Type.";

/** A part is a file if the route's field of its name is one; any other that calls itself a file is refused ([H72]). */
function readMultipart(bytes: Uint8Array, contentType: string, files: ReadonlySet<string>): FormData {
  const boundary = boundaryOf(contentType);
  if (boundary === null) refuse(NO_FORM);
  const reader = new MultipartReader(boundary);
  const texts = new TextParts();
  const read: [name: string, fileName: string, pieces: Uint8Array<ArrayBuffer>[]][] = [];
  let isFile = false;
  for (const piece of reader.push(bytes)) {
    if ("bytes" in piece) {
      // safe: views of the one buffer that was read
      if (isFile) read.at(-1)?.[2].push(piece.bytes as Uint8Array<ArrayBuffer>);
      else texts.push(piece.bytes);
      continue;
    }
    const { name, fileName } = piece.head;
    isFile = files.has(name);
    if (isFile) read.push([name, fileName ?? "", []]);
    else if (fileName === null) texts.begin(piece.head);
    else throw refusalOf(name, NO_FILE);
  }
  if (!reader.isDone) refuse(NO_FORM);
  const form = formOf(texts.read(contentType));
  for (const [name, fileName, pieces] of read) form.append(name, new File(pieces, fileName));
  return form;
}

/** Whether one of these names stands in bytes that nobody can read, as far as ASCII shows in them. */
function namesAny(bytes: Uint8Array, names: readonly string[]): boolean {
  const text = binaryText(percentDecoded(binaryText(bytes))).replaceAll("\0", "");
  return names.some((name) => text.includes(name));
}

/** A form whose only key looks like JSON comes from a client that forgot the header. */
function refuseJsonIn(form: FormData): void {
  const keys = new Set(form.keys());
  const [only = ""] = keys;
  if (keys.size === 1 && only.trimStart().startsWith("{"))
    refuse("The header Content-Type: application/json is missing.");
}
