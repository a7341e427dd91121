/** Weak entity tags of printers, over the body without what changes by the clock alone ([H16]). */
import { digest } from "../../credentials/digest.ts";
import type { PrinterBody } from "../json/printer.ts";
import type { HttpContext } from "../kit/context.ts";

/** Sets `ETag`; true when the caller holds this very body already, and 304 is the answer. */
export async function isUnchanged(c: HttpContext, body: PrinterBody | PrinterBody[]): Promise<boolean> {
  const steady = Array.isArray(body) ? body.map(withoutClock) : withoutClock(body);
  const tag = (await digest(JSON.stringify(steady))).slice(0, 32);
  c.header("ETag", `W/"${tag}"`);
  const held = c.req.header("If-None-Match");
  return held !== undefined && (held.trim() === "*" || tagsOf(held).includes(tag));
}

function withoutClock(body: PrinterBody): PrinterBody {
  return { ...body, presence: { ...body.presence, last_seen_at: null, status_age_ms: null } };
}

/** Weak comparison: only what stands between the quotes counts. */
function tagsOf(header: string): string[] {
  return [...header.matchAll(/(?:W\/)?"([^"]*)"/g)].map(([, tag = ""]) => tag);
}
