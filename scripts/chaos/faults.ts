/** What goes wrong: the network, the agent's attention, the object and its runtime. */
import { between, pick, type Random } from "../virtual/random.ts";
import type { ModelAgent } from "./agent.ts";
import type { Death, Shell } from "./shell.ts";
import type { Simulation } from "./simulation.ts";
import type { Tally } from "./tally.ts";

export interface FaultsWorld {
  readonly simulation: Simulation;
  readonly random: Random;
  readonly shell: Shell;
  readonly agent: ModelAgent;
  readonly tally: Tally;
}

const KINDS = [
  "cut",
  "cut",
  "stall to the agent",
  "stall to the object",
  "agent busy",
  "send refused",
  "kill",
  "unreachable",
] as const;

export class Faults {
  readonly #world: FaultsWorld;
  /** Mean milliseconds between two faults. */
  readonly #everyMs: number;
  isOver = false;

  constructor(world: FaultsWorld, everyMs: number) {
    this.#world = world;
    this.#everyMs = everyMs;
    this.#next();
  }

  #next(): void {
    const { simulation, random, tally } = this.#world;
    simulation.after(between(random, 100, 2 * this.#everyMs), () => {
      if (this.isOver) return;
      const kind = pick(random, KINDS);
      if (this.#cause(kind)) tally.count("faults", kind);
      this.#next();
    });
  }

  /** False when there was nothing to break. */
  #cause(kind: (typeof KINDS)[number]): boolean {
    const { simulation, random, shell, agent } = this.#world;
    const { wire } = shell;
    if (kind === "kill") shell.kill();
    if (kind === "agent busy") agent.keepBusy(between(random, 500, 40_000));
    if (kind === "unreachable") {
      shell.isReachable = false;
      simulation.after(between(random, 100, 5_000), () => {
        shell.isReachable = true;
      });
    }
    if (kind === "kill" || kind === "agent busy" || kind === "unreachable") return true;
    if (wire === null) return false;
    if (kind === "cut") wire.cut(this.#learns(), this.#learns());
    if (kind === "stall to the agent") wire.stall("to-agent", between(random, 500, 60_000));
    if (kind === "stall to the object") wire.stall("to-server", between(random, 500, 60_000));
    if (kind === "send refused") {
      wire.isRefusing = true;
      simulation.after(between(random, 100, 10_000), () => {
        wire.isRefusing = false;
      });
    }
    return true;
  }

  #learns(): number | null {
    const { random } = this.#world;
    return random() < 0.3 ? null : between(random, 1, random() < 0.5 ? 200 : 60_000);
  }
}

/** Evictions between any two steps, deaths in the middle of one. */
export class Mortality {
  readonly #random: Random;
  readonly #tally: Tally;
  readonly #death: number;
  isOver = false;

  /** `death`: the probability, 0 to 1, that the object dies in a step. */
  constructor(random: Random, tally: Tally, death: number) {
    this.#random = random;
    this.#tally = tally;
    this.#death = death;
  }

  readonly chooseDeath = (): Death => {
    if (this.isOver || this.#random() >= this.#death) return null;
    const death = this.#random() < 0.5 ? "before-saving" : "after-saving";
    this.#tally.count("faults", `death ${death.replace("-", " ")}`);
    return death;
  };

  readonly shouldEvict = (): boolean => {
    const isEvicted = this.#random() < 0.05;
    if (isEvicted) this.#tally.count("faults", "eviction");
    return isEvicted;
  };
}
