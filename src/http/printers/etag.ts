/** Weak entity tags ([H16]). */
import { digest } from "../../credentials/digest.ts";
import { macOf } from "../../credentials/mac.ts";
import type { AgentKey } from "../../domain/agent-key.ts";
import type { WrittenPrinter } from "../json/printer.ts";
import type { HttpContext } from "../kit/context.ts";

/** Of one printer's text: between two copies for D1 a status has no number that would tell it. */
export async function printerTag({ steady }: WrittenPrinter): Promise<string> {
  return (await digest(steady)).slice(0, 32);
}

/** Keeps these MACs apart from whatever else the same key signs. */
const PURPOSE = "platen list tag\n";

/** Of a list's versions, so that 304 needs no text. Under the key that signs the tokens in the list: a new one shows others. */
export function listTag(versions: string, key: AgentKey): Promise<string> {
  return macOf(PURPOSE + versions, key);
}

/** Sets `ETag`; true when the caller holds what has that tag already, and 304 is the answer. */
export function isHeld(c: HttpContext, tag: string): boolean {
  c.header("ETag", `W/"${tag}"`);
  const held = c.req.header("If-None-Match");
  return held !== undefined && (held.trim() === "*" || tagsOf(held).includes(tag));
}

/** Weak comparison: only what stands between the quotes counts. */
function tagsOf(header: string): string[] {
  return [...header.matchAll(/(?:W\/)?"([^"]*)"/g)].map(([, tag = ""]) => tag);
}
