/** What a report, or an agent's answer, says about one command: the table of design 5. */
import type { Command, CommandKind, Evidence, Marks } from "./command.ts";
import type { PrintEnd } from "./print.ts";
import type { PassthruAnswer } from "./report.ts";

/** Null: nothing new but the marks. */
export interface Verdict {
  readonly marks: Marks;
  readonly finding: Finding | null;
}

export interface Finding {
  readonly state: "delivered" | "succeeded" | "failed" | "superseded";
  readonly reason: string | null;
}

const DELIVERED: Finding = { state: "delivered", reason: null };
const SUCCEEDED: Finding = { state: "succeeded", reason: null };
const NOT_OBEYED: Finding = { state: "failed", reason: "not_obeyed" };
const REFUSED: Finding = { state: "failed", reason: "refused" };
const HIT_OTHER_PRINT: Finding = { state: "failed", reason: "other_print" };
export const PRINT_ENDED: Finding = { state: "superseded", reason: "print_ended" };
const OTHER_PRINT_BEGAN: Finding = { state: "superseded", reason: "other_print" };

type PrintKind = Exclude<CommandKind, "print_file">;

/** Words of both dialects: `done` is the settled text, `undone` are the texts that mean it was not obeyed. */
const WORDS = {
  pause: { transient: "Pausing", event: "PrintPaused", done: "Paused", undone: ["Printing"] },
  resume: { transient: "Resuming", event: "PrintResumed", done: "Printing", undone: ["Paused"] },
  cancel: { transient: "Cancelling", event: "PrintCancelled", done: "Operational", undone: ["Printing", "Paused"] },
} as const satisfies Record<PrintKind, unknown>;

/** OctoPrint's state ids right after it obeyed. */
const OBEYED: Readonly<Record<PrintKind, readonly string[]>> = {
  pause: ["PAUSING", "PAUSED"],
  resume: ["RESUMING", "PRINTING"],
  cancel: ["CANCELLING", "OPERATIONAL"],
};

const RUN_OF_PAUSED = 2;

/** The receipt. Moonraker's agent answers a state probe with an error, which is a receipt as well. */
export function weighReceipt(command: Command, answer: PassthruAnswer): Finding {
  if (command.kind === "print_file") return answer.error === null ? DELIVERED : REFUSED;
  if (answer.ret === null || OBEYED[command.kind].includes(answer.ret)) return DELIVERED;
  return REFUSED;
}

/** `isBehind`: an earlier command on that socket has not ended, and evidence is that one's; a print's end is everybody's. */
export function weighReport(command: Command, evidence: Evidence, isBehind: boolean): Verdict {
  const { kind, marks } = command;
  if (kind === "print_file") return { marks, finding: weighFile(command, evidence) };
  const finding = weighPrint(command, kind, evidence, isBehind);
  return { marks: isBehind ? marks : markText(command, kind, evidence), finding };
}

function weighPrint(command: Command, kind: PrintKind, evidence: Evidence, isBehind: boolean): Finding | null {
  const isOwn = evidence.connection === command.connection;
  if (isOwn && isReceiptOwed(command, evidence)) return weighUnread(command, evidence);
  const isOpen = command.state === "sent" || command.state === "delivered";
  const isJudged = isOwn && evidence.isLive && isOpen && !isBehind;
  if (isJudged && hitsOtherPrint(command, kind, evidence)) return HIT_OTHER_PRINT;
  const ended = weighEnd(command, evidence);
  if (ended !== null) return ended;
  if (isBehind || !evidence.isLive || evidence.printTs !== command.printExtId) return null;
  // What was read before its socket was lost is given up on first: only then a later socket may settle it.
  const isWaiting = command.state === "checking" || (command.state === "delivered" && !isOwn);
  if (isWaiting) return null;
  return isJudged ? weighOwn(command, kind, evidence) : weighLater(kind, evidence, isOwn);
}

/** The receipt comes in order with everything else: what comes before it is somebody else's doing, or older. */
function isReceiptOwed({ state, deliveredAt }: Command, evidence: Evidence): boolean {
  return evidence.owesReceipts && deliveredAt === null && (state === "sent" || state === "unknown");
}

/** A cancel whose print was cancelled waits for its receipt: it may have been read all the same. */
function weighUnread(command: Command, evidence: Evidence): Finding | null {
  return weighEnd(command, evidence) === PRINT_ENDED ? PRINT_ENDED : null;
}

/** One whose own print was seen to obey did not hit another: its transient text only outlives that print. */
function hitsOtherPrint(command: Command, kind: PrintKind, evidence: Evidence): boolean {
  const { printTs } = evidence;
  const isOther = printTs !== null && printTs !== -1 && printTs !== command.printExtId;
  const { sawTransient, isDoubtful } = command.marks;
  return isOther && isTransient(kind, evidence) && !sawTransient && !isDoubtful;
}

function isTransient(kind: PrintKind, { text, event }: Evidence): boolean {
  return text === WORDS[kind].transient || (kind === "cancel" && event?.type === "PrintCancelling");
}

/** Ends that a cancel brings about; an end that nobody told apart is taken for one. */
const CANCELLED_BY: ReadonlySet<PrintEnd> = new Set(["cancelled", "failed", "idle", "other-print"]);

function weighEnd(command: Command, evidence: Evidence): Finding | null {
  const { ended, isLive } = evidence;
  const by = ended?.extId === command.printExtId ? ended.by : null;
  const isEnd = by !== null || (isLive && isOver(command, evidence));
  if (!isEnd) return null;
  if (command.kind !== "cancel" || (by !== null && !CANCELLED_BY.has(by))) return PRINT_ENDED;
  // A cancellation told by a backlog may be ours or older: the first live word after it decides.
  return isLive ? SUCCEEDED : null;
}

function isOver(command: Command, { printTs, current }: Evidence): boolean {
  return printTs === -1 || (printTs !== null && printTs !== command.printExtId && printTs === current?.extId);
}

/** Live evidence from the socket that carried the command, under the bound print's time stamp. */
function weighOwn(command: Command, kind: PrintKind, evidence: Evidence): Finding | null {
  const { text, event } = evidence;
  const { marks } = command;
  const words = WORDS[kind];
  if (event?.type === words.event) return SUCCEEDED;
  if (isTransient(kind, evidence)) return command.state === "sent" ? DELIVERED : null;
  if (text === words.done) return isSettled(command, kind) ? SUCCEEDED : null;
  const isUndone: boolean = words.undone.some((undone) => undone === text);
  return isUndone && marks.sawTransient && !marks.isDoubtful ? NOT_OBEYED : null;
}

function isSettled(command: Command, kind: PrintKind): boolean {
  const { sawTransient, wasPaused, pausedRun } = command.marks;
  if (sawTransient) return true;
  if (kind === "pause") return pausedRun + 1 >= RUN_OF_PAUSED;
  return kind === "resume" && command.state === "delivered" && wasPaused;
}

/** A later socket, or a command given up on its own: it can only turn out well. */
function weighLater(kind: PrintKind, { text, event }: Evidence, isOwn: boolean): Finding | null {
  if (isOwn && event?.type === WORDS[kind].event) return SUCCEEDED;
  return kind !== "cancel" && text === WORDS[kind].done ? SUCCEEDED : null;
}

/** No print was current when it was taken: whichever began since is told apart by its file. */
function weighFile({ file, state }: Command, { isLive, current }: Evidence): Finding | null {
  if (!isLive || state === "checking" || file === null || current === null || current.gCodeFileId === null) return null;
  return current.gCodeFileId === file.id ? SUCCEEDED : OTHER_PRINT_BEGAN;
}

function markText(command: Command, kind: PrintKind, evidence: Evidence): Marks {
  const { marks, state } = command;
  const { text } = evidence;
  if (evidence.connection !== command.connection || (state !== "sent" && state !== "delivered")) return marks;
  // A late report is not judged, so what follows it proves nothing against what came before.
  if (!evidence.isLive || isOthersEvent(kind, evidence)) return doubt(marks);
  if (evidence.printTs !== command.printExtId) return marks;
  const sawTransient = marks.sawTransient || isTransient(kind, evidence);
  if (text === null) return sawTransient === marks.sawTransient ? marks : { ...marks, sawTransient };
  const wasPaused = kind === "resume" && state === "sent" ? text === "Paused" : marks.wasPaused;
  const pausedRun = kind === "pause" && text === "Paused" ? Math.min(marks.pausedRun + 1, RUN_OF_PAUSED) : 0;
  const isSame = sawTransient === marks.sawTransient && wasPaused === marks.wasPaused && pausedRun === marks.pausedRun;
  return isSame ? marks : { ...marks, wasPaused, sawTransient, pausedRun };
}

/** What an earlier command brought about, seen only now: Moonraker's agent shows its own state again after it. */
function isOthersEvent(kind: PrintKind, { event }: Evidence): boolean {
  return Object.entries(WORDS).some(([other, words]) => other !== kind && words.event === event?.type);
}

export function doubt(marks: Marks): Marks {
  return marks.isDoubtful ? marks : { ...marks, isDoubtful: true };
}
