/**
 * The object in simulated time: the real `step`, memory and work of effects, on a platform that evicts it between any two
 * events, and kills it before a step is durable or before its effects are carried out.
 */
import type { Effect, Printer } from "../../src/domain/change.ts";
import { type CommandRecord, recordOf } from "../../src/domain/command.ts";
import { earlierPrintOf } from "../../src/domain/frame.ts";
import { type Input, nextAlarm, type Reply, type Step } from "../../src/domain/printer.ts";
import { type EffectPorts, type Work, workOf } from "../../src/printer/effects.ts";
import { PrinterMemory } from "../../src/printer/memory.ts";
import { readAgentMessage } from "../../src/protocol/agent.ts";
import { between, type Random } from "../virtual/random.ts";
import type { Simulation } from "./simulation.ts";
import { Tables } from "./tables.ts";
import { Wire, type WireEnd } from "./wire.ts";
import { Wires } from "./wires.ts";

/** Sees every step, and every frame at the moment in which it is handed over. */
export interface ShellWitness {
  onStep(before: Printer, after: Printer, effects: readonly Effect[], input: Input): void;
  onHandOver(effect: Effect & { type: "send-command" }, wire: Wire, after: Printer, input: Input): void;
  onFrame(connection: number): void;
}

/** When the object dies during a step; null: it lives. */
export type Death = "before-saving" | "after-saving" | null;

/** What decides: `step` of the domain, or one that somebody broke to see that it is noticed. */
export type Decide = (printer: Printer, input: Input, now: number) => Step;

export interface ShellWorld {
  readonly decide: Decide;
  readonly simulation: Simulation;
  readonly random: Random;
  readonly witness: ShellWitness;
  readonly chooseDeath: () => Death;
  readonly shouldEvict: () => boolean;
}

/** A call broke because the object died. */
export class Killed extends Error {}

const ALARM_LATE_MS = 1_500;

export class Shell {
  readonly #world: ShellWorld;
  readonly #tables = new Tables();
  readonly #wires = new Wires();
  readonly #memory = new PrinterMemory(this.#tables, this.#wires);
  /** D1 is no part of this world. */
  readonly #ports: EffectPorts = {
    sockets: this.#wires,
    outbox: { refreshLive: async () => true },
    waitUntil: () => {},
    onCopyLost: () => {},
  };
  readonly #onChange: (() => void)[] = [];
  readonly #onKilled: (() => void)[] = [];
  #armedAt: number | null = null;
  #refs = 0;
  isReachable = true;

  constructor(world: ShellWorld) {
    this.#world = world;
  }

  onChange(run: () => void): void {
    this.#onChange.push(run);
  }

  onKilled(run: () => void): void {
    this.#onKilled.push(run);
  }

  /** The agent dials: null when nobody answers. The Worker tries an upgrade that broke once more. */
  dial(agent: WireEnd): Wire | null {
    return this.isReachable ? (this.#accept(agent) ?? this.#accept(agent)) : null;
  }

  /** One call of the Worker; throws `Killed` when the object dies in it. */
  call(input: Input): Reply {
    this.#reconcile();
    return this.#apply(input);
  }

  /** In flight or ended. */
  find(commandId: string): CommandRecord | null {
    const inFlight = this.printer().state.ledger.find(({ id }) => id === commandId);
    return inFlight === undefined ? this.#tables.findCommand(commandId) : recordOf(inFlight);
  }

  printer(): Printer {
    const printer = this.#memory.load();
    if (printer === null) throw new Error("a printer is there from the beginning");
    return printer;
  }

  newRef(prefix: "c:" | "p:"): string {
    this.#refs += 1;
    return `${prefix}${this.#refs}`;
  }

  /** All fields are gone; sockets and their attachments stay. */
  evict(): void {
    this.#memory.forget();
  }

  /** Fields and sockets are gone, callers get an error; only what was saved is left. */
  kill(): void {
    this.#memory.forget();
    this.#wires.forget();
    for (const run of this.#onKilled) run();
  }

  /** The newest socket, if the runtime takes it for open. */
  get wire(): Wire | null {
    const wire = this.#wires.find(this.printer().state.connectionSequence);
    return wire?.isOpenToServer === true ? wire : null;
  }

  #accept(agent: WireEnd): Wire | null {
    const { simulation, random } = this.#world;
    const wire = new Wire(simulation, random, agent, (here) => this.#serverEnd(here));
    return this.#survive(() => {
      this.#reconcile();
      const dial = { generation: 1, keyId: "t1", origin: "https://platen.test", ref: this.newRef("p:") };
      this.#apply({ type: "agent-opened", ...dial }, wire);
      return wire;
    }, null);
  }

  #serverEnd(wire: Wire): WireEnd {
    return {
      onText: (text) => this.#survive(() => this.#takeText(wire, text), undefined),
      onClose: () => this.#survive(() => this.#takeClose(wire), undefined),
    };
  }

  #takeText(wire: Wire, text: string): void {
    this.#maybeEvict();
    if (this.printer().socket?.connection !== wire.connection) return;
    this.#world.witness.onFrame(wire.connection);
    const { frame } = readAgentMessage(text);
    const extId = earlierPrintOf(frame, this.printer());
    this.#apply({ type: "frame", frame, remembered: extId === null ? null : this.#tables.findPrint(extId) });
  }

  #takeClose(wire: Wire): void {
    this.#maybeEvict();
    if (this.printer().socket?.connection === wire.connection)
      this.#apply({ type: "agent-closed", connection: wire.connection });
    this.#wires.drop(wire);
  }

  /** A socket that died with the object got no close event: the first input after it notices. */
  #reconcile(): void {
    this.#maybeEvict();
    const { state, socket } = this.printer();
    if (state.connectedAt === null || state.disconnectedAt !== null || this.wire !== null) return;
    this.#apply(socket === null ? { type: "agent-lost" } : { type: "agent-closed", connection: socket.connection });
  }

  #apply(input: Input, accepted?: Wire): Reply {
    const { witness, chooseDeath, simulation, decide } = this.#world;
    const before = this.printer();
    const { printer: after, effects, reply } = decide(before, input, simulation.now);
    const works = effects.map((effect) => ({ ...workOf(effect, after, simulation.now), effect }));
    const death = chooseDeath();
    if (death === "before-saving") return this.#die();
    this.#save(before, after, works, accepted);
    witness.onStep(before, after, effects, input);
    if (death === "after-saving") return this.#die();
    const next = works.map((work) => this.#carryOut(work, after, input));
    for (const run of this.#onChange) run();
    for (const follows of next) if (follows !== null) this.#apply(follows);
    return reply;
  }

  #die(): never {
    this.kill();
    throw new Killed();
  }

  #save(before: Printer, after: Printer, works: readonly Work[], accepted: Wire | undefined): void {
    for (const write of this.#memory.rowWrites(before, after, this.#world.simulation.now)) write();
    this.#memory.keep(after);
    for (const { remember } of works) remember?.(this.#tables);
    this.#arm();
    if (accepted !== undefined && after.socket !== null) this.#wires.accept(accepted, after.socket.connection);
    this.#memory.attach(before, after);
  }

  /** Whether a command was handed over is the wires' word: what the object makes of it is judged. */
  #carryOut({ effect, carryOut }: Work & { readonly effect: Effect }, after: Printer, input: Input): Input | null {
    const { taken } = this.#wires;
    const next = carryOut?.(this.#ports) ?? null;
    const wire = this.#wires.find(after.socket?.connection ?? 0);
    const isHandedOver = effect.type === "send-command" && this.#wires.taken > taken;
    if (isHandedOver && wire !== null) this.#world.witness.onHandOver(effect, wire, after, input);
    return next;
  }

  #maybeEvict(): void {
    if (this.#world.shouldEvict()) this.evict();
  }

  /** As the object's clock does: earlier, never later. The platform fires it somewhat late. */
  #arm(): void {
    const { simulation, random } = this.#world;
    const wanted = nextAlarm(this.printer(), simulation.now);
    if (wanted === null || (this.#armedAt !== null && this.#armedAt <= wanted)) return;
    this.#armedAt = wanted;
    simulation.at(wanted + between(random, 0, ALARM_LATE_MS), () => this.#wake(wanted));
  }

  /** An alarm outlives the object; the platform repeats one in which it died. */
  #wake(wanted: number): void {
    if (this.#armedAt !== wanted) return;
    this.#armedAt = null;
    try {
      this.#reconcile();
      this.#apply({ type: "alarm", ref: this.newRef("p:") });
      this.#arm();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      this.#armedAt = wanted;
      this.#world.simulation.after(between(this.#world.random, 100, 1_000), () => this.#wake(wanted));
    }
  }

  /** An event in which the object dies is lost. */
  #survive<T>(run: () => T, otherwise: T): T {
    try {
      return run();
    } catch (error) {
      if (error instanceof Killed) return otherwise;
      throw error;
    }
  }
}
