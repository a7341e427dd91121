/**
 * The token of a printer's agent: `[0-9a-z]`, 64 characters at most, stored nowhere. It is version, key id, printer id, uid,
 * generation, and 128 bits of an HMAC-SHA256 over all of these. The MAC keeps strangers out without a look-up; the
 * printer's object decides whether the generation still counts ([S22]).
 */
import type { AgentKey } from "../domain/agent-key.ts";
import { DIGITS, isMacOf, isTokenText, MAC_CHARACTERS, macOf, PartReader, sized } from "./mac.ts";

/** What the MAC vouches for. */
export interface AgentToken {
  readonly printerId: number;
  readonly uid: string;
  readonly generation: number;
  readonly keyId: string;
}

const VERSION = "1";
const UID_CHARACTERS = 13;
/** Keeps these MACs apart from whatever else the same key signs. */
const PURPOSE = "platen agent token\n";
/** 7 × 36: bytes from here on would favour the first digits, so others are drawn. */
const UNBIASED_BELOW = 252;

/** 13 random characters of `[0-9a-z]`, each equally likely: tells printers apart even if an id comes back ([O26]). */
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
  const { id, uid, generation } = printer;
  const parts = [VERSION, sized(key.id), sized(id.toString(36)), uid, sized(generation.toString(36))];
  const text = parts.join("");
  return text + (await keptMacOf(text, key));
}

/** MACs of the tokens that were shown last, by their texts: a list shows the same ones each time. */
const shown = new WeakMap<AgentKey, Map<string, string>>();
const MOST_SHOWN = 2_000;

async function keptMacOf(text: string, key: AgentKey): Promise<string> {
  const macs = shown.get(key) ?? new Map<string, string>();
  shown.set(key, macs);
  const kept = macs.get(text);
  if (kept !== undefined) return kept;
  const mac = await macOf(PURPOSE + text, key);
  if (macs.size >= MOST_SHOWN) macs.clear();
  macs.set(text, mac);
  return mac;
}

/** Null for anything that none of `keys` signed. */
export async function readAgentToken(text: string, keys: readonly AgentKey[]): Promise<AgentToken | null> {
  const token = parse(text);
  const key = keys.find(({ id }) => id === token?.keyId);
  if (token === null || key === undefined) return null;
  const signed = text.slice(0, -MAC_CHARACTERS);
  return (await isMacOf(PURPOSE + signed, text.slice(-MAC_CHARACTERS), key)) ? token : null;
}

function parse(text: string): AgentToken | null {
  if (!isTokenText(text, VERSION)) return null;
  const parts = new PartReader(text.slice(VERSION.length));
  const keyId = parts.takeSized();
  const printerId = parts.takeSizedNumber();
  const uid = parts.take(UID_CHARACTERS);
  const generation = parts.takeSizedNumber();
  const isWhole = parts.left === MAC_CHARACTERS;
  return isWhole && Number.isSafeInteger(printerId) && Number.isSafeInteger(generation)
    ? { printerId, uid, generation, keyId }
    : null;
}
