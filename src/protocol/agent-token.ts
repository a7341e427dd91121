/**
 * The token of a printer's agent (design 6): `[0-9a-z]`, 64 characters at most, stored nowhere. It is version, key id,
 * printer id, uid, generation, and 128 bits of an HMAC-SHA256 over all of these. Its MAC keeps strangers out; the printer's
 * object decides whether the generation still counts.
 */
import type { AgentKey } from "../domain/agent-key.ts";

/** What the MAC vouches for. */
export interface AgentToken {
  readonly printerId: number;
  readonly uid: string;
  readonly generation: number;
  readonly keyId: string;
}

const VERSION = "1";
const DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz";
const UID_CHARACTERS = 13;
const MAC_BYTES = 16;
/** 16 bytes in base 36. */
const MAC_CHARACTERS = 25;
const MAX_CHARACTERS = 64;
/** Keeps these MACs apart from whatever else the same key may sign one day. */
const PURPOSE = "platen agent token\n";
/** Bytes from here on would favour the first digits. */
const UNBIASED_BELOW = 252;

/** 13 random characters of `[0-9a-z]`, each equally likely: tells printers apart even if an id comes back (design 3). */
export function drawUid(): string {
  let uid = "";
  while (uid.length < UID_CHARACTERS) {
    const bytes = crypto.getRandomValues(new Uint8Array(UID_CHARACTERS));
    for (const byte of bytes) if (byte < UNBIASED_BELOW) uid += DIGITS.charAt(byte % DIGITS.length);
  }
  return uid.slice(0, UID_CHARACTERS);
}

/** The token of that generation, signed by `key`. */
export async function makeAgentToken(
  printer: { readonly id: number; readonly uid: string; readonly generation: number },
  key: AgentKey,
): Promise<string> {
  const payload = [VERSION, sized(key.id), sized(printer.id.toString(36)), printer.uid, sized(printer.generation.toString(36))];
  const text = payload.join("");
  return text + macText(await sign(await importKey(key), PURPOSE + text));
}

/** Null for anything that one of `keys` did not sign. */
export async function readAgentToken(text: string, keys: readonly AgentKey[]): Promise<AgentToken | null> {
  const token = parse(text);
  const key = keys.find(({ id }) => id === token?.keyId);
  if (token === null || key === undefined) return null;
  const hmac = await importKey(key);
  const signed = text.slice(0, -MAC_CHARACTERS);
  const expected = macText(await sign(hmac, PURPOSE + signed));
  return (await isSame(hmac, expected, text.slice(-MAC_CHARACTERS))) ? token : null;
}

function parse(text: string): AgentToken | null {
  if (text.length > MAX_CHARACTERS || !/^1[0-9a-z]+$/.test(text)) return null;
  let at = VERSION.length;
  const take = (count: number) => {
    at += count;
    return text.slice(at - count, at);
  };
  const takeSized = () => take(DIGITS.indexOf(take(1)));
  const keyId = takeSized();
  const printerId = Number.parseInt(takeSized(), 36);
  const uid = take(UID_CHARACTERS);
  const generation = Number.parseInt(takeSized(), 36);
  const isWhole = at + MAC_CHARACTERS === text.length;
  return isWhole && Number.isSafeInteger(printerId) && Number.isSafeInteger(generation)
    ? { printerId, uid, generation, keyId }
    : null;
}

/** A part that tells its own length: no character is left to separate parts with. */
function sized(part: string): string {
  return DIGITS.charAt(part.length) + part;
}

function importKey(key: AgentKey): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", key.secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}

function sign(key: CryptoKey, text: string): Promise<ArrayBuffer> {
  return crypto.subtle.sign("HMAC", key, new TextEncoder().encode(text));
}

function macText(mac: ArrayBuffer): string {
  const bytes = new Uint8Array(mac).subarray(0, MAC_BYTES);
  return bytes.reduce((value, byte) => value * 256n + BigInt(byte), 0n).toString(36).padStart(MAC_CHARACTERS, "0");
}

/** In constant time: the platform compares whole MACs only, so both texts are signed once more. */
async function isSame(key: CryptoKey, expected: string, given: string): Promise<boolean> {
  return crypto.subtle.verify("HMAC", key, await sign(key, expected), new TextEncoder().encode(given));
}
