/** Which printer lives in this object: loads it, replaces it by another one, and makes its state agree with its sockets. */
import type { PrinterState } from "../domain/change.ts";
import { notFound } from "../domain/failure.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { AGENT_CLOSES } from "../protocol/close.ts";
import { FirstWake, type WokenPrinter } from "./first-wake.ts";
import type { Stepper } from "./stepper.ts";
import { clearTables, migrateTables } from "./tables.ts";

export class Residency {
  readonly #storage: DurableObjectStorage;
  readonly #stepper: Stepper;
  readonly #firstWake: FirstWake;

  constructor(ctx: DurableObjectState, database: D1Database, stepper: Stepper) {
    this.#storage = ctx.storage;
    this.#stepper = stepper;
    this.#firstWake = new FirstWake(database, Number(ctx.id.name));
  }

  /** Runs before any event. */
  load(): Promise<void> {
    if (this.#stepper.store.isCreated()) this.#storage.transactionSync(() => migrateTables(this.#storage.sql));
    return this.#stepper.load();
  }

  /** The printer with that uid is here, and its state agrees with its sockets. `not_found`, or `unavailable`. */
  async ready(uid: string): Promise<Result<null>> {
    const loaded = await this.#loaded(uid);
    if (!loaded.ok) return loaded;
    await this.#reconcile();
    const { state } = this.#stepper.printer();
    return state.uid !== uid || state.deletedAt !== null ? err(notFound("Printer")) : ok(null);
  }

  async #loaded(uid: string): Promise<Result<null>> {
    if (this.#isHere(uid)) return ok(null);
    if (this.#stepper.store.isBuried(uid)) return err(notFound("Printer"));
    const found = await this.#firstWake.find();
    if (!found.ok) return found;
    if (found.value?.state.uid !== uid) return err(notFound("Printer"));
    // Another caller may have loaded it meanwhile.
    if (!this.#isHere(uid)) this.#adopt(found.value);
    return ok(null);
  }

  #isHere(uid: string): boolean {
    return this.#stepper.find()?.state.uid === uid;
  }

  /** A printer that is here already had this id before D1 was restored: its rows go; if it was deleted, a tombstone stays. */
  #adopt({ state, settings }: WokenPrinter): void {
    const earlier = this.#stepper.find()?.state ?? null;
    this.#storage.transactionSync(() => {
      migrateTables(this.#storage.sql);
      if (earlier !== null && earlier.deletedAt !== null) this.#stepper.store.bury(earlier.uid);
      clearTables(this.#storage.sql);
      // The earlier printer's sockets are listed until they are closed, so new ones are numbered after them.
      this.#stepper.adopt({ ...state, connectionSequence: earlier?.connectionSequence ?? 0 }, settings);
    });
    if (earlier !== null)
      this.#stepper.sockets.closeUpTo("agent", earlier.connectionSequence, AGENT_CLOSES["dead-token"]);
  }

  /** For a printer that a caller found in D1. If it was deleted here, D1 was restored from a backup: repeats the deletion. */
  repeatDeletion(uid: string): void {
    const state = this.#stepper.find()?.state;
    if (state?.uid !== uid || state.deletedAt === null || !this.#stepper.outbox.isEmpty()) return;
    this.#stepper.reproject();
  }

  /** The alarm's run: does what is due, and writes what waits for D1. `ref`: for a probe, should one be due. */
  async wakeUp(ref: string): Promise<void> {
    this.#stepper.alarmFired();
    if (this.#stepper.find() === null) return;
    await this.#reconcile();
    this.#stepper.apply({ type: "alarm", ref });
    await this.#stepper.drain(true);
  }

  /** A socket that died with the object got no close event: the first input after it notices. */
  async #reconcile(): Promise<void> {
    const { state, socket } = this.#stepper.printer();
    if (state.connectedAt === null || state.disconnectedAt !== null) return;
    if (this.#stepper.sockets.isOpen("agent", state.connectionSequence)) return;
    if (socket !== null) {
      this.#stepper.apply({ type: "agent-closed", connection: socket.connection });
      return;
    }
    this.#stepper.apply({ type: "agent-lost" });
    await this.#recallStatus(state);
  }

  /** The status went with the socket's attachment: D1 has a copy. */
  async #recallStatus({ id, uid }: PrinterState): Promise<void> {
    const copy = await this.#stepper.outbox.findLive(id);
    if (copy === null || !this.#isWithoutStatus(uid)) return;
    const { status: json, statusAt: at, isPrinting, lastSeenAt } = copy;
    const status = json === null || at === null ? null : { json, at, isPrinting };
    this.#stepper.apply({ type: "agent-remembered", status, lastSeenAt });
  }

  /** Nothing was heard while D1 was asked. */
  #isWithoutStatus(uid: string): boolean {
    const { state, socket, shown } = this.#stepper.printer();
    return state.uid === uid && shown === null && socket?.hasStatus !== true;
  }
}
