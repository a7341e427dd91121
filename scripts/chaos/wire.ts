/** One WebSocket between an agent and the object: in order each way, late, stalled, or cut without a word. */
import { between, type Random } from "../virtual/random.ts";
import type { Simulation } from "./simulation.ts";

export interface WireEnd {
  onText(text: string): void;
  onClose(): void;
}

/** What one side sends to the other. */
class Lane {
  readonly #simulation: Simulation;
  readonly #delayMs: () => number;
  readonly #deliver: (text: string) => void;
  #lastArrival = 0;

  constructor(simulation: Simulation, delayMs: () => number, deliver: (text: string) => void) {
    this.#simulation = simulation;
    this.#delayMs = delayMs;
    this.#deliver = deliver;
  }

  send(text: string): void {
    const arrival = Math.max(this.#simulation.now + this.#delayMs(), this.#lastArrival);
    this.#lastArrival = arrival;
    this.#simulation.at(arrival, () => this.#deliver(text));
  }

  stall(ms: number): void {
    this.#lastArrival = Math.max(this.#lastArrival, this.#simulation.now + ms);
  }
}

export class Wire {
  /** Counts the printer's sockets, as the object numbers them; 0 before it accepted. */
  connection = 0;
  /** What each side believes. */
  isOpenToServer = true;
  isOpenToAgent = true;
  /** The socket still looks open, but the runtime refuses the next frame. */
  isRefusing = false;
  readonly #simulation: Simulation;
  readonly #random: Random;
  readonly #toServer: Lane;
  readonly #toAgent: Lane;
  readonly #agent: WireEnd;
  readonly #server: (wire: Wire) => WireEnd;
  #isCut = false;

  constructor(simulation: Simulation, random: Random, agent: WireEnd, server: (wire: Wire) => WireEnd) {
    this.#simulation = simulation;
    this.#random = random;
    this.#agent = agent;
    this.#server = server;
    const delayMs = () => between(random, 1, random() < 0.05 ? 1_500 : 60);
    this.#toServer = new Lane(simulation, delayMs, (text) => this.#arriveAtServer(text));
    this.#toAgent = new Lane(simulation, delayMs, (text) => this.#arriveAtAgent(text));
  }

  /** False when the runtime refuses the frame; one into a dead socket is accepted and lost. */
  sendToAgent(text: string): boolean {
    if (!this.isOpenToServer || this.isRefusing) return false;
    this.#toAgent.send(text);
    return true;
  }

  sendToServer(text: string): void {
    if (!this.#isCut) this.#toServer.send(text);
  }

  /** Delays everything under way in that direction, and what is sent meanwhile, by `ms`. */
  stall(way: "to-agent" | "to-server", ms: number): void {
    (way === "to-agent" ? this.#toAgent : this.#toServer).stall(ms);
  }

  /** The network is gone: frames under way are lost; each side notices after that many milliseconds, or never (null). */
  cut(serverLearnsMs: number | null, agentLearnsMs: number | null): void {
    this.#isCut = true;
    if (serverLearnsMs !== null) this.#simulation.after(serverLearnsMs, () => this.#tellServer());
    if (agentLearnsMs !== null) this.#simulation.after(agentLearnsMs, () => this.#tellAgent());
  }

  /** The object closed it: the agent reads what was sent before, then the close. */
  closeByServer(): void {
    if (!this.isOpenToServer) return;
    this.isOpenToServer = false;
    this.#simulation.after(between(this.#random, 1, 200), () => {
      this.#isCut = true;
      this.#tellAgent();
    });
  }

  /** The object died: its end gets no close event. */
  forget(): void {
    this.isOpenToServer = false;
    this.cut(null, this.#random() < 0.7 ? between(this.#random, 1, 500) : null);
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  #arriveAtServer(text: string): void {
    if (!this.#isCut && this.isOpenToServer) this.#server(this).onText(text);
  }

  #arriveAtAgent(text: string): void {
    if (!this.#isCut && this.isOpenToAgent) this.#agent.onText(text);
  }

  #tellServer(): void {
    if (!this.isOpenToServer) return;
    this.isOpenToServer = false;
    this.#server(this).onClose();
  }

  #tellAgent(): void {
    if (!this.isOpenToAgent) return;
    this.isOpenToAgent = false;
    this.#agent.onClose();
  }
}
