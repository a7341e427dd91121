/**
 * Opens one cloud file for an hour to whoever holds it, because agents download without credentials ([G7]). It is version,
 * key id, expiry, and a MAC over these and the file's id.
 */
import type { AgentKey } from "../domain/agent-key.ts";
import { isMacOf, isTokenText, MAC_CHARACTERS, macOf, PartReader, sized } from "./mac.ts";

const VERSION = "1";
const PURPOSE = "platen file token\n";

/** An agent gives a download up after 30 minutes, and may start it late. */
export const FILE_TOKEN_LIFE_MS = 60 * 60_000;

/** Valid for an hour from `now`, epoch milliseconds. */
export async function makeFileToken(fileId: number, key: AgentKey, now: number): Promise<string> {
  const endsAt = Math.ceil((now + FILE_TOKEN_LIFE_MS) / 1000);
  const text = VERSION + sized(key.id) + sized(endsAt.toString(36));
  return text + (await macOf(signedText(fileId, text), key));
}

/** False for anything that none of `keys` signed for that file, and after its expiry. */
export async function opensFile(
  token: string,
  fileId: number,
  keys: readonly AgentKey[],
  now: number,
): Promise<boolean> {
  if (!isTokenText(token, VERSION)) return false;
  const parts = new PartReader(token.slice(VERSION.length));
  const keyId = parts.takeSized();
  const endsAt = parts.takeSizedNumber();
  const key = keys.find(({ id }) => id === keyId);
  if (key === undefined || parts.left !== MAC_CHARACTERS) return false;
  const text = signedText(fileId, token.slice(0, -MAC_CHARACTERS));
  return (await isMacOf(text, token.slice(-MAC_CHARACTERS), key)) && now < endsAt * 1000;
}

function signedText(fileId: number, text: string): string {
  return `${PURPOSE}${fileId}\n${text}`;
}
