/** Judges every frame at the moment in which it is handed to a socket. */
import type { Command } from "../../src/domain/command.ts";
import type { CommandKind } from "../../src/domain/command-kind.ts";
import type { Phase } from "../../src/domain/phase.ts";
import type { Input } from "../../src/domain/printer.ts";
import type { HeardStatus, Hearsay } from "./hearsay.ts";
import { hold, LIMITS } from "./promises.ts";

/** A frame that was handed over, and what the agent did with it. */
export interface Sent {
  readonly command: Command;
  readonly at: number;
  readonly connection: number;
  /** The agent was known to give receipts. */
  readonly owesReceipt: boolean;
  /** The newest live status showed the machine at work, and no pause was handed over since. */
  readonly wasShownAtWork: boolean;
  /** The agent had said its name. */
  readonly isToKnown: boolean;
  readAt: number | null;
}

interface Taken {
  readonly at: number;
  readonly order: number;
  readonly connection: number | null;
  readonly meant: number | null;
}

export class HandOvers {
  readonly #told: Hearsay;
  readonly #taken = new Map<string, Taken>();
  readonly #sent = new Map<string, Sent>();
  readonly #byRef = new Map<string, Sent>();
  #order = 0;
  #lastOrder = 0;
  #pausedAt = Number.NEGATIVE_INFINITY;

  constructor(told: Hearsay) {
    this.#told = told;
  }

  get all(): Iterable<Sent> {
    return this.#sent.values();
  }

  find(commandId: string): Sent | undefined {
    return this.#sent.get(commandId);
  }

  findByRef(ref: string): Sent | undefined {
    return this.#byRef.get(ref);
  }

  /** The object took the command in, whatever it did then; a caller whose command joined a twin may send its id again. */
  onTaken(commandId: string, meant: number | null, now: number): void {
    this.#order += 1;
    const { connection } = this.#told;
    this.#taken.set(commandId, { at: now, order: this.#order, connection, meant });
  }

  /** The print that the caller named; null: none. */
  meantBy(commandId: string): number | null {
    return this.#taken.get(commandId)?.meant ?? null;
  }

  /** Whether the object took `one` before `other`. */
  isBefore(one: string, other: string): boolean {
    return (this.#taken.get(one)?.order ?? 0) < (this.#taken.get(other)?.order ?? 0);
  }

  onHandOver(command: Command, connection: number, input: Input, now: number): void {
    const { id, ref, kind } = command;
    const what = `${kind} ${id}`;
    const earlier = this.#byRef.get(ref);
    const isAgain = earlier === undefined || isSameFile(earlier.command, command);
    hold(!this.#sent.has(id) && isAgain, "one-frame", `${what} was handed over twice`);
    hold(input.type === "command" || input.type === "frame", "reconnect", `${what} was released by ${input.type}`);
    const taken = this.#taken.get(id);
    hold(taken !== undefined, "reconnect", `${what} was handed over, and nobody asked for it`);
    const over = `${what} was taken over socket ${taken.connection} and handed to ${connection}`;
    hold(taken.connection === connection, "reconnect", over);
    const age = now - taken.at;
    hold(age < LIMITS.expires, "deadline", `${what} was handed over ${age} ms after it was taken`);
    hold(taken.order > this.#lastOrder, "order", `${what} was handed over after one that was taken later`);
    this.#checkPrint(command, taken, now);
    if (startsMotion(kind)) this.#checkHeard(what, connection, now);
    this.#lastOrder = taken.order;
    const owesReceipt = this.#told.owesReceipts(connection);
    const wasShownAtWork = this.#isShownFor("pause", connection, this.#pausedAt);
    if (kind === "pause") this.#pausedAt = now;
    const sent: Sent = {
      command,
      at: now,
      connection,
      owesReceipt,
      wasShownAtWork,
      isToKnown: this.#told.isIntroduced,
      // An agent takes a ref once: that frame is then read for both.
      readAt: earlier?.readAt ?? null,
    };
    this.#sent.set(id, sent);
    this.#byRef.set(ref, sent);
  }

  #checkPrint({ kind, id, printId, printExtId, connection }: Command, { meant }: Taken, now: number): void {
    const { printTs, over, left } = this.#told;
    const what = `${kind} ${id}`;
    hold(meant === null || meant === printId, "meant-print", `${what} is for print ${printId}, not for ${meant}`);
    const isCurrent = printTs !== null && printTs !== -1 && !over.has(printTs);
    if (kind === "print_file") {
      const isFree = !isCurrent || left.has(printTs);
      hold(isFree, "current-print", `${what} was handed over while print ${printTs} was reported`);
      return;
    }
    if (printId === null) {
      const isShown = this.#isShownFor(kind, connection ?? 0, now - LIMITS.fresh);
      hold(isShown, "current-print", `${what} is for no print, and the agent shows none that it could act on`);
      return;
    }
    const isKept = isCurrent && printTs === printExtId;
    hold(isKept, "current-print", `${what} is for ${printExtId}, the last report was of ${printTs}`);
  }

  /** The newest live status of that socket is in a phase of the kind, and no older than `since`. */
  #isShownFor(kind: CommandKind, connection: number, since: number): boolean {
    const isFit = ({ phase, at }: HeardStatus) => phase !== null && ACTS_IN[kind].includes(phase) && at >= since;
    return this.#told.liveStatusesOn(connection).some(isFit);
  }

  #checkHeard(what: string, connection: number, now: number): void {
    const silent = now - this.#told.heardAt(connection);
    const isProbed = this.#told.owesReceipts(connection);
    const most = isProbed ? LIMITS.heard : LIMITS.heardUnprobed;
    hold(silent <= most, "heard-lately", `${what} was handed to an agent that was silent for ${silent} ms`);
  }
}

/** The same file may be asked for again under the ref of the frame before. */
function isSameFile(one: Command, other: Command): boolean {
  return one.file !== null && one.file.id === other.file?.id;
}

/** Phases in which a command of that kind has something to act on. */
export const ACTS_IN: Readonly<Record<CommandKind, readonly Phase[]>> = {
  pause: ["starting", "printing", "resuming"],
  resume: ["paused"],
  cancel: ["starting", "printing", "pausing", "paused", "resuming", "finishing"],
  print_file: [],
};

/** Kinds that move the machine: read late, they start it while nobody expects that. */
export function startsMotion(kind: CommandKind): boolean {
  return kind === "resume" || kind === "print_file";
}
