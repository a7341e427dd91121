/** API tokens of people and programs: `plt_` and 256 random bits. Only their SHA-256 is stored ([S5]). */
import { base64UrlOf } from "../domain/encoding.ts";

const PREFIX = "plt_";

export function isApiToken(text: string): boolean {
  return text.startsWith(PREFIX);
}

/** A new token; it is shown once. */
export function drawApiToken(): string {
  return PREFIX + base64UrlOf(crypto.getRandomValues(new Uint8Array(32)));
}
