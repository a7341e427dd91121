/**
 * Reads a `multipart/form-data` body (RFC 7578) as it comes, so that a file in it is never held whole. Pure: bytes go in,
 * pieces come out; the caller bounds how much it feeds.
 */
import { percentDecoded, utf8Text } from "./charset.ts";
import { parametersOf } from "./parameters.ts";

/** A part begins; all bytes until the next one are its own. */
export interface PartHead {
  /** By this alone it is known. */
  readonly name: string;
  /** Null for a part that is no file. */
  readonly fileName: string | null;
  /** What its own Content-Type says; null: nothing. */
  readonly charset: string | null;
}

export type Piece = { readonly head: PartHead } | { readonly bytes: Uint8Array };

/** Where the reader stands; `broken` and `done` are final. */
type Place = "preamble" | "delimiter" | "headers" | "body" | "done" | "broken";

const HEADER_BYTES = 8 * 1024;
const CR = 13;
const CRLF = ascii("\r\n");
const HEADERS_END = ascii("\r\n\r\n");

/** The boundary of a Content-Type; null when it has none that RFC 2046 allows. */
export function boundaryOf(contentType: string): string | null {
  const boundary = parametersOf(contentType).get("boundary") ?? "";
  return /^[\w'()+,\-./:=? ]{1,70}$/.test(boundary) ? boundary : null;
}

export class MultipartReader {
  readonly #delimiter: Uint8Array;
  /** Begins with the line break that a delimiter needs before it. */
  #rest: Uint8Array = CRLF;
  #place: Place = "preamble";

  constructor(boundary: string) {
    this.#delimiter = ascii(`\r\n--${boundary}`);
  }

  /** The last delimiter was seen: what follows means nothing. */
  get isDone(): boolean {
    return this.#place === "done";
  }

  /** It is no multipart form. */
  get isBroken(): boolean {
    return this.#place === "broken";
  }

  /** What these bytes complete. Views of them: to be used before the next call, or copied. */
  push(chunk: Uint8Array): Piece[] {
    this.#rest = joined(this.#rest, chunk);
    const pieces: Piece[] = [];
    let isMoving = true;
    while (isMoving) isMoving = this.#advance(pieces);
    return pieces;
  }

  /** False: more bytes are needed, or none. */
  #advance(pieces: Piece[]): boolean {
    switch (this.#place) {
      case "preamble":
        return this.#passBody(null);
      case "delimiter":
        return this.#passDelimiter();
      case "headers":
        return this.#passHeaders(pieces);
      case "body":
        return this.#passBody(pieces);
      default:
        this.#rest = this.#rest.subarray(this.#rest.length);
        return false;
    }
  }

  /** Up to the delimiter, or as far as none can begin. */
  #passBody(pieces: Piece[] | null): boolean {
    const end = find(this.#rest, this.#delimiter);
    const until = end === null ? Math.max(0, this.#rest.length - this.#delimiter.length + 1) : end;
    if (until > 0) pieces?.push({ bytes: this.#rest.subarray(0, until) });
    this.#rest = this.#rest.subarray(end === null ? until : end + this.#delimiter.length);
    if (end !== null) this.#place = "delimiter";
    return end !== null;
  }

  /** `--` ends the form, a line break begins a part; blanks may stand before either. */
  #passDelimiter(): boolean {
    const blanks = this.#rest.findIndex((byte) => byte !== 32 && byte !== 9);
    if (blanks < 0 || this.#rest.length < blanks + 2) return this.#needMore();
    const [first, second] = this.#rest.subarray(blanks, blanks + 2);
    const isEnd = first === 45 && second === 45;
    this.#place = isEnd ? "done" : first === CR && second === 10 ? "headers" : "broken";
    // The line break is kept: in a part without headers it is the first half of the blank line that ends them.
    this.#rest = this.#rest.subarray(blanks);
    return true;
  }

  #passHeaders(pieces: Piece[]): boolean {
    const end = find(this.#rest, HEADERS_END);
    if (end === null) return this.#needMore();
    const head = end > HEADER_BYTES ? null : headOf(this.#rest.subarray(0, end));
    this.#rest = this.#rest.subarray(end + HEADERS_END.length);
    this.#place = head === null ? "broken" : "body";
    if (head !== null) pieces.push({ head });
    return true;
  }

  /** More bytes are needed; too many without what is looked for are no form. */
  #needMore(): boolean {
    if (this.#rest.length > HEADER_BYTES) this.#place = "broken";
    return this.#place === "broken";
  }
}

/** Null for what is no head of a form's part, or not in UTF-8. */
function headOf(bytes: Uint8Array): PartHead | null {
  const headers = utf8Text(bytes) ?? "";
  const disposition = /^content-disposition:[ \t]*form-data[ \t]*(;[^\r\n]*)/im.exec(headers)?.[1] ?? "";
  const type = /^content-type:[^;\r\n]*(;[^\r\n]*)/im.exec(headers)?.[1] ?? "";
  const parameters = parametersOf(disposition);
  const name = parameters.get("name");
  if (name === undefined) return null;
  const extended = parameters.get("filename*");
  const plain = parameters.get("filename") ?? (extended === undefined ? null : "");
  const fileName = extendedText(extended) ?? plain;
  return { name, fileName, charset: parametersOf(type).get("charset") ?? null };
}

/** A value of RFC 8187, which some programs write for names that are not ASCII; null for anything else. */
function extendedText(value = ""): string | null {
  const [, encoded] = /^utf-8'[^']*'([\x20-\x7e]*)$/i.exec(value) ?? [];
  return encoded === undefined ? null : utf8Text(percentDecoded(encoded));
}

/** Where `wanted`, which begins with a CR, begins; null when it is not there whole. */
function find(bytes: Uint8Array, wanted: Uint8Array): number | null {
  const last = bytes.length - wanted.length;
  for (let at = bytes.indexOf(CR); at >= 0 && at <= last; at = bytes.indexOf(CR, at + 1)) {
    if (wanted.every((byte, place) => bytes[at + place] === byte)) return at;
  }
  return null;
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  if (head.length === 0) return tail;
  const whole = new Uint8Array(head.length + tail.length);
  whole.set(head);
  whole.set(tail, head.length);
  return whole;
}

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
