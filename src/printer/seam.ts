/**
 * The one way into a printer: load, `step`, save state and outbox rows in one transaction, then carry out. It decides nothing,
 * and its fields hold no truth: eviction may come between any two events.
 */
import type { Effect, Printer } from "../domain/change.ts";
import { recordOf } from "../domain/command.ts";
import { notFound } from "../domain/failure.ts";
import { type Input, nextAlarm, type Reply, step, viewOf } from "../domain/printer.ts";
import { err, ok, type Result } from "../domain/result.ts";
import type { PrinterView } from "../domain/view.ts";
import { AlarmClock } from "./alarm-clock.ts";
import { deliver } from "./delivery.ts";
import { findFirstState } from "./first-wake.ts";
import { PrinterMemory } from "./memory.ts";
import { Outbox } from "./outbox.ts";
import { liveImage, projectionsOf } from "./projections.ts";
import { Sockets } from "./sockets.ts";
import { Store } from "./store.ts";

/** A REST write waits so long for D1 to show it. */
const FLUSH_MS = 1_000;

export class Seam {
  readonly store: Store;
  readonly sockets: Sockets;
  readonly #ctx: DurableObjectState;
  readonly #database: D1Database;
  readonly #memory: PrinterMemory;
  readonly #outbox: Outbox;
  readonly #clock: AlarmClock;
  readonly #onChange: () => void;
  #waking: Promise<Result<null>> | null = null;

  /** `onChange` runs after every step. */
  constructor(ctx: DurableObjectState, database: D1Database, onChange: () => void) {
    this.#ctx = ctx;
    this.#database = database;
    this.#onChange = onChange;
    this.store = new Store(ctx.storage.sql);
    this.sockets = new Sockets(ctx);
    this.#memory = new PrinterMemory(this.store, this.sockets);
    this.#outbox = new Outbox(ctx.storage.sql, database);
    this.#clock = new AlarmClock(ctx.storage);
  }

  /** Runs before any event. */
  load(): Promise<void> {
    return this.#clock.load();
  }

  /** Null until the printer was loaded from D1 once. */
  find(): Printer | null {
    return this.#memory.load();
  }

  /** Only called once the printer is here: `ready` or a socket's event came first. */
  printer(): Printer {
    const printer = this.#memory.load();
    if (printer === null) throw new Error("the printer was never loaded");
    return printer;
  }

  view(): PrinterView {
    return viewOf(this.printer(), Date.now());
  }

  /** `accepted`: the socket of an upgrade, taken in if the step allows it. */
  apply(input: Input, accepted?: WebSocket): Reply {
    const now = Date.now();
    const before = this.printer();
    const stepped = step(before, input, now);
    const after = this.#save(before, stepped.printer, stepped.effects, now);
    if (accepted !== undefined && stepped.reply.type === "done" && after.socket !== null) {
      this.sockets.accept(accepted, after.socket.connection);
    }
    this.#memory.attach(before, after);
    for (const effect of stepped.effects) this.#carryOut(effect, after, now);
    this.#onChange();
    if (after.state.revision !== before.state.revision) this.#ctx.waitUntil(this.#drain(false));
    return stepped.reply;
  }

  #save(before: Printer, stepped: Printer, effects: readonly Effect[], now: number): Printer {
    const projections = projectionsOf(effects, stepped, now);
    const revision = before.state.revision + (projections.length === 0 ? 0 : 1);
    const isMoved = revision !== before.state.revision;
    const after = isMoved ? { ...stepped, state: { ...stepped.state, revision } } : stepped;
    try {
      this.#ctx.storage.transactionSync(() => {
        this.#memory.save(before, after, now);
        for (const projection of projections) this.#outbox.put(projection, revision);
        for (const effect of effects) this.#remember(effect);
        this.#clock.arm([nextAlarm(after, now), projections.length === 0 ? null : this.#outbox.nextTry(now)], now);
      });
    } catch (error) {
      this.#memory.forget();
      throw error;
    }
    return after;
  }

  #carryOut(effect: Effect, printer: Printer, now: number): void {
    if (effect.type === "refresh-live") {
      this.#ctx.waitUntil(this.#outbox.refreshLive(printer.state, liveImage(printer, now)));
      return;
    }
    const next = deliver(effect, printer, this.sockets);
    if (next !== null) this.apply(next);
  }

  #remember(effect: Effect): void {
    if (effect.type === "remember-print") this.store.rememberPrint(effect.print);
    if (effect.type === "project-command") this.store.rememberCommand(recordOf(effect.command));
  }

  /** The alarm's run: what is due is done, whatever waits for D1 is tried. */
  async wakeUp(ref: string): Promise<void> {
    this.#clock.fired();
    if (this.find() === null) return;
    await this.#reconcile();
    this.apply({ type: "alarm", ref });
    await this.#drain(true);
  }

  /** After an alarm, however it went. */
  rearm(): void {
    if (this.find() !== null) this.#arm(Date.now());
  }

  /** Waits until D1 shows what was changed, 1 s at most. */
  async flushed(): Promise<void> {
    const flushed = this.#outbox.flushed(this.printer().state.revision);
    let timer: ReturnType<typeof setTimeout> | null = null;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FLUSH_MS);
    });
    await Promise.race([flushed, late]).finally(() => clearTimeout(timer));
  }

  async #drain(byAlarm: boolean): Promise<void> {
    await this.#outbox.drain(this.printer().state, Date.now(), byAlarm);
    this.#arm(Date.now());
  }

  #arm(now: number): void {
    this.#clock.arm([nextAlarm(this.printer(), now), this.#outbox.nextTry(now)], now);
  }

  /** The printer with that uid is loaded, and its state agrees with its sockets. */
  async ready(uid: string): Promise<Result<null>> {
    if (this.#memory.load()?.state.uid !== uid) {
      this.#waking ??= this.#wake(uid).finally(() => {
        this.#waking = null;
      });
      const woken = await this.#waking;
      if (!woken.ok) return woken;
    }
    await this.#reconcile();
    const printer = this.printer();
    return printer.state.uid !== uid || printer.state.deletedAt !== null ? err(notFound("Printer")) : ok(null);
  }

  /** One flight, later callers wait for it; an object that held another printer starts over. */
  async #wake(uid: string): Promise<Result<null>> {
    const found = await findFirstState(this.#database, Number(this.#ctx.id.name), uid);
    if (!found.ok) return found;
    this.#ctx.storage.transactionSync(() => {
      this.#outbox.clear();
      this.#memory.adopt(found.value);
    });
    return ok(null);
  }

  /** A socket that died with the object got no close event: the first input after it notices (design 4). */
  async #reconcile(): Promise<void> {
    const { state, socket } = this.printer();
    if (state.connectedAt === null || state.disconnectedAt !== null) return;
    if (this.sockets.isOpen(state.connectionSequence)) return;
    if (socket !== null) {
      this.apply({ type: "agent-closed", connection: socket.connection });
      return;
    }
    this.apply({ type: "agent-lost" });
    const copy = await this.#outbox.findLive(state.id);
    if (copy?.status != null && copy.statusAt !== null && this.printer().shown === null) {
      this.apply({ type: "status-found", status: copy.status, at: copy.statusAt });
    }
  }
}
