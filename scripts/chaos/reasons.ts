/** Checks why a command was refused or superseded, against what the object was told and what the machine did. */
import type { Effect, Printer } from "../../src/domain/change.ts";
import type { Command, CommandReason } from "../../src/domain/command.ts";
import type { CommandKind } from "../../src/domain/command-kind.ts";
import type { Input } from "../../src/domain/printer.ts";
import type { Claims, Turn } from "./claims.ts";
import { ACTS_IN, type HandOvers, startsMotion } from "./handovers.ts";
import type { Hearsay } from "./hearsay.ts";
import type { Machine } from "./machine.ts";
import { wasInPrint, wasSettledAs } from "./outcomes.ts";
import { hold, LIMITS } from "./promises.ts";

export interface ReasonsWorld {
  readonly machine: Machine;
  readonly told: Hearsay;
  readonly sent: HandOvers;
  readonly claims: Claims;
  /** Nothing goes wrong in this world. */
  readonly isQuiet: boolean;
}

/** The step in which it happened. */
export interface Moment {
  readonly after: Printer;
  readonly effects: readonly Effect[];
  readonly input: Input;
  readonly now: number;
  /** When the open socket was heard before this step. */
  readonly heardBefore: number;
}

const OPPOSED_BY: Readonly<Record<CommandKind, readonly CommandKind[]>> = {
  pause: ["resume", "cancel"],
  resume: ["pause", "cancel"],
  cancel: [],
  // Only one that waits for its probe: what stops goes first.
  print_file: ["pause", "cancel"],
};

const CLOSING: readonly Input["type"][] = ["agent-opened", "agent-closed", "agent-lost", "send-failed"];

export class Reasons {
  readonly #world: ReasonsWorld;

  constructor(world: ReasonsWorld) {
    this.#world = world;
  }

  judge(turn: Turn, moment: Moment): void {
    const { id, kind, state, reason } = turn.command;
    if (state !== "rejected" && state !== "superseded") return;
    const isBorne =
      state === "rejected" ? this.#isRefusalBorne(turn, reason, moment) : this.#isDisplaced(turn, reason, moment);
    const promise = state === "rejected" ? "refusal" : "superseded";
    hold(isBorne, promise, `${kind} ${id} is ${state} as ${reason}, and that is not so`);
  }

  #isRefusalBorne({ command, from }: Turn, reason: CommandReason | null, moment: Moment): boolean {
    const { current } = moment.after.state;
    const meant = this.#world.sent.meantBy(command.id);
    switch (reason) {
      case "not_printing":
        return current === null && (meant !== null || !this.#isAtWork(command.kind, moment));
      case "file_coming":
        return current === null && this.#isDownloading();
      case "file_under_way":
        return current === null && (this.#isDownloading() || this.#isFileComing(command));
      case "wrong_print":
        return meant !== null && meant !== current?.id;
      case "printing":
        return current !== null && this.#wasInPrint(moment);
      case "already_paused":
        return this.#isReached(command, "paused", "resume", moment);
      case "not_paused":
        return this.#isReached(command, "printing", "pause", moment);
      case "print_ending":
        return current !== null && this.#world.told.cancelled.has(current.extId) && this.#isFresh(moment);
      case "agent_offline":
        return from === null ? this.#isSilent(command.kind, moment) : isUnheard(command, moment);
      default:
        return false;
    }
  }

  /** The machine is in a print, and this socket's agent has said so lately. */
  #isAtWork(kind: CommandKind, { now }: Moment): boolean {
    const { machine, told } = this.#world;
    if (machine.phase === "idle" || told.connection === null) return false;
    const status = told.statusOn(told.connection);
    if (status?.phase == null || !status.isSurelyLive || now - status.at > LIMITS.fresh) return false;
    return ACTS_IN[kind].includes(status.phase);
  }

  #isDownloading(): boolean {
    const { told } = this.#world;
    return told.liveStatusesOn(told.connection ?? 0).some(({ phase }) => phase === "downloading");
  }

  /** An earlier file was handed over, and may have been read; the same one is refused only once it was. */
  #isFileComing({ id, file }: Command): boolean {
    return [...this.#world.claims.commands.values()].some((other) => {
      if (other.kind !== "print_file" || other.id === id || other.sentAt === null) return false;
      const isUnread = other.state === "sent" || (other.state === "unknown" && other.deliveredAt === null);
      const isReadLate = other.state === "unknown" && (other.deliveredAt ?? 0) > (other.endedAt ?? 0);
      return other.state === "delivered" || isReadLate || (isUnread && other.file?.id !== file?.id);
    });
  }

  #wasInPrint({ now }: Moment): boolean {
    const { isQuiet, machine } = this.#world;
    return !isQuiet || wasInPrint(machine, now - LIMITS.regular);
  }

  /** The machine was there when the newest report left it, and nothing is on the way that changes that. */
  #isReached(command: Command, phase: "paused" | "printing", opposite: CommandKind, moment: Moment): boolean {
    const { isQuiet, machine } = this.#world;
    const { after, now } = moment;
    const isOnItsWay = after.state.ledger.some(
      ({ kind, state, printId }) =>
        kind === opposite && printId === command.printId && (state === "sent" || state === "delivered"),
    );
    if (isOnItsWay || !this.#isFresh(moment)) return false;
    return wasSettledAs(machine, phase, now - (isQuiet ? LIMITS.report : LIMITS.lateReport));
  }

  /** What was seen longer ago refuses nothing. */
  #isFresh({ now }: Moment): boolean {
    const { told } = this.#world;
    const status = told.statusOn(told.connection ?? 0);
    return status !== null && now - status.at <= LIMITS.fresh;
  }

  /** No socket is open, or nothing was heard for so long from an agent that would not answer a probe. */
  #isSilent(kind: CommandKind, { input, now }: Moment): boolean {
    const { told } = this.#world;
    if (input.type !== "command" || told.connection === null) return true;
    const isLong = now - told.heardAt(told.connection) > LIMITS.heardUnprobed;
    return startsMotion(kind) && isLong && !told.owesReceipts(told.connection);
  }

  #isDisplaced({ command, from }: Turn, reason: CommandReason | null, moment: Moment): boolean {
    switch (reason) {
      case "print_ended":
        return this.#isOver(command, moment);
      case "opposite_command":
        return this.#isFollowed(
          command,
          OPPOSED_BY[command.kind],
          (other) =>
            isOfPrint(other, command) && (from === "checking" || (command.kind !== "print_file" && isDone(other))),
        );
      case "replaced":
        return this.#isFollowed(command, [command.kind], ({ sentAt }) => from === "checking" || sentAt !== null);
      case "other_print":
        return this.#isOtherFile(command, moment);
      default:
        return false;
    }
  }

  #isOver(command: Command, { after, input }: Moment): boolean {
    const { isQuiet, machine } = this.#world;
    if (command.printId === null) return input.type === "frame";
    const isGone = !isQuiet || machine.print?.ts !== command.printExtId;
    return isGone && after.state.current?.id !== command.printId;
  }

  #isFollowed(command: Command, kinds: readonly CommandKind[], isEnough: (other: Command) => boolean): boolean {
    const { claims, sent } = this.#world;
    return [...claims.commands.values()].some(
      (other) => kinds.includes(other.kind) && sent.isBefore(command.id, other.id) && isEnough(other),
    );
  }

  /** One that is bound to no print is displaced by any that begins. */
  #isOtherFile({ kind, file }: Command, { after, input }: Moment): boolean {
    const { current } = after.state;
    if (kind !== "print_file") return input.type === "frame" && input.frame.report?.event?.type === "started";
    return current !== null && current.gCodeFileId !== file?.id;
  }
}

/** One that is bound to no print acts on whichever is there. */
function isOfPrint({ printId }: Command, command: Command): boolean {
  return printId === command.printId || printId === null || command.printId === null;
}

function isDone({ state, deliveredAt }: Command): boolean {
  return deliveredAt !== null || state === "succeeded";
}

/** Its socket closed, or took no frame, or brought none within the time that a probe has. */
function isUnheard({ createdAt }: Command, { effects, heardBefore, input, now }: Moment): boolean {
  if (CLOSING.includes(input.type) || effects.some(({ type }) => type === "close-agent")) return true;
  return now - createdAt >= LIMITS.probe && heardBefore <= createdAt;
}
