/** One printer's life, made from a seed alone: an agent of some dialect, people, faults, and the witness of it all. */
import { between, pick, type Random, seededRandom } from "../virtual/random.ts";
import type { AgentWorld, ModelAgent } from "./agent.ts";
import { Desk } from "./desk.ts";
import { Faults, Mortality } from "./faults.ts";
import { Firmware } from "./firmware.ts";
import { HOMEMADE_LOOK_MS, HomemadeAgent } from "./homemade.ts";
import { Klipper } from "./klipper.ts";
import type { Machine, MachineWorld, Waits } from "./machine.ts";
import { LONGEST_LOOK_MS, MoonrakerAgent } from "./moonraker.ts";
import { OctoPrintAgent } from "./octoprint.ts";
import { People } from "./people.ts";
import { SafetyDriver } from "./safety.ts";
import { type Decide, Shell } from "./shell.ts";
import { Simulation } from "./simulation.ts";
import { Tally } from "./tally.ts";
import { Witness } from "./witness.ts";

const START = 1_790_000_000_000;
const PRESSES = 60;
const MORE_MS = 5_000;
/** Every command and call has come to its end by then: a wait may be shown for long. */
const LONGEST_END_MS = 75 * 60_000;

const AGENTS = ["moonraker", "moonraker", "octoprint", "octoprint", "unknown with receipts", "unknown"] as const;
type AgentKind = (typeof AGENTS)[number];

/** How late each of them notices what its machine did. */
const LOOK_MS: Readonly<Record<AgentKind, number>> = {
  moonraker: LONGEST_LOOK_MS,
  octoprint: 0,
  "unknown with receipts": HOMEMADE_LOOK_MS,
  unknown: HOMEMADE_LOOK_MS,
};

const LONGEST_WAIT_MS = 17 * 60_000;
const WAITS = [0, 0, 0, 0.3] as const;
/** One world in so many has no faults, and nobody at the machine. */
const QUIET_EVERY = 4;

export class World {
  readonly tally = new Tally();
  readonly #random: Random;
  readonly #simulation = new Simulation(START);
  readonly #witness: Witness;
  readonly #people: People;
  readonly #faults: Faults | null;
  readonly #mortality: Mortality;
  readonly #safety: SafetyDriver;

  constructor(seed: number, decide: Decide) {
    const random = seededRandom(seed);
    const simulation = this.#simulation;
    const { tally } = this;
    const kind = pick(random, AGENTS);
    const isQuiet = random() * QUIET_EVERY < 1;
    const machine = makeMachine(kind, { simulation, random, waits: drawWaits(random) });
    const clockAheadMs = pick(random, [0, 0, -30_000, 45_000, 3_600_000]);
    const witness = new Witness({ simulation, machine, tally, clockAheadMs, lookMs: LOOK_MS[kind], isQuiet });
    this.#mortality = new Mortality(random, tally, isQuiet ? 0 : pick(random, [0, 0.001, 0.01]));
    const { chooseDeath, shouldEvict } = this.#mortality;
    const shell = new Shell({ simulation, random, witness, chooseDeath, shouldEvict, decide });
    const desk = new Desk(simulation, random, shell);
    const dial: AgentWorld["dial"] = (end) => shell.dial(end);
    const agent = makeAgent(kind, { simulation, random, machine, witness, clockAheadMs, dial });
    agent.startUp();
    this.#random = random;
    this.#witness = witness;
    const everyMs = pick(random, [8_000, 20_000, 90_000]);
    this.#faults = isQuiet ? null : new Faults({ simulation, random, shell, agent, tally }, everyMs);
    const onCall = witness.onCall.bind(witness);
    const onAnswer = witness.onAnswer.bind(witness);
    const press = { simulation, random, machine, shell, desk, clockAheadMs, isAlone: isQuiet, onCall, onAnswer };
    this.#people = new People(press, PRESSES);
    this.#safety = new SafetyDriver({ simulation, shell, tally, newId: () => this.#people.newId() });
    this.#detect();
  }

  /** How many commands the object took so far. */
  get commands(): number {
    return this.#witness.commands;
  }

  /** Throws `BrokenPromise`. */
  run(): void {
    const simulation = this.#simulation;
    while (!this.#people.isGone) simulation.runUntil(simulation.now + MORE_MS);
    if (this.#faults !== null) this.#faults.isOver = true;
    this.#mortality.isOver = true;
    const end = simulation.now + LONGEST_END_MS;
    do simulation.runUntil(simulation.now + MORE_MS);
    while (this.#witness.isUnsettled && simulation.now < end);
    this.#witness.onEnd();
  }

  #detect(): void {
    this.#simulation.after(between(this.#random, 30_000, 600_000), () => {
      if (this.#people.isGone) return;
      this.#safety.start();
      this.#detect();
    });
  }
}

function drawWaits(random: Random): Waits {
  return { share: pick(random, WAITS), longestMs: LONGEST_WAIT_MS };
}

function makeMachine(kind: AgentKind, world: MachineWorld): Machine {
  return kind === "moonraker" ? new Klipper(world) : new Firmware(world);
}

function makeAgent(kind: AgentKind, world: AgentWorld): ModelAgent {
  if (kind === "octoprint") return new OctoPrintAgent(world);
  if (kind === "moonraker") return new MoonrakerAgent(world);
  return new HomemadeAgent(world, kind === "unknown with receipts");
}
