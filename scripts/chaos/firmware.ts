/** A machine that OctoPrint, or an agent of its own kind, drives directly: an order is begun at once, or refused. */
import { between } from "../virtual/random.ts";
import { type Cause, ITSELF, Machine, type Order, type OrderEnd, type Phase, TARGET } from "./machine.ts";

const DURING = { pause: "pausing", resume: "resuming", cancel: "cancelling" } as const satisfies Record<Order, Phase>;
const LONGEST_MS = { pause: 6_000, resume: 20_000, cancel: 4_000 } as const;
const SHORTEST_MS = 100;
const MISHAP = 0.03;

export class Firmware extends Machine {
  override order(order: Order, cause: Cause, done: (end: OrderEnd) => void = () => {}): boolean {
    if (!this.#canBegin(order)) return false;
    const { simulation, random } = this.world;
    const before = this.settled;
    this.enter(DURING[order], null, cause);
    const epoch = this.history.length;
    // While it heats up it reads nothing else.
    const from = Math.max(simulation.now, this.waitsUntil);
    simulation.at(from + between(random, SHORTEST_MS, LONGEST_MS[order]), () => {
      if (this.history.length !== epoch) return done("nothing");
      const isDone = random() >= MISHAP;
      if (isDone) this.enter(TARGET[order], order === "cancel" ? "cancelled" : null, cause);
      else this.enter(before, null, ITSELF);
      done(isDone ? "done" : "nothing");
    });
    return true;
  }

  protected override get isBusy(): boolean {
    return false;
  }

  #canBegin(order: Order): boolean {
    if (order === "pause") return this.phase === "printing" || this.phase === "resuming";
    if (order === "resume") return this.phase === "paused";
    return this.phase !== "idle" && this.phase !== "cancelling";
  }
}
