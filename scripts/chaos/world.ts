/** One printer's life, made from a seed alone: an agent of some dialect, people, faults, and the witness of it all. */
import { between, pick, type Random, seededRandom } from "../virtual/random.ts";
import type { AgentWorld, ModelAgent } from "./agent.ts";
import { Desk } from "./desk.ts";
import { Faults, Mortality } from "./faults.ts";
import { Machine } from "./machine.ts";
import { MoonrakerAgent } from "./moonraker.ts";
import { OctoPrintAgent } from "./octoprint.ts";
import { People } from "./people.ts";
import { SafetyDriver } from "./safety.ts";
import { Shell } from "./shell.ts";
import { Simulation } from "./simulation.ts";
import { Tally } from "./tally.ts";
import { Witness } from "./witness.ts";

const START = 1_790_000_000_000;
const PRESSES = 60;
const MORE_MS = 5_000;
/** Every command and call has come to its end by then. */
const LONGEST_END_MS = 8 * 60_000;

const AGENTS = ["moonraker", "moonraker", "octoprint", "octoprint", "unknown with receipts", "unknown"] as const;

export class World {
  readonly tally = new Tally();
  readonly #random: Random;
  readonly #simulation = new Simulation(START);
  readonly #witness: Witness;
  readonly #people: People;
  readonly #faults: Faults;
  readonly #mortality: Mortality;
  readonly #safety: SafetyDriver;

  constructor(seed: number) {
    const random = seededRandom(seed);
    const simulation = this.#simulation;
    const { tally } = this;
    const machine = new Machine(simulation, random);
    const witness = new Witness(simulation, machine, tally);
    const clockAheadMs = pick(random, [0, 0, -30_000, 45_000, 3_600_000]);
    this.#mortality = new Mortality(random, tally, pick(random, [0, 0.001, 0.01]));
    const { chooseDeath, shouldEvict } = this.#mortality;
    const shell = new Shell({ simulation, random, witness, chooseDeath, shouldEvict });
    const desk = new Desk(simulation, random, shell);
    const agent = makeAgent({ simulation, random, machine, witness, clockAheadMs, dial: (end) => shell.dial(end) });
    agent.startUp();
    this.#random = random;
    this.#witness = witness;
    this.#faults = new Faults({ simulation, random, shell, agent, tally }, pick(random, [8_000, 20_000, 90_000]));
    const onCall = witness.onCall.bind(witness);
    const onAnswer = witness.onAnswer.bind(witness);
    this.#people = new People({ simulation, random, machine, shell, desk, clockAheadMs, onCall, onAnswer }, PRESSES);
    this.#safety = new SafetyDriver({ simulation, shell, tally, newId: () => this.#people.newId() });
    this.#detect();
  }

  /** How many commands the object took. Throws `BrokenPromise`. */
  run(): number {
    const simulation = this.#simulation;
    while (!this.#people.isGone) simulation.runUntil(simulation.now + MORE_MS);
    this.#faults.isOver = true;
    this.#mortality.isOver = true;
    const end = simulation.now + LONGEST_END_MS;
    do simulation.runUntil(simulation.now + MORE_MS);
    while (this.#witness.isUnsettled && simulation.now < end);
    this.#witness.onEnd();
    return this.#witness.commands;
  }

  #detect(): void {
    this.#simulation.after(between(this.#random, 30_000, 600_000), () => {
      if (this.#people.isGone) return;
      this.#safety.start();
      this.#detect();
    });
  }
}

function makeAgent(world: AgentWorld): ModelAgent {
  const kind = pick(world.random, AGENTS);
  if (kind === "octoprint") return new OctoPrintAgent(world);
  return new MoonrakerAgent(world, { isKnown: kind === "moonraker", givesReceipts: kind !== "unknown" });
}
