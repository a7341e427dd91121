/**
 * The socket as both agents keep it ([V8] to [V11]): dialled lazily, for a message that waits; a bounded queue that drops
 * the newest; a growing backoff of two minutes and more after a refused handshake; almost mute after a close with 4321.
 */
import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";
import type { AgentSocket, Transport } from "./transport.ts";

/** The agents look that often whether their socket has opened. */
const OPENING_MS = 100;
const REFUSAL_MS = 120_000;
const BACKOFF_CEILING_S = 300;
const TOKEN_TAKEN = 4321;

export interface LinkOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly token: string;
  readonly queueLimit: number;
  onText(text: string): void;
  /** Called before what waits is sent; what it posts goes after that. */
  onOpen(): void;
}

export class Link {
  readonly #options: LinkOptions;
  #queue: string[] = [];
  #socket: AgentSocket | null = null;
  /** A dial is under way, or the wait after one that failed. */
  #busy = false;
  #failures = 0;
  /** After 4321: one more message goes out, then none. */
  #words: "all" | "one" | "none" = "all";
  #stopped = false;
  #sent = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#socket !== null;
  }

  /** Frames handed to a socket so far. */
  get sentFrames(): number {
    return this.#sent;
  }

  /** Nothing is dialled from now on; what is posted waits. */
  hold(): void {
    this.#busy = true;
  }

  release(): void {
    this.#busy = false;
    this.#pump();
  }

  /** Queues a frame; a full queue drops it. */
  post(frame: object): void {
    if (this.#queue.length < this.#options.queueLimit) this.#queue.push(JSON.stringify(frame));
    this.#pump();
  }

  stop(): void {
    this.#stopped = true;
    this.#socket?.close();
    this.#socket = null;
  }

  #pump(): void {
    while (!this.#stopped && !this.#busy && this.#words !== "none" && this.#queue.length > 0) {
      if (this.#socket === null) return void this.#connect();
      this.#send(this.#queue.shift() ?? "");
    }
  }

  #send(text: string): void {
    try {
      this.#socket?.send(text);
      this.#sent += 1;
      this.#failures = 0;
      if (this.#words === "one") this.#words = "none";
    } catch {
      this.#socket = null;
      this.#backOff(0);
    }
  }

  async #connect(): Promise<void> {
    this.#busy = true;
    const trigger = this.#queue.shift() ?? "";
    const began = this.#options.clock.elapsed();
    const socket = await this.#dial();
    if (this.#stopped) socket?.close();
    else if (socket === null) this.#backOff(REFUSAL_MS - (this.#options.clock.elapsed() - began));
    else this.#options.clock.after(OPENING_MS, () => this.#onOpen(trigger));
  }

  #onOpen(trigger: string): void {
    this.#busy = false;
    this.#send(trigger);
    this.#options.onOpen();
    this.#pump();
  }

  async #dial(): Promise<AgentSocket | null> {
    const { transport, token, onText } = this.#options;
    const state = { closed: false, socket: null as AgentSocket | null };
    const socket = await transport.dial(
      { authorization: `bearer ${token}` },
      {
        onText: (text) => onText(text),
        onClose: (code) => {
          state.closed = true;
          this.#onClose(state.socket, code);
        },
      },
    );
    state.socket = socket;
    this.#socket = socket;
    if (state.closed) this.#socket = null;
    return socket;
  }

  #onClose(socket: AgentSocket | null, code: number): void {
    if (code === TOKEN_TAKEN && this.#words === "all") this.#words = "one";
    if (this.#socket === socket) this.#socket = null;
  }

  /** The queue goes on filling meanwhile; the next waiting message triggers the next try. */
  #backOff(blockedMs: number): void {
    this.#busy = true;
    this.#failures += 1;
    const seconds = Math.min(2 ** (this.#failures - 3), BACKOFF_CEILING_S) * (0.5 + this.#options.random());
    this.#options.clock.after(Math.max(0, blockedMs) + seconds * 1000, () => {
      this.#busy = false;
      this.#pump();
    });
  }
}
