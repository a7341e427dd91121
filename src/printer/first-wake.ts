/** Loads a printer into an object that has no state of it. */
import { connect } from "../db/client.ts";
import { findPrinterRow } from "../db/projection.ts";
import type { PrinterState } from "../domain/change.ts";
import { type Failure, notFound } from "../domain/failure.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { log } from "../log.ts";
import { stateOfRow } from "./projections.ts";

const UNAVAILABLE = { code: "unavailable", retryAfterSeconds: 5 } as const satisfies Failure;

/** One round trip to the primary. A D1 error is `unavailable`: it never says that there is no such printer. */
export async function findFirstState(
  database: D1Database,
  printerId: number,
  uid: string,
): Promise<Result<PrinterState>> {
  try {
    const row = await findPrinterRow(connect(database), printerId);
    return row === undefined || row.printers.uid !== uid ? err(notFound("Printer")) : ok(stateOfRow(row));
  } catch (error) {
    log({ event: "wake.failed", printer: String(printerId), error });
    return err(UNAVAILABLE);
  }
}
