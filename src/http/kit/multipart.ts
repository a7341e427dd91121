/**
 * Reads a `multipart/form-data` body (RFC 7578) as it comes, so that a file in it is never held whole. Pure: bytes go in,
 * pieces come out; the caller bounds how much it feeds.
 */

/** A part begins; all bytes until the next one are its own. */
interface PartHead {
  readonly name: string;
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
  const [, quoted, bare] = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare ?? "";
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
    const name = end > HEADER_BYTES ? null : nameOf(new TextDecoder().decode(this.#rest.subarray(0, end)));
    this.#rest = this.#rest.subarray(end + HEADERS_END.length);
    this.#place = name === null ? "broken" : "body";
    if (name === null) return true;
    pieces.push({ head: { name } });
    return true;
  }

  /** More bytes are needed; too many without what is looked for are no form. */
  #needMore(): boolean {
    if (this.#rest.length > HEADER_BYTES) this.#place = "broken";
    return this.#place === "broken";
  }
}

/** `name` of a Content-Disposition, as browsers write it; null without one. */
function nameOf(headers: string): string | null {
  const disposition = /^content-disposition:[ \t]*form-data[ \t]*(;.*)$/im.exec(headers)?.[1] ?? "";
  const [, quoted, bare] = /;\s*name=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))/i.exec(disposition) ?? [];
  return quoted?.replace(/\\(.)/g, "$1") ?? bare ?? null;
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
