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

/** The caller holds the order rule: a command behind an un-ended one on the same socket is not asked about. */
export function weighReport(command: Command, evidence: Evidence): Verdict {
  const finding =
    command.kind === "print_file" ? weighFile(command, evidence) : weighPrint(command, command.kind, evidence);
  return { marks: markText(command, evidence), finding };
}

function weighPrint(command: Command, kind: PrintKind, evidence: Evidence): Finding | null {
  const isOwn = evidence.connection === command.connection;
  const isJudged = isOwn && evidence.isLive && (command.state === "sent" || command.state === "delivered");
  if (isJudged && isOfOtherPrint(command, evidence) && isTransient(kind, evidence)) return HIT_OTHER_PRINT;
  const ended = weighEnd(command, evidence);
  if (ended !== null) return ended;
  if (!evidence.isLive || command.state === "checking" || evidence.printTs !== command.printExtId) return null;
  return isJudged ? weighOwn(command, kind, evidence) : weighLater(kind, evidence, isOwn);
}

function isOfOtherPrint(command: Command, { printTs }: Evidence): boolean {
  return printTs !== null && printTs !== -1 && printTs !== command.printExtId;
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
  return isUndone && marks.sawTransient ? NOT_OBEYED : null;
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

function markText(command: Command, evidence: Evidence): Marks {
  const { marks, kind, state } = command;
  const { text } = evidence;
  if (kind === "print_file" || (state !== "sent" && state !== "delivered")) return marks;
  if (!evidence.isLive || evidence.connection !== command.connection) return marks;
  if (evidence.printTs !== command.printExtId) return marks;
  const sawTransient = marks.sawTransient || isTransient(kind, evidence);
  if (text === null) return sawTransient === marks.sawTransient ? marks : { ...marks, sawTransient };
  const wasPaused = kind === "resume" && state === "sent" ? text === "Paused" : marks.wasPaused;
  const pausedRun = kind === "pause" && text === "Paused" ? Math.min(marks.pausedRun + 1, RUN_OF_PAUSED) : 0;
  const isSame = sawTransient === marks.sawTransient && wasPaused === marks.wasPaused && pausedRun === marks.pausedRun;
  return isSame ? marks : { wasPaused, sawTransient, pausedRun };
}
