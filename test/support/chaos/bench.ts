/** A printer with its agent on the bench, over real sockets: it reads, answers and does things only when it is told to. */

import { hold } from "../../../scripts/chaos/promises.ts";
import { frame, MOONRAKER } from "../frames.ts";
import { dial, type TestPrinter } from "../printer.ts";

export type BenchPhase = "idle" | "printing" | "paused";
export type Order = "pause" | "resume" | "cancel";

/** A frame with a command, as it arrived. */
export interface Arrived {
  readonly cmd: Order;
  readonly ref: string;
  /** A probe arrived before it, and nothing was said in between. */
  readonly isProbed: boolean;
  readonly at: number;
  isRead: boolean;
  isObeyed: boolean;
}

interface ToAgent {
  readonly commands?: readonly { readonly cmd: Order }[];
  readonly passthru?: { readonly ref: string };
  readonly error?: unknown;
}

/** One socket, seen from the agent. */
class BenchSocket {
  readonly #socket: WebSocket;
  readonly #inbox: ToAgent[] = [];
  #wake = () => {};
  #opening: string | null = null;
  isClosed = false;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      const said: ToAgent = JSON.parse(String(data));
      if (!this.#isOfOpening(said)) this.#inbox.push(said);
      this.#wake();
    });
    socket.addEventListener("close", () => {
      this.isClosed = true;
      this.#wake();
    });
    socket.accept();
  }

  /** The probes of a socket's beginning ([P40]) are nobody's before motion; this agent leaves them unanswered. */
  #isOfOpening({ passthru }: ToAgent): boolean {
    if (passthru === undefined) return false;
    if (this.#opening === null && passthru.ref.startsWith("p:")) this.#opening = passthru.ref;
    return this.#opening !== null && passthru.ref.startsWith(this.#opening);
  }

  send(said: unknown): void {
    if (!this.isClosed) this.#socket.send(typeof said === "string" ? said : JSON.stringify(said));
  }

  close(): void {
    this.isClosed = true;
    this.#socket.close(1000);
  }

  /** Everything that was handed over so far: the answer to an unreadable frame comes after it. */
  async drain(): Promise<ToAgent[]> {
    this.send("drained?");
    while (!this.isClosed && !this.#inbox.some((said) => said.error !== undefined)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#inbox.splice(0);
  }
}

export class Bench {
  readonly arrived: Arrived[] = [];
  readonly printer: TestPrinter;
  /** What the agent reported last; null: no print. */
  reported: number | null = null;
  phase: BenchPhase = "idle";
  readonly #left: { readonly phase: BenchPhase; readonly at: number }[] = [];
  #socket: BenchSocket | null = null;
  #print: number;
  #wasReported = false;
  /** When the agent last said anything on this socket, or opened it. */
  heardAt = 0;

  constructor(printer: TestPrinter, firstPrint: number) {
    this.printer = printer;
    this.#print = firstPrint;
  }

  get isConnected(): boolean {
    return this.#socket !== null && !this.#socket.isClosed;
  }

  get hasUnread(): boolean {
    return this.arrived.some(({ isRead }) => !isRead);
  }

  /** A command that arrives as soon as the socket is open was released by the reconnect, which [C24] forbids. */
  async connect(): Promise<void> {
    await this.collect();
    const { webSocket } = await dial(this.printer);
    if (webSocket === null) throw new Error("the upgrade was refused");
    this.#socket = new BenchSocket(webSocket);
    this.heardAt = Date.now();
    const before = this.arrived.length;
    await this.collect();
    hold(this.arrived.length === before, "reconnect", "a new socket was greeted with a command");
    this.say(MOONRAKER);
    this.report();
  }

  close(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  say(said: unknown): void {
    this.heardAt = Date.now();
    this.#socket?.send(said);
  }

  report(event?: string, text?: string): void {
    const shown = { idle: "Operational", printing: "Printing", paused: "Paused" }[this.phase];
    const ts = this.phase === "idle" && event === undefined ? -1 : this.#print;
    if (this.isConnected) this.reported = ts === -1 || event === "PrintDone" ? null : ts;
    this.say(frame({ ts, text: text ?? shown, ...(event === undefined ? {} : { event }) }));
  }

  /** The machine was in that phase at some time after `since`. */
  wasIn(phase: BenchPhase, since: number): boolean {
    return this.phase === phase || this.#left.some((left) => left.phase === phase && left.at >= since);
  }

  begin(): void {
    this.#print += 60;
    this.#enter("printing");
    this.report("PrintStarted");
  }

  finish(): void {
    this.#enter("idle");
    this.report("PrintDone");
    this.report();
  }

  /** Takes in what arrived, without reading it. */
  async collect(): Promise<void> {
    if (this.#socket === null) return;
    // What arrives now was handed over since the last collection.
    const wasReported = this.reported !== null || this.#wasReported;
    let isProbed = false;
    const inbox = await this.#socket.drain();
    for (const { commands = [], passthru } of inbox) {
      if (passthru?.ref.startsWith("p:")) isProbed = true;
      for (const { cmd } of commands) {
        const ref = passthru?.ref ?? "none";
        const isNew = this.arrived.every((other) => other.ref !== ref);
        hold(isNew, "one-frame", `the frame of ${cmd} arrived twice`);
        hold(wasReported, "current-print", `${cmd} arrived, and no print is reported`);
        const isFresh = isProbed || Date.now() - this.heardAt <= 5_000;
        hold(cmd !== "resume" || isFresh, "heard-lately", "resume was handed to a silent agent without a probe");
        this.arrived.push({ cmd, ref, isProbed, at: Date.now(), isRead: false, isObeyed: false });
      }
    }
    this.heardAt = Date.now();
    this.#wasReported = this.reported !== null;
  }

  /** Reads the oldest unread frame: answers it, and does it if `willing`. */
  read(willing: boolean): void {
    const next = this.arrived.find(({ isRead }) => !isRead);
    if (next === undefined || !this.isConnected) return;
    next.isRead = true;
    next.isObeyed = willing && this.#obey(next.cmd);
    this.say({ passthru: { ref: next.ref, error: "Request not supported" } });
    if (!next.isObeyed) return;
    this.report(undefined, { pause: "Pausing", resume: "Resuming", cancel: "Cancelling" }[next.cmd]);
    if (next.cmd === "cancel") this.#enter("idle");
    this.report({ pause: "PrintPaused", resume: "PrintResumed", cancel: "PrintCancelled" }[next.cmd]);
    this.report();
  }

  #obey(cmd: Order): boolean {
    if (this.phase === "idle") return false;
    if (cmd === "pause" && this.phase === "paused") return false;
    if (cmd === "resume" && this.phase === "printing") return false;
    if (cmd !== "cancel") this.#enter(cmd === "pause" ? "paused" : "printing");
    return true;
  }

  #enter(phase: BenchPhase): void {
    this.#left.push({ phase: this.phase, at: Date.now() });
    this.phase = phase;
  }
}
