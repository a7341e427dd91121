/** A model of an agent that nobody wrote down: transient texts of its own, events from the machine's settled states. */
import { between } from "../virtual/random.ts";
import { type AgentWorld, type Download, ModelAgent } from "./agent.ts";
import type { MachineMoment, MachinePrint, Order } from "./machine.ts";

const TRANSIENT = { pause: "Pausing", resume: "Resuming", cancel: "Cancelling" } as const;
const TEXT = { idle: "Operational", printing: "Printing", paused: "Paused" } as const;
const REGULAR_MS = 30_000;
const QUEUE = 50;
const RASH = 0.2;
export const HOMEMADE_LOOK_MS = 1_000;

export class HomemadeAgent extends ModelAgent {
  readonly #givesReceipts: boolean;
  #transient: string | null = null;
  #orders = 0;
  #settled: keyof typeof TEXT = "idle";
  /** Still reported until the ending events are out, although the machine has no print any more. */
  #reported: MachinePrint | null = null;
  #lastSaidAt = 0;

  constructor(world: AgentWorld, givesReceipts: boolean) {
    super(world, QUEUE);
    this.#givesReceipts = givesReceipts;
    world.machine.watch(() => this.soon(5, HOMEMADE_LOOK_MS, () => this.#look()));
  }

  override startUp(): void {
    this.link.say({});
    this.#saySettings();
    this.soon(1_000, 30_000, () => this.#tick());
  }

  protected override onReconnect(): void {
    this.#saySettings();
    this.#say();
  }

  protected override obey(order: Order, ref: string): void {
    this.#orders += 1;
    const mine = this.#orders;
    this.#transient = TRANSIENT[order];
    this.soon(0, 15, () => this.#say());
    const { machine, random } = this.world;
    if (!machine.isWaiting && random() < RASH) this.soon(50, 2_000, () => this.#showOldText(mine));
    const isTaken = machine.order(order, ref, (end) => {
      const [shortestMs, longestMs] = end === "done" ? [HOMEMADE_LOOK_MS, 2 * HOMEMADE_LOOK_MS] : [5, 200];
      this.soon(shortestMs, longestMs, () => this.#endTransient(mine));
    });
    this.world.witness.onTaken(ref, isTaken);
    if (!isTaken) this.soon(20, 300, () => this.#endTransient(mine));
  }

  protected override answerProbe(ref: string): void {
    if (!this.#givesReceipts) return;
    this.soon(0, 15, () => this.link.say({ passthru: { ref, error: "Request not supported." } }));
  }

  protected override pauseQuietly(ref: string): void {
    this.answerProbe(ref);
  }

  protected override download(file: Download, ref: string): void {
    if (!this.#givesReceipts) return;
    const { machine, random } = this.world;
    const isTaken = machine.phase === "idle";
    this.world.witness.onTaken(ref, isTaken);
    if (!isTaken) {
      this.link.say({ passthru: { ref, error: "Printer busy!" } });
      return;
    }
    this.fetch(
      ref,
      () => this.#beginDownload(file, ref),
      () => {
        this.#transient = null;
        const print = { ts: Math.floor(this.clock / 1_000), file: file.filename, gCodeFileId: file.id };
        if (random() >= 0.9 || !machine.start(print, ref)) this.#say();
      },
    );
  }

  #beginDownload(file: Download, ref: string): void {
    this.#transient = "G-Code Downloading";
    this.link.say({ passthru: { ref, ret: { target_path: file.filename } } });
    this.#say();
  }

  /** The machine is polled: a state that comes and goes between two polls is never seen. */
  #look(): void {
    const { machine } = this.world;
    const before = this.#settled;
    this.#settled = machine.settled;
    if (machine.print !== null) this.#reported = machine.print;
    if (before === machine.settled) return;
    if (machine.settled === "idle") this.#sayEnd(machine.history.at(-1)?.end ?? null);
    else if (before === "idle") this.#say("PrintStarted");
    else {
      this.#say(machine.settled === "paused" ? "PrintPaused" : "PrintResumed");
      this.#endTransientSoon();
    }
  }

  #sayEnd(end: MachineMoment["end"]): void {
    if (end === "complete") this.#say("PrintDone");
    if (end === "error") this.#say("PrintFailed", true);
    if (end === "cancelled") this.#sayCancelled();
    else this.#forgetPrint(null);
  }

  #sayCancelled(): void {
    const print = this.#reported;
    const wasCommanded = this.#transient !== null;
    this.#say("PrintCancelled");
    this.#endTransientSoon();
    this.soon(450, 550, () => {
      this.#say("PrintFailed");
      this.#forgetPrint(print);
      if (wasCommanded) this.#say();
    });
  }

  /** `print` null: any print. */
  #forgetPrint(print: MachinePrint | null): void {
    if (print === null || this.#reported === print) this.#reported = this.world.machine.print;
  }

  /** Some show what was once more, and again, before they see what became of the order. */
  #showOldText(order: number): void {
    this.#endTransient(order);
    this.soon(200, 1_000, () => this.#say());
  }

  #endTransientSoon(): void {
    const mine = this.#orders;
    if (this.#transient !== null) this.soon(50, 1_000, () => this.#endTransient(mine));
  }

  #endTransient(order: number): void {
    if (order !== this.#orders || this.#transient === null) return;
    this.#transient = null;
    this.#say();
  }

  #tick(): void {
    if (this.world.simulation.now - this.#lastSaidAt >= REGULAR_MS) this.#say();
    this.world.simulation.after(between(this.world.random, 900, 1_100), () => this.#tick());
  }

  #say(event?: string, error = false): void {
    this.#lastSaidAt = this.world.simulation.now;
    const text = this.#transient ?? TEXT[this.#settled];
    const report = { ts: this.#reported?.ts ?? -1, text, at: this.clock / 1_000, file: this.#reported, error };
    this.sayStatus(event === undefined ? report : { ...report, event: { event_type: event } });
  }

  #saySettings(): void {
    this.link.say({ settings: { agent: { name: "homemade", version: "0.1" } } });
  }
}
