/** Checks each outcome that the ledger claims against what the machine did, and each state's duration against its limit. */
import type { Command, CommandState } from "../../src/domain/command.ts";
import type { CommandKind } from "../../src/domain/command-kind.ts";
import type { HandOvers } from "./handovers.ts";
import type { Hearsay } from "./hearsay.ts";
import { type Cause, HAND, type Machine } from "./machine.ts";
import { truthOf, wasObeyed, wasSeenObeyed } from "./outcomes.ts";
import { hold, LIMITS } from "./promises.ts";
import type { Simulation } from "./simulation.ts";
import type { Tally } from "./tally.ts";

export interface ClaimsWorld {
  readonly simulation: Simulation;
  readonly machine: Machine;
  readonly tally: Tally;
  /** What the machine did is noticed by its agent so late at most. */
  readonly lookMs: number;
  readonly told: Hearsay;
  readonly sent: HandOvers;
}

/** A command that entered another state; `from` null: it is new. */
export interface Turn {
  readonly command: Command;
  readonly from: CommandState | null;
}

const LEAVES = {
  checking: { promise: "leaves-checking", ms: LIMITS.probe },
  sent: { promise: "leaves-sent", ms: LIMITS.expires },
  delivered: { promise: "leaves-delivered", ms: LIMITS.settle },
} as const;

const DURING = { pause: "pausing", resume: "resuming", cancel: "cancelling", print_file: "downloading" } as const;

export class Claims {
  readonly #world: ClaimsWorld;
  readonly #commands = new Map<string, Command>();
  readonly #delivered = new Set<string>();
  readonly #believed = new Set<string>();
  #handRefusedAt = Number.NEGATIVE_INFINITY;

  constructor(world: ClaimsWorld) {
    this.#world = world;
  }

  /** The newest image of every command that the object took. */
  get commands(): ReadonlyMap<string, Command> {
    return this.#commands;
  }

  stateOf(commandId: string): CommandState | null {
    return this.#commands.get(commandId)?.state ?? null;
  }

  /** Called delivered without a receipt, on a socket that had brought none: the printer's reports were the evidence. */
  isBelieved(commandId: string): boolean {
    return this.#believed.has(commandId);
  }

  onRefusal(cause: Cause): void {
    if (cause === HAND) this.#handRefusedAt = this.#world.simulation.now;
  }

  /** A command as it stands after a step; null: its state is what it was. */
  onImage(command: Command): Turn | null {
    const { id, state, deliveredAt } = command;
    const from = this.stateOf(id);
    this.#commands.set(id, command);
    if (deliveredAt !== null && !this.#delivered.has(id)) {
      this.#delivered.add(id);
      this.#checkRead(command);
    }
    if (from === state) return null;
    if (state === "checking" || state === "sent" || state === "delivered") this.#watch(command, state);
    if (state === "succeeded") this.#checkSuccess(command);
    if (state === "failed") this.#checkFailure(command);
    return { command, from };
  }

  /** `checking` and `sent` are limited from the creation on, `delivered` from the receipt on. */
  #watch({ id, kind, createdAt }: Command, state: keyof typeof LEAVES): void {
    const { simulation } = this.#world;
    const { promise, ms } = LEAVES[state];
    const from = state === "delivered" ? simulation.now : createdAt;
    const look = () => {
      if (this.stateOf(id) !== state) return;
      const limit = Math.max(from, state === "delivered" ? this.#shownUntil(kind, from) : from) + ms + LIMITS.grace;
      hold(simulation.now < limit, promise, `${kind} ${id} is still ${state}, ${simulation.now - from} ms on`);
      simulation.at(limit, look);
    };
    simulation.at(from + ms + LIMITS.grace, look);
  }

  #shownUntil(kind: CommandKind, from: number): number {
    const shownAt = this.#world.told.shownAt(DURING[kind]);
    if (kind === "print_file") return shownAt < from ? from : from + LIMITS.download - LIMITS.settle;
    return Math.min(shownAt, from + LIMITS.transient);
  }

  #checkRead({ id, kind }: Command): void {
    const { sent, tally } = this.#world;
    const isProven = this.#isProven(id);
    if (!isProven) this.#believed.add(id);
    if (sent.find(id)?.readAt != null) return;
    hold(!isProven, "read-by-agent", `${kind} ${id} is called delivered, and no agent read it`);
    const who =
      sent.find(id)?.owesReceipt === true ? "an agent's first receipt on a socket due" : "an agent without receipts";
    tally.count("network", `${who}: not read by then, believed because the printer did it`);
  }

  /** Its socket had brought a receipt by now, so that a report alone does not count as one. */
  #isProven(id: string): boolean {
    const connection = this.#world.sent.find(id)?.connection;
    const hasAnswered = connection !== undefined && this.#world.told.hasAnswered(connection);
    return hasAnswered && !this.isBelieved(id);
  }

  #checkSuccess(command: Command): void {
    const { machine, told, tally } = this.#world;
    const sent = this.#world.sent.find(command.id);
    // Without a receipt nobody knows when it was read: any report that was live at its creation may be the evidence.
    const since = (sent?.readAt ?? command.createdAt - LIMITS.live) - this.#world.lookMs;
    const truth = truthOf(machine, command, since);
    if (truth === "ended-otherwise" && !told.over.has(command.printExtId ?? 0)) {
      tally.count("network", "cancel inferred from a print whose own end was lost");
      return;
    }
    // Without a receipt only the agent's clock tells a report's age, and a stall of every frame shifts its offset.
    const isUnread = !this.#isProven(command.id) || command.deliveredAt === null;
    if (truth === "not-reached" && isUnread && truthOf(machine, command, 0) === "reached") {
      tally.count("network", "no receipt: success read from a report older than the command");
      return;
    }
    const what = `${command.kind} ${command.id}`;
    hold(truth === "reached", "outcome", `${what} is called succeeded, and the machine did not do it`);
  }

  #checkFailure(command: Command): void {
    const { lookMs, machine, sent, tally } = this.#world;
    if (!wasObeyed(machine, command)) return;
    const excuse = !this.#isProven(command.id)
      ? "no receipt: failure read from a report older than the command"
      : this.#handRefusedAt >= (sent.find(command.id)?.at ?? 0)
        ? "failure read from what the machine refused to somebody else meanwhile"
        : wasSeenObeyed(machine, command, lookMs)
          ? null
          : "failure of what was undone at the machine before its agent looked";
    hold(excuse !== null, "obeyed", `${command.kind} ${command.id} is called failed, and the machine did it`);
    tally.count("network", excuse);
  }
}
