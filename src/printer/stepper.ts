/**
 * Runs steps: loads the printer, asks `step`, saves state and rows in one transaction, then carries the effects out. It decides
 * nothing. Its fields are caches: the object may be evicted between any two events.
 */
import { orAfter } from "../db/outage.ts";
import type { Printer, PrinterState } from "../domain/change.ts";
import { type Input, nextAlarm, type Reply, step } from "../domain/printer.ts";
import { type PrinterView, viewOf } from "../domain/view.ts";
import { AlarmClock } from "./alarm-clock.ts";
import { type EffectPorts, type Work, workOf } from "./effects.ts";
import { PrinterMemory } from "./memory.ts";
import { Outbox } from "./outbox.ts";
import { Sockets } from "./sockets.ts";
import { Store } from "./store.ts";

/** A REST write waits so long for D1 to show it. */
const FLUSH_MS = 1_000;
/** How long a drain waits for more to write. */
const GATHER_MS = 500;
/** After a failed run of the alarm. */
const ALARM_PAUSE_MS = 30_000;
/** Revisions after which the printer's own row is projected too: a recovered object's gap of 1,000 ([O24]) stays ahead. */
const CARRY_EVERY = 200;

/** Runs after each step, once its effects are carried out; `before` and `after` are the printer around it. */
type OnChange = (before: Printer, after: Printer) => void;

export class Stepper {
  readonly store: Store;
  readonly sockets: Sockets;
  readonly outbox: Outbox;
  readonly #ctx: DurableObjectState;
  readonly #memory: PrinterMemory;
  readonly #clock: AlarmClock;
  readonly #ports: EffectPorts;
  readonly #onChange: OnChange;
  #isGathering = false;

  constructor(ctx: DurableObjectState, database: D1Database, onChange: OnChange) {
    this.#ctx = ctx;
    this.#onChange = onChange;
    this.store = new Store(ctx.storage.sql);
    this.sockets = new Sockets(ctx);
    this.outbox = new Outbox(ctx.storage.sql, database);
    this.#memory = new PrinterMemory(this.store, this.sockets);
    this.#clock = new AlarmClock(ctx.storage);
    this.#ports = {
      sockets: this.sockets,
      outbox: this.outbox,
      waitUntil: (work) => ctx.waitUntil(work),
      onCopyLost: () => void (this.find() === null ? null : this.apply({ type: "copy-lost" })),
    };
  }

  /** Runs before any event. */
  load(): Promise<void> {
    return this.#clock.load();
  }

  /** Null until a printer was adopted. */
  find(): Printer | null {
    return this.#memory.load();
  }

  /** Throws while there is none: only called behind `Residency.ready`, or for a socket's event. */
  printer(): Printer {
    const printer = this.#memory.load();
    if (printer === null) throw new Error("the printer was never loaded");
    return printer;
  }

  view(): PrinterView {
    return viewOf(this.printer(), Date.now());
  }

  /** Begins with these, in the caller's transaction: the tables are empty. */
  adopt(state: PrinterState, settings: string | null): void {
    this.store.saveState(state);
    if (settings !== null) this.store.saveDocument("settings", settings);
    this.#forget();
  }

  /** `accepted`: the socket of an upgrade, taken in if the step allows it. */
  apply(input: Input, accepted?: WebSocket): Reply {
    const now = Date.now();
    const before = this.printer();
    const { printer, effects, reply } = step(before, input, now);
    const works = effects.map((effect) => workOf(effect, printer, now));
    const after = this.#save(before, printer, works, now);
    if (accepted !== undefined && reply.type === "done" && after.socket !== null) {
      this.sockets.accept(accepted, "agent", after.socket.connection);
    }
    this.#memory.attach(before, after);
    const next = works.map(({ carryOut }) => carryOut?.(this.#ports) ?? null);
    this.#onChange(before, after);
    for (const follow of next) if (follow !== null) this.apply(follow);
    if (works.some(({ projection }) => projection?.kind === "print")) this.#ctx.waitUntil(this.drain(false));
    else if (works.some(({ projection }) => projection !== undefined)) this.#drainSoon();
    return reply;
  }

  /** Sends the printer's row to D1 once more, though nothing changed. */
  reproject(): void {
    const printer = this.printer();
    const now = Date.now();
    this.#save(printer, printer, [workOf({ type: "project-printer" }, printer, now)], now);
    this.#drainSoon();
  }

  /** The printer as it is stored: with its next revision if D1 is to hear of it. The list's copy has its time instead. */
  #save(before: Printer, stepped: Printer, works: readonly Work[], now: number): Printer {
    const isRevised = works.some(({ projection }) => projection !== undefined && projection.kind !== "live");
    const revision = before.state.revision + (isRevised ? 1 : 0);
    const after = isRevised ? { ...stepped, state: { ...stepped.state, revision } } : stepped;
    const isCarried = isRevised && revision % CARRY_EVERY === 0;
    const carried = isCarried ? [workOf({ type: "project-printer" }, stepped, now)] : [];
    const writes = this.#memory.rowWrites(before, after, now);
    for (const { projection, remember } of [...works, ...carried]) {
      if (projection !== undefined) writes.push(() => this.outbox.put(projection, revision));
      if (remember !== undefined) writes.push(() => remember(this.store));
    }
    this.#write(writes, after, now);
    this.#memory.keep(after);
    return after;
  }

  /** Rows and alarm, all or none of them: what is written without waiting is one transaction unless something throws. */
  #write(writes: readonly (() => void)[], after: Printer, now: number): void {
    const write = () => {
      for (const writeRow of writes) writeRow();
      this.#arm(after, now);
    };
    try {
      if (writes.length > 1) this.#ctx.storage.transactionSync(write);
      else write();
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  /** What is cached of the tables may differ from them. */
  #forget(): void {
    this.#memory.forget();
    this.store.forget();
    this.outbox.forget();
  }

  /** Writes what waits for D1; during a backoff only when the alarm asks for it. */
  async drain(byAlarm: boolean): Promise<void> {
    await this.outbox.drain(() => this.printer().state, byAlarm);
    this.#arm(this.printer(), Date.now());
    this.#drainSoon();
  }

  /** Nobody waits for it: what comes within a moment goes in the same batch. The object stays awake longer than that anyway. */
  #drainSoon(): void {
    if (this.#isGathering || !this.outbox.canDrain()) return;
    this.#isGathering = true;
    const drained = scheduler.wait(GATHER_MS).then(() => {
      this.#isGathering = false;
      return this.outbox.isEmpty() ? undefined : this.drain(false);
    });
    this.#ctx.waitUntil(drained);
  }

  /** Writes what was changed without further delay, and waits until D1 shows it, 1 s at most. */
  async flush(): Promise<void> {
    const { revision } = this.printer().state;
    const flushed = this.outbox.flush(() => this.printer().state, revision);
    await orAfter(FLUSH_MS, flushed, () => {});
  }

  /** The alarm fired: nothing is armed any more. */
  alarmFired(): void {
    this.#clock.fired();
  }

  /** Arms the alarm again after a failed run; later, because at once it might fail without end. */
  rearm(): void {
    const now = Date.now();
    this.#clock.arm([now + ALARM_PAUSE_MS], now);
  }

  #arm(printer: Printer, now: number): void {
    this.#clock.arm([nextAlarm(printer, now), this.outbox.nextTry(now)], now);
  }
}
