/** API tokens of people and programs: `plt_` and 256 random bits. Only their SHA-256 is stored ([S5]). */
import type { AgentKey } from "../domain/agent-key.ts";
import { base64UrlOf } from "../domain/encoding.ts";
import { derivedBytes } from "./mac.ts";

const PREFIX = "plt_";
const FORM = /^plt_[\w-]{43}$/;

/** Whether it has the form of one, which no other credential has. */
export function isApiToken(text: string): boolean {
  return FORM.test(text);
}

/** A new token; it is shown once, unless its call had a key. */
export function drawApiToken(): string {
  return PREFIX + base64UrlOf(crypto.getRandomValues(new Uint8Array(32)));
}

const PURPOSE = "platen api token\n";

/**
 * The token of a call with an `Idempotency-Key`, which can be shown again while `salt` is kept: nobody else can derive it, who
 * lacks the secret `key`, the random `salt` or the header's `idempotencyKey`.
 */
export async function deriveApiToken(salt: string, idempotencyKey: string, key: AgentKey): Promise<string> {
  return PREFIX + base64UrlOf(await derivedBytes(`${PURPOSE}${salt}\n${idempotencyKey}`, key));
}
