/** Texts of a multipart form, held as bytes until its end: only then it is known in which charset they are ([H70]). */
import { decodeText, textDecoder, UTF8, utf8Text } from "./charset.ts";
import type { PartHead } from "./multipart.ts";
import { parametersOf } from "./parameters.ts";

interface TextPart {
  readonly name: string;
  readonly charset: string | null;
  readonly pieces: Uint8Array[];
}

export class TextParts {
  readonly #parts: TextPart[] = [];

  /** What is pushed from now on is this part's. */
  begin({ name, charset }: PartHead): void {
    this.#parts.push({ name, charset, pieces: [] });
  }

  /** Copies the bytes. */
  push(bytes: Uint8Array): void {
    this.#parts.at(-1)?.pieces.push(bytes.slice());
  }

  /**
   * Names and values in their order; 415 or 400 for what is no text. A part's own charset counts, else the one that the
   * form names in `_charset_`, else that of its Content-Type.
   */
  read(contentType: string): [name: string, value: string][] {
    const named = this.#parts
      .find(({ name }) => name === "_charset_")
      ?.pieces.map(utf8Text)
      .join("");
    const ofForm = named || (parametersOf(contentType).get("charset") ?? UTF8);
    return this.#parts.map(({ name, charset, pieces }) => [
      name,
      decodeText(textDecoder(charset ?? ofForm), pieces, name),
    ]);
  }
}
