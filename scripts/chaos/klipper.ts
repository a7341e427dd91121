/** Klipper: an order is a macro that takes its time, macros run one after the other, and a long wait holds all of them up. */
import { between } from "../virtual/random.ts";
import { type Cause, Machine, type MachineWorld, type Order, type OrderEnd, TARGET } from "./machine.ts";

interface Macro {
  readonly order: Order;
  readonly cause: Cause;
  readonly done: (end: OrderEnd) => void;
}

const SHORTEST_MS = 100;
const LONGEST_MS = 8_000;
const REFUSED = 0.04;
/** A macro of the owner's that does not do what its name says. */
const MISHAP = 0.02;
const PAUSES_EARLY = 0.7;

export class Klipper extends Machine {
  readonly #waiting: Macro[] = [];
  #isRunning = false;
  readonly #longestMs: number;

  constructor(world: MachineWorld) {
    super(world);
    this.#longestMs = world.random() < 0.2 ? 2 * SHORTEST_MS : LONGEST_MS;
  }

  override order(order: Order, cause: Cause, done: (end: OrderEnd) => void = () => {}): boolean {
    this.#waiting.push({ order, cause, done });
    this.#runNext();
    return true;
  }

  protected override get isBusy(): boolean {
    return this.#isRunning || this.#waiting.length > 0;
  }

  #runNext(): void {
    const { simulation } = this.world;
    if (this.#isRunning || this.#waiting.length === 0) return;
    if (this.isWaiting) {
      simulation.at(this.waitsUntil, () => this.#runNext());
      return;
    }
    const macro = this.#waiting.shift();
    if (macro === undefined) return;
    this.#isRunning = true;
    this.#run(macro, (end) => {
      this.#isRunning = false;
      macro.done(end);
      this.#runNext();
    });
  }

  #run(macro: Macro, done: (end: OrderEnd) => void): void {
    const { simulation, random } = this.world;
    if (random() < REFUSED) this.#refuse(macro.cause, done);
    // What makes no sense is told to the console only.
    else if (this.#canBegin(macro.order)) this.#carryOut(macro, done);
    else simulation.after(between(random, 5, 50), () => done("nothing"));
  }

  #refuse(cause: Cause, done: (end: OrderEnd) => void): void {
    const { simulation, random } = this.world;
    simulation.after(between(random, 20, 300), () => {
      this.tellRefusal(cause);
      done("refused");
    });
  }

  #carryOut({ order, cause }: Macro, done: (end: OrderEnd) => void): void {
    const { simulation, random } = this.world;
    const isEarly = order === "pause" && random() < PAUSES_EARLY;
    const willDo = random() >= MISHAP;
    if (willDo && isEarly) this.#do(order, cause);
    simulation.after(between(random, SHORTEST_MS, this.#longestMs), () => {
      if (willDo && !isEarly) this.#do(order, cause);
      done(willDo ? "done" : "nothing");
    });
  }

  /** The print may have ended while the macro ran. */
  #do(order: Order, cause: Cause): void {
    if (this.#canBegin(order)) this.enter(TARGET[order], order === "cancel" ? "cancelled" : null, cause);
  }

  #canBegin(order: Order): boolean {
    if (order === "pause") return this.phase === "printing";
    if (order === "resume") return this.phase === "paused";
    return this.phase !== "idle";
  }
}
