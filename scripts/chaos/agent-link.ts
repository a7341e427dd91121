/** The socket as both agents keep it ([V8] to [V10]): dialled only for a message, with a bounded queue flushed in order. */
import { between, type Random } from "../virtual/random.ts";
import type { Simulation } from "./simulation.ts";
import type { Wire, WireEnd } from "./wire.ts";

/** Dials the object; null when nobody answers. */
export type Dial = (agent: WireEnd) => Wire | null;

/** After a failed handshake, which also costs the message that triggered it. */
const BLOCKED_MS = 120_000;

export class AgentLink {
  readonly #simulation: Simulation;
  readonly #random: Random;
  readonly #dial: Dial;
  readonly #end: { onText(text: string): void; onReconnect(): void };
  readonly #queueLimit: number;
  #queue: string[] = [];
  #wire: Wire | null = null;
  #isDialling = false;
  #lastSent: string | null = null;
  #wasConnected = false;

  constructor(
    world: { simulation: Simulation; random: Random; dial: Dial },
    end: { onText(text: string): void; onReconnect(): void },
    queueLimit: number,
  ) {
    this.#simulation = world.simulation;
    this.#random = world.random;
    this.#dial = world.dial;
    this.#end = end;
    this.#queueLimit = queueLimit;
  }

  say(message: object): void {
    if (this.#queue.length < this.#queueLimit) this.#queue.push(JSON.stringify(message));
    if (this.#wire === null) this.#connect();
    else this.#flush(this.#wire);
  }

  get wire(): Wire | null {
    return this.#wire;
  }

  #flush(wire: Wire): void {
    // A dead connection shows at the next send at the earliest, and that message is lost.
    if (wire.isCut && this.#random() < 0.5) {
      this.#queue.shift();
      this.#lose(wire);
      return;
    }
    for (const text of this.#queue) wire.sendToServer(text);
    this.#lastSent = this.#queue.at(-1) ?? this.#lastSent;
    this.#queue = [];
  }

  #lose(wire: Wire): void {
    if (this.#wire !== wire) return;
    wire.isOpenToAgent = false;
    this.#wire = null;
  }

  #connect(): void {
    if (this.#isDialling) return;
    this.#isDialling = true;
    this.#simulation.after(between(this.#random, 20, 400), () => {
      const wire: Wire | null = this.#dial({
        onText: (text) => this.#end.onText(text),
        onClose: () => {
          if (wire !== null) this.#lose(wire);
        },
      });
      if (wire !== null) return this.#open(wire);
      this.#queue.shift();
      this.#simulation.after(BLOCKED_MS + between(this.#random, 0, 1_000), () => {
        this.#isDialling = false;
        if (this.#queue.length > 0) this.#connect();
      });
    });
  }

  #open(wire: Wire): void {
    this.#isDialling = false;
    this.#wire = wire;
    // Part of what was sent into the dying socket may have arrived: a duplicate.
    if (this.#lastSent !== null && this.#random() < 0.2) this.#queue.unshift(this.#lastSent);
    this.#flush(wire);
    if (this.#wasConnected && this.#wire === wire) this.#end.onReconnect();
    this.#wasConnected = true;
  }
}
