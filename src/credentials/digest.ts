/** The one hash of secrets and of bodies: SHA-256. */
import { hexOf } from "../domain/encoding.ts";

/** SHA-256 of the text as UTF-8: 64 characters of lower-case hex. */
export async function digest(text: string): Promise<string> {
  return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}

/** The same of bytes as they come. */
export class StreamDigest {
  readonly #stream = new crypto.DigestStream("SHA-256");
  readonly #writer = this.#stream.getWriter();

  async write(bytes: Uint8Array): Promise<void> {
    await this.#writer.write(bytes);
  }

  async end(): Promise<string> {
    await this.#writer.close();
    return hexOf(new Uint8Array(await this.#stream.digest));
  }
}
