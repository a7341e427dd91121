/**
 * Klipper with macros that take seconds and run one after the other, and moonraker-obico over it: a thread a command, which
 * shows its transient text at once, waits for Moonraker's answer and for a change of what the agent sees, then clears the one
 * transient text there is, whoever's it is, and posts the text that is seen.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { Agent } from "./agent.ts";
import { MOONRAKER, report } from "./frames.ts";

type KlipperState = "standby" | "printing" | "paused" | "cancelled";
type Command = "pause" | "resume" | "cancel";

const BECOMES = { pause: "paused", resume: "printing", cancel: "cancelled" } as const satisfies Record<Command, string>;
const TRANSIENT = { pause: "Pausing", resume: "Resuming", cancel: "Cancelling" } as const;
const TEXTS = { standby: "Operational", printing: "Printing", paused: "Paused", cancelled: "Operational" } as const;

const LOOK_MS = 500;
const THREAD_LOOK_MS = 1000;
const THREAD_MS = 30_000;
const REGULAR_MS = 30_100;
const FAILED_AFTER_MS = 500;

/** `error`: a line on the console, and Moonraker's call fails; `silence`: its macro runs and changes nothing. */
type Refusal = "error" | "silence";

export class Klipper {
  /** What becomes of the next commands; null: they are obeyed. */
  refusal: Refusal | null = null;
  #state: KlipperState = "standby";
  readonly #macroMs: number;
  #queue: Promise<void> = Promise.resolve();
  #onChange: () => void = () => {};

  constructor(macroSeconds: number) {
    this.#macroMs = macroSeconds * 1000;
  }

  get state(): KlipperState {
    return this.#state;
  }

  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  start(): void {
    this.#enter("printing");
  }

  /** A line of the file that takes long: no macro runs meanwhile. */
  wait(seconds: number): void {
    this.#queue = this.#queue.then(() => pause(seconds * 1000));
  }

  /** Resolves when the macro has run: a pause shows at its beginning, what the others do at their end. */
  run(command: Command): Promise<void> {
    const ran = this.#queue.then(async () => {
      if (this.refusal === "error") throw new Error("!! Unknown command");
      if (command === "pause") this.#become(command);
      await pause(this.#macroMs);
      if (command !== "pause") this.#become(command);
    });
    this.#queue = ran.catch(() => {});
    return ran;
  }

  /** What it cannot do now leaves it as it is. */
  #become(command: Command): void {
    if (this.refusal !== null) return;
    const isPossible = { pause: this.#state === "printing", resume: this.#state === "paused", cancel: true }[command];
    if (isPossible) this.#enter(BECOMES[command]);
  }

  #enter(state: KlipperState): void {
    this.#state = state;
    this.#onChange();
  }
}

export class MoonrakerLife {
  readonly klipper: Klipper;
  readonly agent: Agent;
  #seen: KlipperState = "standby";
  #transient: string | null = null;
  #printTs = -1;
  #saidAt = 0;
  #isOver = false;
  readonly #lagMs: number;

  /** The agent looks at Klipper `lagSeconds` after a change: what was undone by then it never sees. */
  constructor(klipper: Klipper, agent: Agent, lagSeconds: number) {
    this.klipper = klipper;
    this.#lagMs = lagSeconds * 1000;
    this.agent = agent;
    agent.onOrder(({ name }) => {
      if (name === "pause" || name === "resume" || name === "cancel") void this.#thread(name);
    });
  }

  /** A print begins; the agent sees it a moment later. */
  start(): void {
    this.agent.say(MOONRAKER);
    this.klipper.onChange(() => void this.#look());
    this.klipper.start();
    void this.#sayRegularly();
  }

  stop(): void {
    this.#isOver = true;
  }

  get text(): string {
    return this.#transient ?? TEXTS[this.#seen];
  }

  async #look(): Promise<void> {
    await pause(this.#lagMs);
    if (this.klipper.state !== this.#seen) await this.#see(this.klipper.state);
  }

  async #sayRegularly(): Promise<void> {
    while (!this.#isOver) {
      await pause(LOOK_MS);
      if (Date.now() - this.#saidAt >= REGULAR_MS) this.#post();
    }
  }

  async #see(state: KlipperState): Promise<void> {
    const before = this.#seen;
    this.#seen = state;
    if (state === "paused") this.#post("PrintPaused");
    else if (state === "printing" && before === "paused") this.#post("PrintResumed");
    else if (state === "printing") {
      this.#printTs = Math.floor(Date.now() / 1000);
      this.#post("PrintStarted");
    } else if (state === "cancelled") {
      this.#post("PrintCancelled");
      await pause(FAILED_AFTER_MS);
      this.#post("PrintFailed");
      this.#printTs = -1;
    }
  }

  async #thread(command: Command): Promise<void> {
    const before = this.#seen;
    this.#transient = TRANSIENT[command];
    this.#post();
    await this.klipper.run(command).then(
      () => this.#untilSeen(before),
      (error: Error) => this.#tell(error.message),
    );
    this.#transient = null;
    this.#post();
  }

  async #untilSeen(before: KlipperState): Promise<void> {
    for (let waited = 0; this.#seen === before && waited < THREAD_MS; waited += THREAD_LOOK_MS) {
      await pause(THREAD_LOOK_MS);
    }
  }

  /** An error on Klipper's console. */
  #tell(line: string): void {
    const event = { event_title: "Moonraker Error", event_text: line, event_type: "PRINTER_ERROR" };
    this.agent.say({ passthru: { printer_event: { ...event, event_class: "ERROR" } } });
  }

  #post(event?: string): void {
    if (this.#isOver) return;
    this.#saidAt = Date.now();
    this.agent.say(report({ ts: this.#printTs, text: this.text, ...(event === undefined ? {} : { event }) }));
  }
}
