/** Tells the printers' objects that a token was revoked, because they may have cached it for an outage of D1 ([S11]). */
import { connect } from "../../db/client.ts";
import { markTold, type Revocation } from "../../db/tokens.ts";
import { UNAVAILABLE } from "../../domain/failure.ts";
import { log } from "../../log.ts";
import type { HttpContext } from "../kit/context.ts";
import { FailureError } from "../kit/errors.ts";
import { callPrinter } from "../kit/printer-call.ts";

/** One call for each printer of the account; 503 when one cannot be told: the token is dead in D1 all the same. */
export async function tellRevoked(c: HttpContext, { tokenId, hash, printerIds }: Revocation): Promise<void> {
  const told = await Promise.all(printerIds.map((printerId) => tell(c, printerId, hash)));
  const missed = told.filter((isTold) => !isTold).length;
  if (missed > 0) {
    const sentence = `The token is revoked, but ${missed} of the account's printers could not be told. Try again.`;
    throw new FailureError({ ...UNAVAILABLE, sentence });
  }
  // Without it the clock's next run tells them once more.
  c.executionCtx.waitUntil(markTold(connect(c.env.DB), tokenId, Date.now()).catch(() => undefined));
}

async function tell(c: HttpContext, printerId: number, hash: string): Promise<boolean> {
  try {
    await callPrinter(c, printerId, (printer) => printer.forget(hash));
    return true;
  } catch (error) {
    log({ event: "revocation.failed", printerId, error });
    return false;
  }
}
