/** What a report, or an agent's answer, says about one command: the table of evidence. */
import { type Command, type CommandReason, type Evidence, isOpen, type Marks } from "./command.ts";
import { type PrintCommandKind, type PrintCommandTraits, printTraitsOf } from "./command-kind.ts";
import { isAtRest, type Phase } from "./phase.ts";
import type { PrintEnd } from "./print.ts";
import type { PassthruAnswer } from "./report.ts";
import { isBelievable, refusalSince } from "./threads.ts";

/** What one report does to a command; without a finding only its marks change. */
export interface Verdict {
  readonly marks: Marks;
  readonly finding: Finding | null;
}

export interface Finding {
  readonly state: "delivered" | "succeeded" | "failed" | "superseded";
  readonly reason: CommandReason | null;
  /** Of an agent, or its printer, that refused it. */
  readonly agentWords?: string | null;
}

const DELIVERED: Finding = { state: "delivered", reason: null };
const SUCCEEDED: Finding = { state: "succeeded", reason: null };
const NOT_OBEYED: Finding = { state: "failed", reason: "not_obeyed" };
const REFUSED = { state: "failed", reason: "refused" } as const satisfies Finding;
const HIT_OTHER_PRINT: Finding = { state: "failed", reason: "other_print" };
export const PRINT_ENDED: Finding = { state: "superseded", reason: "print_ended" };
const OTHER_PRINT_BEGAN: Finding = { state: "superseded", reason: "other_print" };

const RUN_OF_PAUSED = 2;
/** An agent without threads of its own has to show the contrary for so long. */
const CONTRADICTED_MS = 20_000;

/** The receipt. Moonraker's agent answers a state probe with an error, which is a receipt as well. */
export function weighReceipt(command: Command, answer: PassthruAnswer): Finding {
  const { error: agentWords } = answer;
  if (command.kind === "print_file" || command.via === "passthru")
    return agentWords === null ? DELIVERED : { ...REFUSED, agentWords };
  const obeyed: readonly (Phase | "unknown")[] = printTraitsOf(command.kind).obeyed;
  return answer.phase === null || obeyed.includes(answer.phase) ? DELIVERED : REFUSED;
}

/** `isBehind`: an earlier command on that socket has not ended and takes the evidence; a print's end settles all of them. */
export function weighReport(command: Command, evidence: Evidence, isBehind: boolean): Verdict {
  const { kind } = command;
  if (kind === "print_file") return { marks: markFile(command, evidence), finding: weighFile(command, evidence) };
  const finding = weighPrint(command, kind, evidence, isBehind);
  return { marks: markReport(command, kind, evidence, isBehind), finding };
}

function weighPrint(command: Command, kind: PrintCommandKind, evidence: Evidence, isBehind: boolean): Finding | null {
  if (command.printId === null) return weighUnbound(command, kind, evidence, isBehind);
  const isOwn = evidence.connection === command.connection;
  if (isOwn && isReceiptOwed(command, evidence)) return weighUnread(command, kind, evidence);
  if (isJudged(command, evidence, isBehind) && hitsOtherPrint(command, kind, evidence)) return HIT_OTHER_PRINT;
  const ended = weighEnd(command, kind, evidence);
  if (ended !== null) return ended;
  return evidence.printExtId === command.printExtId ? weighShown(command, kind, evidence, isBehind) : null;
}

/** Given to a machine whose print nobody knew: phases alone tell, whatever the time stamp, until a print is told to begin [C72]. */
function weighUnbound(command: Command, kind: PrintCommandKind, evidence: Evidence, isBehind: boolean): Finding | null {
  if (evidence.connection === command.connection && isReceiptOwed(command, evidence)) return null;
  if (evidence.isLive && evidence.event?.type === "started") return OTHER_PRINT_BEGAN;
  return weighShown(command, kind, { ...evidence, event: null }, isBehind);
}

/** From its own socket, in its turn, while it is in flight: such evidence may also fail it. */
function isJudged({ connection, state }: Command, evidence: Evidence, isBehind: boolean): boolean {
  const isInTurn = evidence.connection === connection && evidence.isLive && !isBehind;
  return isInTurn && (state === "sent" || state === "delivered");
}

function weighShown(command: Command, kind: PrintCommandKind, evidence: Evidence, isBehind: boolean): Finding | null {
  if (!evidence.isLive || command.state === "checking") return null;
  // An event names its kind, so it needs no turn; phases may be those of the command before.
  if (isBehind) return isToldDone(command, kind, evidence) ? SUCCEEDED : null;
  return isJudged(command, evidence, isBehind)
    ? weighOwn(command, kind, evidence)
    : weighLater(command, kind, evidence);
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

function isToldDone({ state }: Command, kind: PrintCommandKind, { event }: Evidence): boolean {
  return state === "delivered" && event?.type === printTraitsOf(kind).doneEvent;
}

/** Whether the agent shows that it is at it: its transient phase, live, whichever socket brings it. */
export function isAtIt(command: Command, evidence: Evidence): boolean {
  if (command.kind === "print_file" || !evidence.isLive || !isOfItsPrint(command, evidence)) return false;
  return isTransient(command.kind, evidence);
}

function isOfItsPrint({ printId, printExtId }: Command, evidence: Evidence): boolean {
  return printId === null || evidence.printExtId === printExtId;
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

/** A time stamp can come twice, and -1 may be another agent's: what counts is the print that is current now. */
function isOver(command: Command, { printExtId, current }: Evidence): boolean {
  if (printExtId === null || current?.id === command.printId) return false;
  return printExtId === -1 || printExtId === current?.extId;
}

/** Live evidence from the socket that carried the command, under the bound print's time stamp. */
function weighOwn(command: Command, kind: PrintCommandKind, evidence: Evidence): Finding | null {
  const { phase, event } = evidence;
  const traits = printTraitsOf(kind);
  if (event?.type === traits.doneEvent) return SUCCEEDED;
  if (isTransient(kind, evidence)) return command.state === "sent" ? DELIVERED : null;
  if (phase === traits.done) return isSettled(command, doneAlsoOf(command, kind)) ? SUCCEEDED : null;
  return isContradicted(command, kind, evidence) ? notObeyed(command, evidence) : null;
}

/** With what the firmware said since the frame was sent, if it said anything. */
function notObeyed({ sentAt }: Command, { threads }: Evidence): Finding {
  return { ...NOT_OBEYED, agentWords: threads === null ? null : refusalSince(threads, sentAt ?? 0) };
}

/** A phase that contradicts is weak evidence: an agent may show for a while what was [C71]. */
function isContradicted({ sentAt, marks }: Command, kind: PrintCommandKind, evidence: Evidence): boolean {
  if (!isUndone(kind, evidence) || !marks.sawTransient || marks.isDoubtful || sentAt === null) return false;
  const { threads, at } = evidence;
  if (threads !== null) return isBelievable(threads, sentAt, at);
  return marks.contradictedAt !== null && at - marks.contradictedAt >= CONTRADICTED_MS;
}

function isUndone(kind: PrintCommandKind, { phase }: Evidence): boolean {
  return phase !== null && printTraitsOf(kind).undone.includes(phase);
}

/** Nothing else tells the end of what is bound to no print, so a cancel of that is done by `idle` twice in a row as well. */
function doneAlsoOf({ printId }: Command, kind: PrintCommandKind): PrintCommandTraits["doneAlso"] {
  const { doneAlso, endsPrint } = printTraitsOf(kind);
  return endsPrint && printId === null ? "twice" : doneAlso;
}

function isSettled(command: Command, doneAlso: PrintCommandTraits["doneAlso"]): boolean {
  const { sawTransient, wasPaused, pausedRun } = command.marks;
  if (sawTransient) return true;
  if (doneAlso === "twice") return pausedRun + 1 >= RUN_OF_PAUSED;
  return doneAlso === "after-paused" && command.state === "delivered" && wasPaused;
}

/** On a later socket, or once it was given up, evidence may only make it `succeeded`; its event also after a long time. */
function weighLater(
  command: Command,
  kind: PrintCommandKind,
  { connection, phase, event, at }: Evidence,
): Finding | null {
  const { doneEvent, done, isSettledLater } = printTraitsOf(kind);
  const isToldOf = connection === command.connection || command.deliveredAt !== null;
  if (isToldOf && event?.type === doneEvent) return SUCCEEDED;
  return isSettledLater && phase === done && isOpen(command, at) ? SUCCEEDED : null;
}

/** No print was current when it was taken: the one that began since is recognised by its file. */
function weighFile({ file, state }: Command, { isLive, current }: Evidence): Finding | null {
  if (!isLive || state === "checking" || file === null || current === null || current.gCodeFileId === null) return null;
  return current.gCodeFileId === file.id ? SUCCEEDED : OTHER_PRINT_BEGAN;
}

/** What the agent does besides may take a download's text away, so after anything but rest that text counts anew. */
function markFile({ marks }: Command, { isLive, phase }: Evidence): Marks {
  if (!isLive || phase === null || isAtRest(phase)) return marks;
  return withMarks(marks, { sawTransient: phase === "downloading" });
}

function markReport(command: Command, kind: PrintCommandKind, evidence: Evidence, isBehind: boolean): Marks {
  const { marks, state } = command;
  const { phase, isLive } = evidence;
  if (evidence.connection !== command.connection || (state !== "sent" && state !== "delivered")) return marks;
  // A report from a backlog is no evidence, but what it skips may explain a later contradiction.
  if (!isLive) return isBehind ? marks : doubt(marks);
  if (!isOfItsPrint(command, evidence)) return marks;
  const sawTransient = marks.sawTransient || isTransient(kind, evidence);
  const { done, doneEvent } = printTraitsOf(kind);
  const doneAlso = doneAlsoOf(command, kind);
  const isUncounted = isBehind || isReceiptOwed(command, evidence);
  // It was done, for all that is known, before anything may count: what contradicts that later is something else.
  const isDone = evidence.event?.type === doneEvent || phase === done;
  const isDoubtful = marks.isDoubtful || (isUncounted && sawTransient && isDone);
  if (isBehind || phase === null) return withMarks(marks, { sawTransient, isDoubtful });
  const wasPaused = doneAlso === "after-paused" && state === "sent" ? phase === "paused" : marks.wasPaused;
  const isRun = doneAlso === "twice" && phase === done;
  const pausedRun = isRun ? Math.min(marks.pausedRun + 1, RUN_OF_PAUSED) : 0;
  const isContrary = sawTransient && isUndone(kind, evidence);
  const contradictedAt = isContrary ? (marks.contradictedAt ?? evidence.at) : null;
  return withMarks(marks, { sawTransient, isDoubtful, wasPaused, pausedRun, contradictedAt });
}

/** The same object where nothing changes: then nothing is stored. */
function withMarks(marks: Marks, patch: Partial<Marks>): Marks {
  const next = { ...marks, ...patch };
  return JSON.stringify(next) === JSON.stringify(marks) ? marks : next;
}

export function doubt(marks: Marks): Marks {
  return marks.isDoubtful ? marks : { ...marks, isDoubtful: true };
}
