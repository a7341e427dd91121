/**
 * What our signed tokens are made of, in `[0-9a-z]`: length-prefixed parts, then 128 bits of an HMAC-SHA256. Every kind of
 * token signs under a purpose of its own, so that none passes for another kind.
 */
import type { AgentKey } from "../domain/agent-key.ts";

/** Base 36: no character needs escaping in a header, a URL or a configuration file. */
export const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz";
/** No token is longer. */
const MAX_CHARACTERS = 64;
/** 128 bits in base 36. */
export const MAC_CHARACTERS = 25;

/** Whether the text may be a token of ours of that version, before anything in it is read. */
export function isTokenText(text: string, version: string): boolean {
  return text.length <= MAX_CHARACTERS && text.startsWith(version) && /^[0-9a-z]+$/.test(text);
}

/** A length-prefixed part: no character is left for a separator. */
export function sized(part: string): string {
  return DIGITS.charAt(part.length) + part;
}

/** Takes the parts of `text` off its front, one after the other. */
export class PartReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  take(characters: number): string {
    this.#at += characters;
    return this.#text.slice(this.#at - characters, this.#at);
  }

  takeSized(): string {
    return this.take(DIGITS.indexOf(this.take(1)));
  }

  takeSizedNumber(): number {
    return Number.parseInt(this.takeSized(), 36);
  }

  /** Characters not taken yet; negative when more was asked for than there was. */
  get left(): number {
    return this.#text.length - this.#at;
  }
}

export async function macOf(text: string, key: AgentKey): Promise<string> {
  return macText(await sign(await hmacOf(key), text));
}

/** Constant-time comparison by double HMAC: `verify` takes whole MACs only and ours are truncated, so it compares their MACs. */
export async function isMacOf(text: string, mac: string, key: AgentKey): Promise<boolean> {
  const hmac = await hmacOf(key);
  const expected = macText(await sign(hmac, text));
  return crypto.subtle.verify("HMAC", hmac, await sign(hmac, expected), new TextEncoder().encode(mac));
}

/** Imported once for each key that was read: a rotated one is another object, whatever its id. */
const imported = new WeakMap<AgentKey, CryptoKey>();

async function hmacOf(key: AgentKey): Promise<CryptoKey> {
  const kept = imported.get(key);
  if (kept !== undefined) return kept;
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const hmac = await crypto.subtle.importKey("raw", key.secret, algorithm, false, ["sign", "verify"]);
  imported.set(key, hmac);
  return hmac;
}

/** 256 bits that only holders of the key can derive from the text, which begins with a purpose of its own. */
export async function derivedBytes(text: string, key: AgentKey): Promise<Uint8Array> {
  return new Uint8Array(await sign(await hmacOf(key), text));
}

function sign(key: CryptoKey, text: string): Promise<ArrayBuffer> {
  return crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text));
}

function macText(mac: ArrayBuffer): string {
  const words = new DataView(mac);
  const number = (words.getBigUint64(0) << 64n) | words.getBigUint64(8);
  return number.toString(36).padStart(MAC_CHARACTERS, "0");
}
