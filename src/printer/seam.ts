/**
 * The one way into a printer: load, `step`, save state and outbox rows in one transaction, then carry out. It decides nothing,
 * and its fields hold no truth: eviction may come between any two events.
 */
import { orAfter } from "../db/outage.ts";
import type { Effect, Printer, PrinterState } from "../domain/change.ts";
import { recordOf } from "../domain/command.ts";
import { notFound, UNAVAILABLE } from "../domain/failure.ts";
import { type Input, nextAlarm, type Reply, step } from "../domain/printer.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { type PrinterView, viewOf } from "../domain/view.ts";
import { AGENT_CLOSES } from "../protocol/close.ts";
import { AlarmClock } from "./alarm-clock.ts";
import { deliver } from "./delivery.ts";
import { FirstWake } from "./first-wake.ts";
import { PrinterMemory } from "./memory.ts";
import { Outbox } from "./outbox.ts";
import { Principals } from "./principals.ts";
import { liveImage, projectionsOf } from "./projections.ts";
import type { Principal, Vouched } from "./rpc.ts";
import { Sockets } from "./sockets.ts";
import { Store } from "./store.ts";
import { clearTables, migrateTables } from "./tables.ts";

/** A REST write waits so long for D1 to show it. */
const FLUSH_MS = 1_000;
/** A failed alarm's next try. */
const ALARM_PAUSE_MS = 30_000;
/** So often the printer's own row goes to D1 with whatever else does: a first wake's gap covers what came after it. */
const CARRY_EVERY = 200;

export class Seam {
  readonly store: Store;
  readonly sockets: Sockets;
  readonly #ctx: DurableObjectState;
  readonly #firstWake: FirstWake;
  readonly #principals: Principals;
  readonly #memory: PrinterMemory;
  readonly #outbox: Outbox;
  readonly #clock: AlarmClock;
  readonly #onChange: () => void;

  /** `onChange` runs after every step. */
  constructor(ctx: DurableObjectState, database: D1Database, onChange: () => void) {
    this.#ctx = ctx;
    this.#firstWake = new FirstWake(database, Number(ctx.id.name));
    this.#onChange = onChange;
    this.store = new Store(ctx.storage.sql);
    this.sockets = new Sockets(ctx);
    this.#principals = new Principals(ctx.storage.sql);
    this.#memory = new PrinterMemory(this.store, this.sockets);
    this.#outbox = new Outbox(ctx.storage.sql, database);
    this.#clock = new AlarmClock(ctx.storage);
    if (this.store.isCreated()) ctx.storage.transactionSync(() => migrateTables(ctx.storage.sql));
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
    const told = projectionsOf(effects, stepped, now);
    const revision = before.state.revision + (told.length === 0 ? 0 : 1);
    const isMoved = revision !== before.state.revision;
    const after = isMoved ? { ...stepped, state: { ...stepped.state, revision } } : stepped;
    const isCarried = isMoved && revision % CARRY_EVERY === 0;
    const projections = isCarried ? [...told, ...projectionsOf([{ type: "project-printer" }], stepped, now)] : told;
    try {
      this.#ctx.storage.transactionSync(() => {
        this.#memory.save(before, after, now);
        for (const projection of projections) this.#outbox.put(projection, revision);
        for (const effect of effects) this.#remember(effect);
        this.#clock.arm([nextAlarm(after, now), this.#outbox.nextTry(now)], now);
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

  /** After an alarm that failed, whatever of: not at once, or it would fail again without end. */
  rearm(): void {
    const now = Date.now();
    this.#clock.arm([now + ALARM_PAUSE_MS], now);
  }

  /** Waits until D1 shows what was changed, 1 s at most. */
  async flushed(): Promise<void> {
    const flushed = this.#outbox.flushed(this.printer().state.revision);
    await orAfter(FLUSH_MS, flushed, () => {});
  }

  async #drain(byAlarm: boolean): Promise<void> {
    await this.#outbox.drain(() => this.printer().state, byAlarm);
    this.#arm(Date.now());
  }

  #arm(now: number): void {
    this.#clock.arm([nextAlarm(this.printer(), now), this.#outbox.nextTry(now)], now);
  }

  /** The printer with that uid is loaded, and its state agrees with its sockets. */
  async ready(uid: string): Promise<Result<null>> {
    const loaded = await this.#loaded(uid);
    if (!loaded.ok) return loaded;
    await this.#reconcile();
    const { state } = this.printer();
    return state.uid !== uid || state.deletedAt !== null ? err(notFound("Printer")) : ok(null);
  }

  async #loaded(uid: string): Promise<Result<null>> {
    if (this.find()?.state.uid === uid) return ok(null);
    if (this.store.isBuried(uid)) return err(notFound("Printer"));
    const found = await this.#firstWake.find();
    if (!found.ok) return found;
    if (found.value?.uid !== uid) return err(notFound("Printer"));
    if (this.find()?.state.uid !== uid) this.#adopt(found.value);
    return ok(null);
  }

  /** What was here belonged to another printer, which had this id before D1 was restored, or to none. */
  #adopt(state: PrinterState): void {
    const earlier = this.find()?.state ?? null;
    this.#ctx.storage.transactionSync(() => {
      migrateTables(this.#ctx.storage.sql);
      if (earlier !== null && earlier.deletedAt !== null) this.store.bury(earlier.uid);
      clearTables(this.#ctx.storage.sql);
      // Its sockets may stay in the list while they close: no new one takes their number.
      this.#memory.adopt({ ...state, connectionSequence: earlier?.connectionSequence ?? 0 });
    });
    if (earlier !== null) this.sockets.closeUpTo(earlier.connectionSequence, AGENT_CLOSES.removed);
  }

  /** D1 shows a printer that was deleted here as if it were not, which only its restoring does: it is told once more. */
  retell(uid: string): void {
    const printer = this.find();
    if (printer?.state.uid !== uid || printer.state.deletedAt === null || !this.#outbox.isEmpty()) return;
    this.#save(printer, printer, [{ type: "project-printer" }], Date.now());
    this.#ctx.waitUntil(this.#drain(false));
  }

  /** D1 let `principal` pass to this printer. */
  note(principal: Principal): void {
    if (principal.userId === this.printer().state.userId) this.#principals.note(principal, Date.now());
  }

  /** Who passed before with that token, while D1 cannot be asked; never loads anything. */
  vouch(hash: string): Result<Vouched> {
    const state = this.find()?.state;
    const principal = state === undefined ? null : this.#principals.find(hash, Date.now());
    if (state === undefined || principal === null) return err(UNAVAILABLE);
    return ok({ principal, uid: state.uid, archivedAt: state.archivedAt });
  }

  forget(hash: string): void {
    if (this.find() !== null) this.#principals.forget(hash, Date.now());
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
    if (copy === null || !this.#isWithoutStatus(state.uid)) return;
    const { status: json, statusAt: at, isPrinting, lastSeenAt } = copy;
    const status = json === null || at === null ? null : { json, at, isPrinting };
    this.apply({ type: "agent-remembered", status, lastSeenAt });
  }

  /** Nothing was heard while D1 was asked. */
  #isWithoutStatus(uid: string): boolean {
    const { state, socket, shown } = this.printer();
    return state.uid === uid && shown === null && socket?.hasStatus !== true;
  }
}
