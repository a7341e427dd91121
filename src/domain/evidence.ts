/** What a report, or an agent's answer, says about one command: the table of evidence. */
import type { Command, CommandReason, Evidence, Marks } from "./command.ts";
import { kindDoneBy, type PrintCommandKind, type PrintCommandTraits, printTraitsOf } from "./command-kind.ts";
import type { Phase } from "./phase.ts";
import type { PrintEnd } from "./print.ts";
import type { PassthruAnswer } from "./report.ts";

/** What one report does to a command; without a finding only its marks change. */
export interface Verdict {
  readonly marks: Marks;
  readonly finding: Finding | null;
}

export interface Finding {
  readonly state: "delivered" | "succeeded" | "failed" | "superseded";
  readonly reason: CommandReason | null;
}

const DELIVERED: Finding = { state: "delivered", reason: null };
const SUCCEEDED: Finding = { state: "succeeded", reason: null };
const NOT_OBEYED: Finding = { state: "failed", reason: "not_obeyed" };
const REFUSED: Finding = { state: "failed", reason: "refused" };
const HIT_OTHER_PRINT: Finding = { state: "failed", reason: "other_print" };
export const PRINT_ENDED: Finding = { state: "superseded", reason: "print_ended" };
const OTHER_PRINT_BEGAN: Finding = { state: "superseded", reason: "other_print" };

const RUN_OF_PAUSED = 2;

/** The receipt. Moonraker's agent answers a state probe with an error, which is a receipt as well. */
export function weighReceipt(command: Command, answer: PassthruAnswer): Finding {
  if (command.kind === "print_file") return answer.error === null ? DELIVERED : REFUSED;
  const obeyed: readonly (Phase | "unknown")[] = printTraitsOf(command.kind).obeyed;
  return answer.phase === null || obeyed.includes(answer.phase) ? DELIVERED : REFUSED;
}

/** `isBehind`: an earlier command on that socket has not ended and takes the evidence; a print's end settles all of them. */
export function weighReport(command: Command, evidence: Evidence, isBehind: boolean): Verdict {
  const { kind, marks } = command;
  if (kind === "print_file") return { marks, finding: weighFile(command, evidence) };
  const finding = weighPrint(command, kind, evidence, isBehind);
  return { marks: isBehind ? marks : markReport(command, kind, evidence), finding };
}

function weighPrint(command: Command, kind: PrintCommandKind, evidence: Evidence, isBehind: boolean): Finding | null {
  const isOwn = evidence.connection === command.connection;
  if (isOwn && isReceiptOwed(command, evidence)) return weighUnread(command, kind, evidence);
  const isOpen = command.state === "sent" || command.state === "delivered";
  const isJudged = isOwn && evidence.isLive && isOpen && !isBehind;
  if (isJudged && hitsOtherPrint(command, kind, evidence)) return HIT_OTHER_PRINT;
  const ended = weighEnd(command, kind, evidence);
  if (ended !== null) return ended;
  if (isBehind || !evidence.isLive || evidence.printExtId !== command.printExtId) return null;
  // A command delivered on an earlier socket is first given up at its limit; only then may a later socket settle it.
  const isWaiting = command.state === "checking" || (command.state === "delivered" && !isOwn);
  if (isWaiting) return null;
  return isJudged ? weighOwn(command, kind, evidence) : weighLater(kind, evidence, isOwn);
}

/** Frames keep their order: what is seen before the receipt was not caused by this command. */
function isReceiptOwed({ state, deliveredAt }: Command, evidence: Evidence): boolean {
  return evidence.gaveReceipt && deliveredAt === null && (state === "sent" || state === "unknown");
}

/** Without a receipt only its print's end ends a command; a cancel stays open then, because it may have been read. */
function weighUnread(command: Command, kind: PrintCommandKind, evidence: Evidence): Finding | null {
  return weighEnd(command, kind, evidence) === PRINT_ENDED ? PRINT_ENDED : null;
}

/** After its own print was seen to obey, a transient phase under another print's time stamp is a leftover. */
function hitsOtherPrint(command: Command, kind: PrintCommandKind, evidence: Evidence): boolean {
  const { printExtId } = evidence;
  const isOther = printExtId !== null && printExtId !== -1 && printExtId !== command.printExtId;
  const { sawTransient, isDoubtful } = command.marks;
  return isOther && isTransient(kind, evidence) && !sawTransient && !isDoubtful;
}

function isTransient(kind: PrintCommandKind, { phase, event }: Evidence): boolean {
  const { transient, transientEvents } = printTraitsOf(kind);
  return phase === transient || (event !== null && transientEvents.includes(event.type));
}

/** Ends that count as brought about by a cancel; inferred ones do, too. */
const CANCELLED_BY: ReadonlySet<PrintEnd> = new Set(["cancelled", "failed", "idle", "other-print"]);

function weighEnd(command: Command, kind: PrintCommandKind, evidence: Evidence): Finding | null {
  const { ended, isLive } = evidence;
  const by = ended?.extId === command.printExtId ? ended.by : null;
  const isEnd = by !== null || (isLive && isOver(command, evidence));
  if (!isEnd) return null;
  if (!printTraitsOf(kind).endsPrint || (by !== null && !CANCELLED_BY.has(by))) return PRINT_ENDED;
  // A cancellation in a backlog may be older than the command: the first live report after it decides.
  return isLive ? SUCCEEDED : null;
}

function isOver(command: Command, { printExtId, current }: Evidence): boolean {
  if (printExtId === null || printExtId === -1) return printExtId === -1;
  return printExtId !== command.printExtId && printExtId === current?.extId;
}

/** Live evidence from the socket that carried the command, under the bound print's time stamp. */
function weighOwn(command: Command, kind: PrintCommandKind, evidence: Evidence): Finding | null {
  const { phase, event } = evidence;
  const { marks } = command;
  const traits = printTraitsOf(kind);
  if (event?.type === traits.doneEvent) return SUCCEEDED;
  if (isTransient(kind, evidence)) return command.state === "sent" ? DELIVERED : null;
  if (phase === traits.done) return isSettled(command, traits.doneAlso) ? SUCCEEDED : null;
  const isUndone = phase !== null && traits.undone.includes(phase);
  return isUndone && marks.sawTransient && !marks.isDoubtful ? NOT_OBEYED : null;
}

function isSettled(command: Command, doneAlso: PrintCommandTraits["doneAlso"]): boolean {
  const { sawTransient, wasPaused, pausedRun } = command.marks;
  if (sawTransient) return true;
  if (doneAlso === "twice") return pausedRun + 1 >= RUN_OF_PAUSED;
  return doneAlso === "after-paused" && command.state === "delivered" && wasPaused;
}

/** On a later socket, or once its own command was given up, evidence may only make it `succeeded`. */
function weighLater(kind: PrintCommandKind, { phase, event }: Evidence, isOwn: boolean): Finding | null {
  const { doneEvent, done, isSettledLater } = printTraitsOf(kind);
  if (isOwn && event?.type === doneEvent) return SUCCEEDED;
  return isSettledLater && phase === done ? SUCCEEDED : null;
}

/** No print was current when it was taken: the one that began since is recognised by its file. */
function weighFile({ file, state }: Command, { isLive, current }: Evidence): Finding | null {
  if (!isLive || state === "checking" || file === null || current === null || current.gCodeFileId === null) return null;
  return current.gCodeFileId === file.id ? SUCCEEDED : OTHER_PRINT_BEGAN;
}

function markReport(command: Command, kind: PrintCommandKind, evidence: Evidence): Marks {
  const { marks, state } = command;
  const { phase } = evidence;
  if (evidence.connection !== command.connection || (state !== "sent" && state !== "delivered")) return marks;
  // A report from a backlog is no evidence, but what it skips may explain a later contradiction.
  if (!evidence.isLive || isOthersEvent(kind, evidence)) return doubt(marks);
  if (evidence.printExtId !== command.printExtId) return marks;
  const sawTransient = marks.sawTransient || isTransient(kind, evidence);
  if (phase === null) return sawTransient === marks.sawTransient ? marks : { ...marks, sawTransient };
  const { done, doneAlso } = printTraitsOf(kind);
  const wasPaused = doneAlso === "after-paused" && state === "sent" ? phase === "paused" : marks.wasPaused;
  const isRun = doneAlso === "twice" && phase === done;
  const pausedRun = isRun ? Math.min(marks.pausedRun + 1, RUN_OF_PAUSED) : 0;
  const isSame = sawTransient === marks.sawTransient && wasPaused === marks.wasPaused && pausedRun === marks.pausedRun;
  return isSame ? marks : { ...marks, wasPaused, sawTransient, pausedRun };
}

/** The event of another kind's command: after it Moonraker's agent may show an earlier state once more. */
function isOthersEvent(kind: PrintCommandKind, { event }: Evidence): boolean {
  const done = event === null ? undefined : kindDoneBy(event.type);
  return done !== undefined && done !== kind;
}

export function doubt(marks: Marks): Marks {
  return marks.isDoubtful ? marks : { ...marks, isDoubtful: true };
}
