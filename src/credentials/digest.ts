/** The one hash of secrets and of bodies: SHA-256. */
import { hexOf } from "../domain/encoding.ts";

/** SHA-256 of the text as UTF-8: 64 characters of lower-case hex. */
export async function digest(text: string): Promise<string> {
  return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}
