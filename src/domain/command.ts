/** A command and the ledger that holds it: states, shapes, and what can be read from them. */
import type { CommandKind } from "./command-kind.ts";
import type { Phase } from "./phase.ts";
import type { PrintEnd } from "./print.ts";
import type { ReportedEvent } from "./report.ts";
import type { ThreadView } from "./threads.ts";

export const COMMAND_STATES = [
  "rejected",
  "checking",
  "sent",
  "delivered",
  "succeeded",
  "failed",
  "unknown",
  "superseded",
] as const;
export type CommandState = (typeof COMMAND_STATES)[number];

/** Why a command was refused, failed or was given up. */
export type CommandReason =
  | "agent_offline"
  | "not_printing"
  | "file_coming"
  | "wrong_print"
  | "printing"
  | "file_under_way"
  | "already_paused"
  | "not_paused"
  | "print_ending"
  | "no_receipt"
  | "connection_lost"
  | "not_settled"
  | "not_obeyed"
  | "refused"
  | "other_print"
  | "print_ended"
  | "opposite_command"
  | "replaced";

export const INITIATORS = ["api", "web", "system"] as const;
type Initiator = (typeof INITIATORS)[number];

/** A command as the ledger shows it. Times are epoch milliseconds. */
export interface CommandRecord {
  /** 128 random bits as text, made by the Worker. */
  readonly id: string;
  readonly kind: CommandKind;
  readonly state: CommandState;
  readonly reason: CommandReason | null;
  /** With which the agent, or its printer, refused it, bounded and without credentials; null: none. */
  readonly agentWords: string | null;
  /** The print it is bound to; null when none was current. A file's command gets the print that it began. */
  readonly printId: number | null;
  readonly initiator: Initiator;
  /** Null for the service itself. */
  readonly userId: number | null;
  /** Name of the token that it was given with; null for the service itself and for sign-ins. */
  readonly tokenName: string | null;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly settleBy: number | null;
  readonly sentAt: number | null;
  readonly deliveredAt: number | null;
  readonly endedAt: number | null;
}

/** What an agent needs to print a file: one of the cloud, which it fetches first, or one that lies on its printer. */
export interface PrintFile {
  readonly id: number;
  /** Opens at the origin that the agent dialled, without credentials; of one on the printer the agent's own path. */
  readonly path: string;
  readonly filename: string;
  readonly safeFilename: string;
  /** By which its agent knows one that lies on the printer; null for one of the cloud. */
  readonly agentSignature: string | null;
}

/** What the socket that carried a command has shown since. */
export interface Marks {
  /** The newest live phase was `paused` when the frame was handed over, or since then before the receipt. */
  readonly wasPaused: boolean;
  /** The command's own transient phase (or event) was seen. */
  readonly sawTransient: boolean;
  /** So many frames in a row showed `paused`. */
  readonly pausedRun: number;
  /** Something else was going on meanwhile: a phase that contradicts the command may be about that. */
  readonly isDoubtful: boolean;
  /** Arrival of the first live report, of those in a row, whose phase contradicts the command after its transient one. */
  readonly contradictedAt: number | null;
}

/** Plain JSON: stored in the printer's state row. */
export interface Command extends CommandRecord {
  /** The bound print's `current_print_ts`. */
  readonly printExtId: number | null;
  readonly file: PrintFile | null;
  /** `c:` and 16 random letters: the answer to this ref is the receipt. */
  readonly ref: string;
  /** `p:` and 16 random letters, for the probe before anything that starts motion. */
  readonly probeRef: string;
  /** While `checking`: when a missing answer means that nobody is there. */
  readonly probeBy: number | null;
  /** How its frame goes: as the agent's own command, or as a call that leaves OctoPrint's pause scripts alone [C70]. */
  readonly via: "commands" | "passthru";
  /** Number of the socket that carries it; null only for a rejected one without a socket. */
  readonly connection: number | null;
  readonly marks: Marks;
}

/** Commands in flight, and unknown ones that a live report may still settle, in the order in which they were taken. */
export type Ledger = readonly Command[];

export interface CommandRequest {
  readonly id: string;
  readonly kind: CommandKind;
  /** The print that the caller means; null: whichever is current. */
  readonly printId: number | null;
  /** Null but for `print_file`. */
  readonly file: PrintFile | null;
  readonly initiator: Initiator;
  readonly userId: number | null;
  readonly tokenName: string | null;
  /** Random, made by the shell, like `Command`'s. */
  readonly ref: string;
  readonly probeRef: string;
}

/** What is known about the agent when a command is judged. */
export interface AgentFacts {
  readonly connection: number;
  /** Arrival of the newest frame, or the socket's opening. */
  readonly lastFrameAt: number;
  /** Its dialect answers every ref, or it answered one on this socket: no receipt then means that nobody read the frame. */
  readonly expectsReceipt: boolean;
  /** Newest live phase on this socket, and its arrival. */
  readonly phase: Phase | null;
  readonly phaseAt: number | null;
  /** Of the newest status that is shown, whichever socket brought it. */
  readonly shownPhase: Phase | null;
  /** How a pause has to go to it. */
  readonly pauseVia: Command["via"];
  /** So many of its threads are at work that another's end could not be told from theirs. */
  readonly isCrowded: boolean;
  /** Arrival of the newest live `downloading` on this socket. */
  readonly downloadSeenAt: number | null;
  /** The event of a pause, or `paused` twice in a row, and no later resume, on this socket. */
  readonly isPauseSeen: boolean;
  /** The current print's event of a cancellation was seen on this socket. */
  readonly isCancelSeen: boolean;
}

export interface BoundPrint {
  readonly id: number;
  readonly extId: number;
  readonly gCodeFileId: number | null;
}

export interface LedgerFacts {
  readonly print: BoundPrint | null;
  /** Null when no agent socket is open. */
  readonly agent: AgentFacts | null;
}

/** One report, as far as it may tell what became of a command. */
export interface Evidence {
  readonly connection: number;
  /** Arrival, epoch milliseconds. */
  readonly at: number;
  /** The agent gave a receipt on this socket: a command without its own then counts as unread. */
  readonly gaveReceipt: boolean;
  readonly isLive: boolean;
  readonly phase: Phase | null;
  /** Null also for a repetition. */
  readonly event: ReportedEvent | null;
  readonly printExtId: number | null;
  /** After this report was applied. */
  readonly current: BoundPrint | null;
  /** The print that this report ended. */
  readonly ended: { readonly extId: number; readonly by: PrintEnd } | null;
  /** How the agent's threads stand after this report; null for an agent that has none of its own for each command. */
  readonly threads: ThreadView | null;
}

export type LedgerEffect =
  /** Hand the command and its receipt probe to its socket, in one frame. */
  | { readonly type: "send-command"; readonly command: Command }
  | { readonly type: "send-probe"; readonly ref: string }
  /** Keep and project its image; comes again when an `unknown` one is settled or turns out to be delivered. */
  | { readonly type: "command-ended"; readonly command: Command };

export interface LedgerStep {
  readonly ledger: Ledger;
  readonly effects: readonly LedgerEffect[];
}

const RECEIPT_MS = 2_000;
/** From the taking of a command whose probe goes out first: 3 s for that, then the receipt. */
const PROBED_RECEIPT_MS = 5_000;

/** An `unknown` command is settled by what a printer shows for so long; by its event and its print's end until that end. */
const SETTLED_LATER_MS = 10 * 60_000;

/** Whether what a printer shows may still be the work of this command. */
export function isOpen(command: CommandRecord, now: number): boolean {
  return isInFlight(command) || (command.endedAt !== null && now - command.endedAt < SETTLED_LATER_MS);
}

/** Of the same print, or one of them of none: that acts on whichever the machine has. */
export function isOfSamePrint(one: Pick<Command, "printId">, other: Pick<Command, "printId">): boolean {
  return one.printId === other.printId || one.printId === null || other.printId === null;
}

/** Whether its frame may still be obeyed, or evidence of that may still come. */
export function isInFlight(command: CommandRecord): boolean {
  return command.state === "checking" || command.state === "sent" || command.state === "delivered";
}

/**
 * What REST answers. `believesSent`: the agent is not expected to give receipts, and is believed. An outcome
 * that turned up without anybody having read the frame (another's, most likely) is no success of it.
 */
export function commandSucceeded(command: CommandRecord, believesSent: boolean): boolean {
  if (command.state === "sent") return believesSent;
  return command.deliveredAt !== null && (command.state === "delivered" || command.state === "succeeded");
}

/** Until when a caller that set no limit waits for its command's receipt, epoch milliseconds. */
export function receiptDueAt({ state, createdAt, sentAt }: CommandRecord): number {
  return state === "checking" ? createdAt + PROBED_RECEIPT_MS : (sentAt ?? 0) + RECEIPT_MS;
}

/** The reason to show at `now`; a frame without a receipt has one before it has ended. */
export function visibleReason(command: CommandRecord, believesSent: boolean, now: number): CommandReason | null {
  if (command.state !== "sent" || command.sentAt === null || believesSent) return command.reason;
  return now - command.sentAt >= RECEIPT_MS ? "no_receipt" : null;
}

/** The part of a command that is kept and shown. */
export function recordOf(command: Command): CommandRecord {
  const { printExtId, file, ref, probeRef, probeBy, via, connection, marks, ...record } = command;
  return record;
}

/** A print whose end is inferred meanwhile was probably cancelled by it [L22]. */
export function isCancelUnderWay(ledger: Ledger, printId: number): boolean {
  return ledger.some((command) => command.kind === "cancel" && isOfSamePrint(command, { printId }));
}

/** When `onTime` has work next, epoch milliseconds; null: nothing is in flight. */
export function ledgerDeadline(ledger: Ledger): number | null {
  const due = ledger.map(deadlineOf).filter((at) => at !== null);
  return due.length === 0 ? null : Math.min(...due);
}

/** When a command in flight is given up; null for the others. */
export function deadlineOf(command: Command): number | null {
  if (command.state === "checking") return command.probeBy;
  if (command.state === "sent") return command.expiresAt;
  return command.state === "delivered" ? command.settleBy : null;
}
