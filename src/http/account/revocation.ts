/**
 * Tells the printers' objects that a token was revoked, because they may have cached it for an outage of D1 ([S11]). While D1
 * answers it counts nowhere, so an object that cannot be reached is only logged; it forgets within a day.
 */
import { connect } from "../../db/client.ts";
import { listPrinterIds } from "../../db/printers.ts";
import { log } from "../../log.ts";
import type { HttpContext } from "../kit/context.ts";
import { callPrinter } from "../kit/printer-call.ts";

/** `hash` is the revoked token's. One call for each printer of the account. */
export async function tellRevoked(c: HttpContext, userId: number, hash: string): Promise<void> {
  const printerIds = await listPrinterIds(connect(c.env.DB), userId);
  await Promise.all(
    printerIds.map(async (printerId) => {
      try {
        await callPrinter(c, printerId, (printer) => printer.forget(hash));
      } catch (error) {
        log({ event: "revocation.failed", printerId, error });
      }
    }),
  );
}
