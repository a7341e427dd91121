/**
 * The object around the real `step`: storage that survives, fields that do not, sockets with attachments, one alarm. It can
 * be evicted between any two events, and killed before a step is durable or before its effects are carried out.
 */
import type { Effect, Printer } from "../../src/domain/change.ts";
import { type CommandRecord, recordOf } from "../../src/domain/command.ts";
import { type Input, nextAlarm, type Reply, step } from "../../src/domain/printer.ts";
import { readAgentMessage } from "../../src/protocol/agent.ts";
import { writeCommand, writeProbe, writeRemoteStatus } from "../../src/protocol/to-agent.ts";
import { between, type Random } from "../virtual/random.ts";
import type { Simulation } from "./simulation.ts";
import { ObjectStorage } from "./storage.ts";
import { Wire, type WireEnd } from "./wire.ts";

/** Sees every step, and every frame at the moment in which it is handed over. */
export interface ShellWitness {
  onStep(before: Printer, after: Printer, effects: readonly Effect[], input: Input): void;
  onHandOver(effect: Effect & { type: "send-command" }, wire: Wire, after: Printer, input: Input): void;
  onFrame(connection: number): void;
}

/** When the object dies during a step; null: it lives. */
export type Death = "before-saving" | "after-saving" | null;

export interface ShellWorld {
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
  readonly #storage = new ObjectStorage();
  readonly #wires = new Map<number, Wire>();
  readonly #onChange: (() => void)[] = [];
  readonly #onKilled: (() => void)[] = [];
  #cached: Printer | null = null;
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
    return inFlight === undefined ? this.#storage.findCommand(commandId) : recordOf(inFlight);
  }

  printer(): Printer {
    this.#cached ??= this.#storage.read();
    return this.#cached;
  }

  newRef(prefix: "c:" | "p:"): string {
    this.#refs += 1;
    return `${prefix}${this.#refs}`;
  }

  /** All fields are gone; sockets and their attachments stay. */
  evict(): void {
    this.#cached = null;
  }

  /** Fields and sockets are gone, callers get an error; only what was saved is left. */
  kill(): void {
    this.#cached = null;
    for (const wire of this.#wires.values()) wire.forget();
    this.#wires.clear();
    this.#storage.dropAttachments();
    for (const run of this.#onKilled) run();
  }

  /** The newest socket, if the runtime takes it for open. */
  get wire(): Wire | null {
    const wire = this.#wires.get(this.printer().state.connectionSequence);
    return wire?.isOpenToServer === true ? wire : null;
  }

  #accept(agent: WireEnd): Wire | null {
    const { simulation, random } = this.#world;
    const wire = new Wire(simulation, random, agent, (here) => this.#serverEnd(here));
    return this.#survive(() => {
      this.#reconcile();
      this.#apply({ type: "agent-opened", generation: 1, keyId: "t1", origin: "https://platen.test" }, wire);
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
    const extId = frame.report?.printExtId ?? null;
    const isEarlier = extId !== null && extId !== this.printer().state.current?.extId;
    this.#apply({ type: "frame", frame, remembered: isEarlier ? this.#storage.findPrint(extId) : null });
  }

  #takeClose(wire: Wire): void {
    this.#maybeEvict();
    if (this.printer().socket?.connection === wire.connection)
      this.#apply({ type: "agent-closed", connection: wire.connection });
    this.#drop(wire);
  }

  /** A socket that died with the object got no close event: the first input after it notices. */
  #reconcile(): void {
    this.#maybeEvict();
    const { state, socket } = this.printer();
    if (state.connectedAt === null || state.disconnectedAt !== null || this.wire !== null) return;
    this.#apply(socket === null ? { type: "agent-lost" } : { type: "agent-closed", connection: socket.connection });
  }

  #apply(input: Input, accepted?: Wire): Reply {
    const { witness, chooseDeath, simulation } = this.#world;
    const before = this.printer();
    const { printer: after, effects, reply } = step(before, input, simulation.now);
    const death = chooseDeath();
    if (death === "before-saving") return this.#die();
    this.#save(after, effects, accepted);
    witness.onStep(before, after, effects, input);
    if (death === "after-saving") return this.#die();
    for (const effect of effects) this.#deliver(effect, after, input);
    for (const run of this.#onChange) run();
    return reply;
  }

  #die(): never {
    this.kill();
    throw new Killed();
  }

  #save(after: Printer, effects: readonly Effect[], accepted: Wire | undefined): void {
    this.#storage.save(after, effects);
    this.#cached = after;
    if (accepted !== undefined && after.socket !== null) {
      accepted.connection = after.socket.connection;
      this.#wires.set(after.socket.connection, accepted);
    }
    this.#arm();
  }

  #deliver(effect: Effect, after: Printer, input: Input): void {
    const wire = this.#wires.get(after.socket?.connection ?? 0);
    if (effect.type === "send-command") this.#sendCommand(effect, wire, after, input);
    if (effect.type === "send-probe") wire?.sendToAgent(writeProbe(effect.ref));
    if (effect.type === "send-remote-status") wire?.sendToAgent(writeRemoteStatus(effect.viewing, effect.shouldWatch));
    if (effect.type === "close-agent") this.#closeUpTo(effect.connection);
  }

  #sendCommand(effect: Effect & { type: "send-command" }, wire: Wire | undefined, after: Printer, input: Input): void {
    const { command } = effect;
    const isSent = wire?.sendToAgent(writeCommand(command, after.state.configuration, "https://platen.test")) ?? false;
    if (isSent && wire !== undefined) this.#world.witness.onHandOver(effect, wire, after, input);
    else this.#apply({ type: "send-failed", commandId: command.id });
  }

  #closeUpTo(connection: number): void {
    for (const wire of [...this.#wires.values()]) {
      if (wire.connection > connection) continue;
      wire.closeByServer();
      this.#drop(wire);
    }
  }

  #drop(wire: Wire): void {
    this.#wires.delete(wire.connection);
    this.#storage.dropAttachment(wire.connection);
  }

  #maybeEvict(): void {
    if (this.#world.shouldEvict()) this.evict();
  }

  #arm(): void {
    const { simulation, random } = this.#world;
    const wanted = nextAlarm(this.printer(), simulation.now);
    if (wanted === null || (this.#armedAt !== null && this.#armedAt <= wanted)) return;
    this.#armedAt = wanted;
    simulation.at(wanted + between(random, 0, ALARM_LATE_MS), () => this.#wake(wanted));
  }

  /** An alarm outlives the object; one in which it dies is tried again. */
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
