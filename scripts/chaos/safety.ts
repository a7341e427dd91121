/** Drives the safety pause against the object: each try is a new command, a new socket one more chance ([W1], [W2]). */
import { moveSafetyPause, noteTry, type SafetyPause, startSafetyPause } from "../../src/domain/safety-pause.ts";
import { Killed, type Shell } from "./shell.ts";
import type { Simulation } from "./simulation.ts";
import type { Tally } from "./tally.ts";

export interface SafetyWorld {
  readonly simulation: Simulation;
  readonly shell: Shell;
  readonly tally: Tally;
  readonly newId: () => string;
}

export class SafetyDriver {
  readonly #world: SafetyWorld;
  #pause: SafetyPause | null = null;
  #isLooking = false;

  constructor(world: SafetyWorld) {
    this.#world = world;
    world.shell.onChange(() => this.#lookSoon());
  }

  /** Failure detection asks for a pause of the current print. */
  start(): void {
    const { shell, simulation, tally } = this.#world;
    const { current } = shell.printer().state;
    if (current === null || this.#pause !== null) return;
    this.#pause = startSafetyPause(current.id, simulation.now);
    tally.count("safety", "asked for");
    this.#lookSoon();
  }

  /** After the step that is under way. */
  #lookSoon(): void {
    if (this.#pause === null || this.#isLooking) return;
    this.#isLooking = true;
    this.#world.simulation.after(0, () => {
      this.#isLooking = false;
      this.#look();
    });
  }

  #look(): void {
    const { shell, simulation } = this.#world;
    const pause = this.#pause;
    if (pause === null) return;
    const { socket, state } = shell.printer();
    const facts = {
      currentPrintId: state.current?.id ?? null,
      isPauseSeen: socket?.isPauseSeen ?? false,
      isCalledOff: false,
      connection: shell.wire?.connection ?? null,
      commands: pause.commandIds.flatMap((id) => shell.find(id) ?? []),
    };
    const move = moveSafetyPause(pause, facts, simulation.now);
    if (move.type === "stop") this.#stop(move.because);
    if (move.type === "try") this.#try(pause, facts.connection);
    if (move.type === "escalate") this.#pause = { ...pause, isEscalated: true };
    if (move.type === "wait" && move.until !== null) simulation.at(move.until, () => this.#lookSoon());
    else if (move.type !== "stop" && move.type !== "wait") this.#lookSoon();
  }

  #stop(because: "paused" | "print_ended" | "called_off"): void {
    this.#pause = null;
    this.#world.tally.count("safety", `over: ${because.replace("_", " ")}`);
  }

  #try(pause: SafetyPause, connection: number | null): void {
    const { shell, simulation, tally, newId } = this.#world;
    const id = newId();
    this.#pause = noteTry(pause, id, connection, simulation.now);
    const isNewSocket = pause.triedConnection !== null && pause.triedConnection !== connection;
    tally.count("safety", isNewSocket ? "tried with a new command over a new socket" : "tried");
    const refs = { ref: shell.newRef("c:"), probeRef: shell.newRef("p:") };
    const by = { initiator: "system", userId: null, tokenName: null, printId: pause.printId, file: null } as const;
    try {
      shell.call({ type: "command", command: { id, kind: "pause", ...by, ...refs } });
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
  }
}
