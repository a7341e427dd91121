/** Weak entity tags ([H16]). */
import { macOf } from "../../credentials/mac.ts";
import type { HttpContext } from "../kit/context.ts";

/** Keeps these MACs apart from whatever else the same key signs. */
const PURPOSE = "platen entity tag\n";

/**
 * Sets the `ETag` of what `shown` tells; true when the caller holds that already, and 304 is the answer. It is a MAC under the
 * key that signs the tokens that are shown: a new key shows others.
 */
export async function isHeld(c: HttpContext, shown: string): Promise<boolean> {
  const tag = await macOf(PURPOSE + shown, c.var.settings.agentKeys[0]);
  c.header("ETag", `W/"${tag}"`);
  const held = c.req.header("If-None-Match");
  return held !== undefined && (held.trim() === "*" || tagsOf(held).includes(tag));
}

/** Weak comparison: only what stands between the quotes counts. */
function tagsOf(header: string): string[] {
  return [...header.matchAll(/(?:W\/)?"([^"]*)"/g)].map(([, tag = ""]) => tag);
}
