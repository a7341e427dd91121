/**
 * Tells the printers' objects of revocations that some of them may not have heard of ([O81]): one could not be reached, an
 * answer was lost, or a script revoked the token while no server ran.
 */
import type { Db } from "../db/client.ts";
import { listUntold, markTold, type Revocation } from "../db/tokens.ts";
import { DAY_MS } from "../domain/local-day.ts";
import { log } from "../log.ts";
import type { PrinterRpc } from "../printer/rpc.ts";

/** No object knows a caller for longer ([O29]); an hour for calls that were under way. */
const KNOWN_MS = DAY_MS + 3_600_000;
/** Each of an account with up to a thousand printers, and a Worker's run may make ten thousand calls. */
const MOST = 8;

/** The newest first, a bounded number of them; at `now`, epoch milliseconds. */
export async function tellRevocations(db: Db, objects: Env["PRINTERS"], now: number): Promise<void> {
  for (const revocation of await listUntold(db, now - KNOWN_MS, MOST)) {
    if (await tellAll(objects, revocation)) await markTold(db, revocation.tokenId, now);
  }
}

async function tellAll(objects: Env["PRINTERS"], { hash, printerIds }: Revocation): Promise<boolean> {
  const told = await Promise.all(
    printerIds.map(async (printerId) => {
      try {
        const printer: Pick<PrinterRpc, "forget"> = objects.getByName(String(printerId));
        return (await printer.forget(hash)).ok;
      } catch (error) {
        log({ event: "revocation.failed", printerId, error });
        return false;
      }
    }),
  );
  return told.every((isTold) => isTold);
}
