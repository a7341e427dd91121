/**
 * Tells G-code from what is no text, as it comes ([G33], [G34]). Text of any charset passes: a null character is in none but
 * UTF-16, which begins with its mark.
 */

/** How files begin whose text nobody can read. */
const MAGIC = [
  ["GCDE", "It is binary G-code"],
  ["PK\x03\x04", "It is an archive, as 3MF projects are"],
  ["\x1f\x8b", "It is compressed"],
] as const;

const MARKS = [
  ["\xff\xfe", "utf-16le"],
  ["\xfe\xff", "utf-16be"],
] as const;

const HEAD_BYTES = 4;

/** Endings of files that hold G-code in another form, without their dot. */
const BINARY: ReadonlyMap<string, string> = new Map([
  ...["bgcode", "bgc", "x3g", "s3g", "makerbot"].map((ending) => [ending, "It is binary G-code"] as const),
  ...["3mf", "ufp"].map((ending) => [ending, "It is an archive"] as const),
  ...["gz", "zip"].map((ending) => [ending, "It is compressed"] as const),
]);

/** What a file of that name is instead of text; null: nothing that is known. */
export function faultOfName(name: string): string | null {
  const [, ending = ""] = /\.([^.]+)$/.exec(name.toLowerCase()) ?? [];
  const what = BINARY.get(ending);
  return what === undefined ? null : `${what} (.${ending})`;
}

export class TextCheck {
  /** Until it is known how the file begins. */
  #head: Uint8Array | null = new Uint8Array();
  #decoder: TextDecoder | null = null;
  #bytes = 0;
  #fault: string | null = null;

  /** What it is instead of text; null as long as it may be text. */
  get fault(): string | null {
    return this.#fault;
  }

  push(bytes: Uint8Array): void {
    const head = this.#head && new Uint8Array([...this.#head, ...bytes.subarray(0, HEAD_BYTES)]);
    if (head === null) this.#look(bytes);
    else if (head.length < HEAD_BYTES) this.#head = head;
    else this.#begin(head, bytes.subarray(HEAD_BYTES));
  }

  /** All of it was pushed. */
  end(): void {
    if (this.#head !== null) this.#begin(this.#head, new Uint8Array());
    this.#decode(new Uint8Array(), false);
  }

  #begin(head: Uint8Array, rest: Uint8Array): void {
    const start = String.fromCharCode(...head);
    const [, what] = MAGIC.find(([magic]) => start.startsWith(magic)) ?? [];
    const [, charset] = MARKS.find(([mark]) => start.startsWith(mark)) ?? [];
    if (what !== undefined) this.#fault = what;
    if (charset !== undefined) this.#decoder = new TextDecoder(charset, { fatal: true, ignoreBOM: true });
    this.#head = null;
    this.#look(head);
    this.#look(rest);
  }

  #look(bytes: Uint8Array): void {
    this.#decode(bytes, true);
    const at = this.#decoder === null ? bytes.indexOf(0) : -1;
    if (at >= 0) this.#fault ??= `It is no text (byte ${this.#bytes + at} is 0)`;
    this.#bytes += bytes.length;
  }

  #decode(bytes: Uint8Array, stream: boolean): void {
    if (this.#decoder === null) return;
    try {
      if (!this.#decoder.decode(bytes, { stream }).includes("\0")) return;
    } catch {
      // It only looked like UTF-16.
    }
    this.#fault ??= "It is no text";
    this.#decoder = null;
  }
}
