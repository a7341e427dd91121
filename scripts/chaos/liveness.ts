/** Looks, in worlds without faults, whether what the machine did is told to whoever asked for it. */
import type { Command } from "../../src/domain/command.ts";
import type { Claims } from "./claims.ts";
import type { HandOvers } from "./handovers.ts";
import type { Hearsay } from "./hearsay.ts";
import type { Cause, Machine, MachineMoment } from "./machine.ts";
import { isObeyed, wasSeenObeyed } from "./outcomes.ts";
import { hold, LIMITS } from "./promises.ts";
import type { Simulation } from "./simulation.ts";
import type { Tally } from "./tally.ts";

export interface LivenessWorld {
  readonly simulation: Simulation;
  readonly machine: Machine;
  readonly tally: Tally;
  /** What the machine did is noticed by its agent so late at most. */
  readonly lookMs: number;
  readonly told: Hearsay;
  readonly sent: HandOvers;
  readonly claims: Claims;
}

export class Liveness {
  readonly #world: LivenessWorld;

  constructor(world: LivenessWorld) {
    this.#world = world;
    world.machine.watch((moment) => this.#look(moment));
  }

  /** At the end of a world: what became of each command. */
  onEnd(): void {
    const { claims, tally } = this.#world;
    for (const { kind, sentAt, state } of claims.commands.values()) {
      tally.count("quiet", `${kind} ${sentAt === null ? "not sent" : state}`);
    }
  }

  #look(moment: MachineMoment): void {
    const { simulation, told, sent, claims, tally } = this.#world;
    const command = sent.findByRef(moment.cause)?.command;
    if (command === undefined || !isObeyed(command, moment)) return;
    const { id, kind, connection } = command;
    if (!told.isBeyondBacklog(connection ?? 0)) return;
    // Evidence is the earliest open command's: what a later one did is then not told apart from it.
    const isBehind = [...claims.commands.values()].some(
      (other) =>
        other.connection === connection &&
        (other.state === "sent" || other.state === "delivered") &&
        sent.isBefore(other.id, id),
    );
    if (isBehind) tally.count("network", `${kind} obeyed behind a command that stayed open`);
    else simulation.after(LIMITS.settled, () => this.#checkTold(command));
  }

  /** The machine refused what `cause` wanted, and said so. */
  onRefusal(cause: Cause): void {
    const command = this.#world.sent.findByRef(cause)?.command;
    if (command === undefined || !this.#isAlone(command)) return;
    this.#world.simulation.after(LIMITS.report, () => {
      if (!this.#isAlone(command)) return;
      const { id, kind } = command;
      const state = this.#world.claims.stateOf(id);
      const isTold = state === "failed" || state === "superseded";
      hold(isTold, "refused", `${kind} ${id} is ${state}, and the machine refused it ${LIMITS.report} ms ago`);
    });
  }

  /** Nothing else was sent about that time, waited or downloaded, so that nothing else explains what the agent shows. */
  #isAlone({ id, sentAt }: Command): boolean {
    const { simulation, machine, told, sent, claims } = this.#world;
    const from = (sentAt ?? simulation.now) - LIMITS.alone;
    const isMasked = Math.max(machine.waitedUntil, told.shownAt("downloading")) > simulation.now - LIMITS.masked;
    const isOpen = [...claims.commands.values()].some(
      (other) => other.id !== id && (other.state === "sent" || other.state === "delivered"),
    );
    return !isMasked && !isOpen && [...sent.all].every(({ command, at }) => command.id === id || at < from);
  }

  #checkTold(command: Command): void {
    const { claims, machine, lookMs } = this.#world;
    // What came and went between two looks of its agent's was told to nobody.
    if (!wasSeenObeyed(machine, command, lookMs)) return;
    const { id, kind } = command;
    const state = claims.stateOf(id);
    const isTold = state === "succeeded" || state === "superseded" || state === "failed";
    hold(isTold, "settles", `${kind} ${id} is ${state}, and the machine did it ${LIMITS.settled} ms ago`);
  }
}
