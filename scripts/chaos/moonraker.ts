/**
 * A model of moonraker-obico: a thread for each command, all of which share one transient text, and a view of Klipper that lags.
 * Whichever thread ends clears that text and posts one more status, whatever the other threads wait for.
 */
import { between } from "../virtual/random.ts";
import { type AgentWorld, type Download, ModelAgent } from "./agent.ts";
import type { Cause, MachineMoment, MachinePrint, Order } from "./machine.ts";

const TRANSIENT = { pause: "Pausing", resume: "Resuming", cancel: "Cancelling" } as const;
const TEXT = { idle: "Operational", printing: "Printing", paused: "Paused" } as const;
const DOWNLOADING = "G-Code Downloading";
const DOWNLOAD_SHOWN_MS = 10 * 60_000;
const REGULAR_MS = 30_100;
const QUEUE = 50;
/** A change of Klipper's state is noticed this late at most, in worlds of a slow board. */
export const LONGEST_LOOK_MS = 3_000;
const USUAL_LOOK_MS = 1_000;
/** A thread looks at the view so often, for so long at most once its call returned, and waits no longer for that. */
const GLANCE_MS = 1_000;
const GLANCES = 30;
const CALL_MS = 300_000;

const SETTINGS = { agent: { name: "moonraker_obico", version: "2.1.4" } } as const;

type View = keyof typeof TEXT;

/** One command's thread. */
interface Thread {
  /** The view when it began: any other one means that something came of the command. */
  readonly began: View;
  isOver: boolean;
}

export class MoonrakerAgent extends ModelAgent {
  readonly #lookMs: number;
  #transient: string | null = null;
  #view: View = "idle";
  /** Still reported until the ending events are out, although the machine has no print any more. */
  #reported: MachinePrint | null = null;
  #lastSaidAt = 0;

  constructor(world: AgentWorld) {
    super(world, QUEUE);
    this.#lookMs = world.random() < 0.15 ? LONGEST_LOOK_MS : USUAL_LOOK_MS;
    world.machine.watch(() => this.soon(5, this.#lookMs, () => this.#look()));
    // Klipper tells everybody what it refused, somebody at the machine included.
    world.machine.watchRefusals((cause) => this.#overhear(cause));
  }

  override startUp(): void {
    this.link.say({});
    this.link.say({ settings: SETTINGS });
    this.soon(1_000, 30_000, () => this.#tick());
  }

  protected override onReconnect(): void {
    this.sayStatus({ ...this.#report(false), settings: SETTINGS });
  }

  protected override obey(order: Order, ref: string): void {
    const thread: Thread = { began: this.#view, isOver: false };
    const { machine, simulation, witness } = this.world;
    this.#transient = TRANSIENT[order];
    this.soon(0, 15, () => this.#say());
    simulation.after(CALL_MS, () => this.#end(thread));
    witness.onTaken(ref, machine.phase !== "idle");
    machine.order(order, ref, (end) => {
      if (end === "refused") this.soon(70, 300, () => this.#end(thread));
      else this.soon(5, 200, () => this.#glance(thread, GLANCES));
    });
  }

  protected override answerProbe(ref: string): void {
    this.soon(0, 15, () => this.link.say({ passthru: { ref, error: "Request not supported." } }));
  }

  protected override pauseQuietly(ref: string): void {
    this.answerProbe(ref);
  }

  protected override download(file: Download, ref: string): void {
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
    this.#transient = DOWNLOADING;
    this.link.say({ passthru: { ref, ret: { target_path: file.filename } } });
    this.#say();
    this.world.simulation.after(DOWNLOAD_SHOWN_MS, () => {
      if (this.#transient === DOWNLOADING) this.#transient = null;
    });
  }

  #overhear(cause: Cause): void {
    this.world.witness.onRefusal(cause);
    const event = {
      event_title: "Moonraker Error",
      event_text: "!! Must home axis first",
      event_type: "PRINTER_ERROR",
    };
    this.soon(5, 60, () => this.link.say({ passthru: { printer_event: { ...event, event_class: "ERROR" } } }));
  }

  #glance(thread: Thread, left: number): void {
    if (thread.isOver) return;
    if (this.#view !== thread.began || left === 0) this.#end(thread);
    else this.world.simulation.after(GLANCE_MS, () => this.#glance(thread, left - 1));
  }

  #end(thread: Thread): void {
    if (thread.isOver) return;
    thread.isOver = true;
    this.#transient = null;
    this.#say();
  }

  /** Klipper is polled: a state that comes and goes between two polls is never seen. */
  #look(): void {
    const { machine } = this.world;
    const before = this.#view;
    this.#view = machine.settled;
    if (machine.print !== null) this.#reported = machine.print;
    if (before === machine.settled) return;
    if (machine.settled === "idle") this.#sayEnd(machine.history.at(-1)?.end ?? null);
    else if (before === "idle") this.#say("PrintStarted");
    else this.#say(machine.settled === "paused" ? "PrintPaused" : "PrintResumed");
  }

  #sayEnd(end: MachineMoment["end"]): void {
    if (end === "complete") this.#say("PrintDone");
    if (end === "error") this.#say("PrintFailed", true);
    if (end === "cancelled") this.#sayCancelled();
    else this.#forgetPrint(null);
  }

  #sayCancelled(): void {
    const print = this.#reported;
    this.#say("PrintCancelled");
    this.soon(450, 550, () => {
      this.#say("PrintFailed");
      this.#forgetPrint(print);
    });
  }

  /** `print` null: any print. */
  #forgetPrint(print: MachinePrint | null): void {
    if (print === null || this.#reported === print) this.#reported = this.world.machine.print;
  }

  #tick(): void {
    if (this.world.simulation.now - this.#lastSaidAt >= REGULAR_MS) this.#say();
    this.world.simulation.after(between(this.world.random, 900, 1_100), () => this.#tick());
  }

  #say(event?: string, error = false): void {
    const report = this.#report(error);
    this.sayStatus(event === undefined ? report : { ...report, event: { event_type: event } });
  }

  #report(error: boolean) {
    this.#lastSaidAt = this.world.simulation.now;
    const text = this.#transient ?? TEXT[this.#view];
    return { ts: this.#reported?.ts ?? -1, text, at: this.clock / 1_000, file: this.#reported, error };
  }
}
