/** Tells text from anything else, as it comes: UTF-8 without a null character. Binary G-code is no text. */
export class TextCheck {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #isText = true;

  push(bytes: Uint8Array): void {
    this.#isText = this.#isText && !bytes.includes(0) && this.#decodes(bytes, true);
  }

  /** False as soon as it cannot be text any more. */
  get isText(): boolean {
    return this.#isText;
  }

  /** Whether all of it was text, the last character whole. */
  end(): boolean {
    return this.#isText && this.#decodes(new Uint8Array(), false);
  }

  #decodes(bytes: Uint8Array, stream: boolean): boolean {
    try {
      this.#decoder.decode(bytes, { stream });
      return true;
    } catch {
      return false;
    }
  }
}
