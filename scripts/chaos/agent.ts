/** What both model agents have in common: their clock, the frames they write, and when they read what they are sent. */
import { between, type Random } from "../virtual/random.ts";
import { AgentLink, type Dial } from "./agent-link.ts";
import type { Cause, Machine, MachinePrint, Order } from "./machine.ts";
import type { PauseArguments, Spoiled } from "./pause-scripts.ts";
import type { Simulation } from "./simulation.ts";

/** Said by the agents themselves: the ground truth against which the ledger's claims are judged. */
export interface AgentWitness {
  onRead(ref: string): void;
  /** Whether the agent carries the command out. */
  onTaken(ref: string, isTaken: boolean): void;
  /** It was told to fetch a file while it fetches one. */
  onSecondDownload(ref: string): void;
  /** The machine refused what `cause` wanted, and said so. */
  onRefusal(cause: Cause): void;
  /** A print goes on as no print may, because of what the frame `ref` left behind. */
  onSpoiled(how: Spoiled, ref: string): void;
}

export interface AgentWorld {
  readonly simulation: Simulation;
  readonly random: Random;
  readonly machine: Machine;
  readonly dial: Dial;
  readonly witness: AgentWitness;
  /** Milliseconds by which the agent's clock is ahead of the object's. */
  readonly clockAheadMs: number;
}

export interface Download {
  readonly id: number;
  readonly filename: string;
}

interface ToAgent {
  readonly commands?: readonly { readonly cmd: Order; readonly args: PauseArguments }[];
  readonly passthru?: { readonly func: string; readonly ref: string; readonly args?: readonly unknown[] };
}

const REMEMBERED_REFS = 25;

const LONG_SHARE = 0.05;
const LONGEST_DOWNLOAD_MS = 25 * 60_000;

/** Calls that do something; any other one asks for the state. */
const CALLS: Readonly<Record<string, "download" | "pause">> = { download: "download", pause_print: "pause" };

export abstract class ModelAgent {
  protected readonly world: AgentWorld;
  protected readonly link: AgentLink;
  #downloads = 0;
  /** While it is busy, frames wait to be read, in order. */
  #busyUntil = 0;
  readonly #unread: string[] = [];
  readonly #refs: string[] = [];

  constructor(world: AgentWorld, queueLimit: number) {
    this.world = world;
    this.link = new AgentLink(
      world,
      { onText: (text) => this.#receive(text), onReconnect: () => this.onReconnect() },
      queueLimit,
    );
  }

  /** Reads nothing for that many milliseconds: its one thread does something else. */
  keepBusy(ms: number): void {
    this.#busyUntil = Math.max(this.#busyUntil, this.world.simulation.now + ms);
  }

  abstract startUp(): void;
  protected abstract onReconnect(): void;
  protected abstract obey(order: Order, ref: string, args: PauseArguments): void;
  /** A pause that came as a passthru call, past the plugin. */
  protected abstract pauseQuietly(ref: string): void;
  protected abstract answerProbe(ref: string): void;
  protected abstract download(file: Download, ref: string): void;

  /** Both real agents take a second file while they fetch one; whichever comes first is printed. Nothing stops either. */
  protected fetch(ref: string, begin: () => void, print: () => void): void {
    const { random, simulation, witness } = this.world;
    if (this.isDownloading) witness.onSecondDownload(ref);
    this.#downloads += 1;
    begin();
    const ms = random() < LONG_SHARE ? between(random, 60_000, LONGEST_DOWNLOAD_MS) : between(random, 500, 40_000);
    simulation.after(ms, () => {
      this.#downloads -= 1;
      print();
    });
  }

  protected get isDownloading(): boolean {
    return this.#downloads > 0;
  }

  protected get clock(): number {
    return this.world.simulation.now + this.world.clockAheadMs;
  }

  protected soon(shortestMs: number, longestMs: number, run: () => void): void {
    this.world.simulation.after(between(this.world.random, shortestMs, longestMs), run);
  }

  protected sayStatus(report: {
    ts: number;
    text: string;
    at: number;
    file: MachinePrint | null;
    event?: object;
    settings?: object;
    error?: boolean;
  }): void {
    const { ts, text, at, file, event, settings, error = false } = report;
    const flags = {
      operational: true,
      printing: text === "Printing",
      paused: text === "Paused",
      error,
      closedOrError: false,
    };
    this.link.say({
      current_print_ts: ts,
      status: {
        _ts: at,
        state: { text, flags, error: null },
        job: { file: { name: file?.file ?? null, obico_g_code_file_id: file?.gCodeFileId ?? null } },
      },
      ...(event === undefined ? {} : { event }),
      ...(settings === undefined ? {} : { settings }),
    });
  }

  #receive(text: string): void {
    this.#unread.push(text);
    this.#readOn();
  }

  #readOn(): void {
    const { simulation } = this.world;
    if (simulation.now < this.#busyUntil) simulation.at(this.#busyUntil, () => this.#readOn());
    else for (const text of this.#unread.splice(0)) this.#read(JSON.parse(text) as ToAgent); // safe: only the object writes these
  }

  #read({ commands = [], passthru }: ToAgent): void {
    if (passthru !== undefined && this.#refs.includes(passthru.ref)) return;
    const ref = passthru?.ref ?? "none";
    const call = passthru === undefined ? undefined : CALLS[passthru.func];
    if (commands.length > 0 || call !== undefined) this.world.witness.onRead(ref);
    for (const { cmd, args } of commands) this.obey(cmd, ref, args);
    if (passthru === undefined) return;
    this.#refs.push(ref);
    if (this.#refs.length > REMEMBERED_REFS) this.#refs.shift();
    if (call === "pause") this.pauseQuietly(ref);
    else if (call === "download")
      this.download(passthru.args?.[0] as Download, ref); // safe: only the object writes these
    else this.answerProbe(ref);
  }
}
