/** Who uses the printer: people who press buttons, now and then twice, and somebody at the machine itself. */
import type { PrintFile } from "../../src/domain/command.ts";
import type { CommandKind } from "../../src/domain/command-kind.ts";
import { between, pick, type Random } from "../virtual/random.ts";
import type { Answer, Call, Desk } from "./desk.ts";
import { HAND, type Machine } from "./machine.ts";
import type { Shell } from "./shell.ts";
import type { Simulation } from "./simulation.ts";

export interface PeopleWorld {
  readonly simulation: Simulation;
  readonly random: Random;
  readonly machine: Machine;
  readonly shell: Shell;
  readonly desk: Desk;
  readonly clockAheadMs: number;
  /** Nobody stands at the machine. */
  readonly isAlone: boolean;
  readonly onCall: (call: Call) => void;
  readonly onAnswer: (call: Call, answer: Answer | null) => void;
}

const FILES = ["hook.gcode", "clip.gcode", "vase.gcode"] as const;
const PRINT_KINDS = ["pause", "pause", "resume", "resume", "cancel"] as const;

function fileOf(filename: (typeof FILES)[number]): PrintFile {
  const id = FILES.indexOf(filename) + 1;
  return { id, path: `/files/${id}`, filename, safeFilename: filename, agentSignature: null };
}

export class People {
  readonly #world: PeopleWorld;
  #left: number;
  #calls = 0;
  #keys = 0;
  #seenPrint: number | null = null;

  /** They press `presses` buttons in all, then leave. */
  constructor(world: PeopleWorld, presses: number) {
    this.#world = world;
    this.#left = presses;
    this.#press();
    if (!world.isAlone) this.#touch();
    this.#useMachine();
  }

  get isGone(): boolean {
    return this.#left <= 0;
  }

  newId(): string {
    this.#calls += 1;
    return `m${this.#calls}`;
  }

  #press(): void {
    if (this.isGone) return;
    const { random, simulation } = this.#world;
    const isBurst = random() < 0.4;
    simulation.after(isBurst ? between(random, 50, 3_000) : between(random, 2_000, 30_000), () => {
      this.#call(this.#choose());
      this.#press();
    });
  }

  #choose(): Call {
    const { random, shell } = this.#world;
    const { current } = shell.printer().state;
    const kind = this.#chooseKind(current !== null);
    const file = kind === "print_file" ? fileOf(pick(random, FILES)) : null;
    const isMeant = file === null && random() < 0.3;
    if (current !== null && random() < 0.8) this.#seenPrint = current.id;
    const key = random() < 0.35 ? this.#newKey() : null;
    const waitMs = random() < 0.15 ? between(random, 0, 30_000) : null;
    return { id: this.newId(), kind, printId: isMeant ? this.#seenPrint : null, file, key, waitMs };
  }

  #chooseKind(isPrinting: boolean): CommandKind {
    const { random, machine } = this.#world;
    if (!isPrinting) return random() < 0.5 ? "print_file" : pick(random, PRINT_KINDS);
    if (random() < 0.4) return pick(random, PRINT_KINDS);
    if (random() < 0.08) return "cancel";
    return machine.settled === "paused" ? "resume" : "pause";
  }

  #newKey(): string {
    this.#keys += 1;
    return `key-${this.#keys}`;
  }

  /** Calls are on their way for a while; what has a key may be sent a second time. */
  #call(call: Call): void {
    const { random, simulation, desk, onCall, onAnswer } = this.#world;
    this.#left -= 1;
    onCall(call);
    // A caller that got no answer may retry under the same id.
    for (const wait of random() < 0.05 ? [100, 3_000] : [random() < 0.1 ? 2_000 : 100]) {
      simulation.after(between(random, 1, wait), () => desk.take(call, (answer) => onAnswer(call, answer)));
    }
    if (call.key === null || random() < 0.4) return;
    const wait = pick(random, [10, 1_000, 20_000, 90_000]);
    simulation.after(between(random, 0, wait), () => this.#call({ ...call, id: this.newId() }));
  }

  /** Somebody at the machine does the same by hand. */
  #touch(): void {
    const { random, simulation, machine } = this.#world;
    simulation.after(between(random, 5_000, 90_000), () => {
      if (this.isGone) return;
      machine.order(machine.settled === "paused" ? "resume" : random() < 0.15 ? "cancel" : "pause", HAND);
      this.#touch();
    });
  }

  /** Prints begin and end. */
  #useMachine(): void {
    const { random, simulation, machine, clockAheadMs, isAlone } = this.#world;
    simulation.after(between(random, 1_500, isAlone ? 60_000 : 20_000), () => {
      const ts = Math.floor((simulation.now + clockAheadMs) / 1_000);
      if (machine.phase !== "idle" && random() < 0.1) machine.finish(random() < 0.8 ? "complete" : "error");
      else machine.start({ ts, file: pick(random, FILES), gCodeFileId: null }, HAND);
      this.#useMachine();
    });
  }
}
