/** Loads a printer into an object that has no state of it. */
import { connect } from "../db/client.ts";
import { within } from "../db/outage.ts";
import { findFirstWakeRow } from "../db/projection.ts";
import type { PrinterState } from "../domain/change.ts";
import { UNAVAILABLE } from "../domain/failure.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { log } from "../log.ts";
import { stateOfRow } from "./projections.ts";

const WAIT_MS = 10_000;

/** What a printer begins with here. */
export interface WokenPrinter {
  readonly state: PrinterState;
  /** JSON text of the agent's merged settings; null: it never sent any. */
  readonly settings: string | null;
}

export class FirstWake {
  readonly #database: D1Database;
  readonly #printerId: number;
  #pending: Promise<Result<WokenPrinter | null>> | null = null;

  constructor(database: D1Database, printerId: number) {
    this.#database = database;
    this.#printerId = printerId;
  }

  /** The printer that D1 has under this id; null: none. Callers at the same time share one query. */
  find(): Promise<Result<WokenPrinter | null>> {
    this.#pending ??= this.#load().finally(() => {
      this.#pending = null;
    });
    return this.#pending;
  }

  /** One round trip to the primary. A D1 error is `unavailable` and never means that there is no such printer. */
  async #load(): Promise<Result<WokenPrinter | null>> {
    try {
      const row = await within(WAIT_MS, findFirstWakeRow(connect(this.#database), this.#printerId));
      return ok(row === undefined ? null : { state: stateOfRow(row), settings: row.printers.settings });
    } catch (error) {
      log({ event: "wake.failed", printer: String(this.#printerId), error });
      return err(UNAVAILABLE);
    }
  }
}
