/** What one report does to the current print, as pure functions. */
import type { PrintEventType } from "./events.ts";
import { DAY_MS } from "./local-day.ts";
import { canHave } from "./phase.ts";
import { endPrint, NEW_PRINT, type Print, type PrintEnd, statisticsOf, takeStatistics, UNNAMED } from "./print.ts";
import type { Report, ReportedEvent, ReportedEventType, ReportedStatus } from "./report.ts";

export interface PrintHappening {
  readonly type: PrintEventType;
  readonly print: Print;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** What a report did to the printer's prints. */
export interface PrintMove {
  readonly current: Print | null;
  /** Every print whose image differs now, in the order in which that happened. */
  readonly changed: readonly Print[];
  readonly happenings: readonly PrintHappening[];
  readonly ended: { readonly extId: number; readonly by: PrintEnd } | null;
  /** True when a new print took the next id. */
  readonly tookId: boolean;
  /** The time stamp of a print that waits for its name or for a second such report [L54]; null: none does. */
  readonly nameless: number | null;
}

export interface PrintContext {
  readonly current: Print | null;
  /** An earlier print with the reported time stamp, if the printer remembers one. */
  readonly remembered: Print | null;
  readonly nextId: number;
  /** When the report happened, epoch milliseconds: never before an earlier date of the current print. */
  readonly date: number;
  readonly isLive: boolean;
  /** A cancel command of that print is under way, or its outcome unknown. */
  readonly isCancelUnderWay: (printId: number) => boolean;
  /** The same event of the same moment counted already: a repetition, or a second socket's copy. */
  readonly isRepeated: boolean;
  /** The current print may be another agent's with the same token: that this one is idle says nothing of it [L56]. */
  readonly isOfOtherAgent: boolean;
  readonly isFilamentPlanned: boolean;
  /** As the move before on this socket left it. */
  readonly nameless: number | null;
  /** Which of the two events was told last of the current print. */
  readonly told: "PAUSED" | "RESUMED" | null;
}

const SKEW_BACK_S = 20;
const SKEW_AHEAD_S = 19;
const REOPEN_MS = DAY_MS;
const FILENAME_CODE_UNITS = 1000;
/** So long an agent may name the job before, until its host's history knows the new one. */
const BORROWED_MS = 60_000;

/** Applies one report: first which print it names, then its event, if that print is the current one. */
export function movePrint(report: Report, context: PrintContext): PrintMove {
  const moved = followIdentity(report, context);
  const isOfCurrent = moved.current !== null && moved.current.extId === report.printExtId;
  if (report.event === null || !isOfCurrent || context.isRepeated) return moved;
  return takeEvent(moved, report.event, report.status, context);
}

function followIdentity(report: Report, context: PrintContext): PrintMove {
  const { current, nameless } = context;
  const unchanged: PrintMove = { current, changed: [], happenings: [], ended: null, tookId: false, nameless };
  const extId = report.printExtId;
  if (extId === null) return unchanged;
  if (extId === -1) {
    return current === null || context.isOfOtherAgent ? unchanged : endCurrent(unchanged, current, "idle", context);
  }
  if (current === null) return begin(unchanged, extId, report, context);
  if (current.extId === extId && isFollowed(current, report, context)) {
    const ended = endCurrent(unchanged, current, "other-print", context);
    return begin(ended, extId, report, { ...context, remembered: ended.changed.at(-1) ?? null });
  }
  const isOfEarlier = context.remembered !== null;
  if (current.extId === extId || (!isOfEarlier && isSame(current, extId, report, context))) {
    return keep(unchanged, current, extId, report);
  }
  if (isOfEarlier && !context.isLive) return correct(unchanged, report, context);
  return begin(endCurrent(unchanged, current, "other-print", context), extId, report, context);
}

/** A cancellation that was seen is an end that was told: a start under its time stamp is another print's [L50]. */
function isFollowed(current: Print, report: Report, context: PrintContext): boolean {
  return current.cancelledAt !== null && comesAgain(current, report, context);
}

function keep(move: PrintMove, print: Print, extId: number, report: Report): PrintMove {
  const linked = nameLate(linkFile(print, report.status), report);
  const kept: Print = linked.extId === extId ? linked : { ...linked, extId, occurrence: 1 };
  return kept === print ? move : { ...move, current: kept, changed: [kept] };
}

/** The same print under another time stamp; one that was seen cancelled is over, so a near time stamp is another. */
function isSame(print: Print, extId: number, report: Report, context: PrintContext): boolean {
  const isNear = print.extId >= extId - SKEW_BACK_S && print.extId <= extId + SKEW_AHEAD_S;
  const isBorrowed = print.occurrence > 1 && context.date - print.startedAt <= BORROWED_MS;
  return (isNear || isBorrowed) && isOfFile(print, report) && print.cancelledAt === null;
}

/** A nameless report is of a nameless print's file. */
function isOfFile(print: Print, report: Report): boolean {
  const name = fileNameOf(report);
  return name === null ? print.filename === UNNAMED : !isOtherFile(print, report);
}

/** What names no file, or is compared with a print that has no name, is of no other file. One may be told with its folder. */
function isOtherFile(print: Print, report: Report): boolean {
  const name = fileNameOf(report);
  return name !== null && print.filename !== UNNAMED && lastPart(name) !== lastPart(print.filename);
}

function lastPart(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** A status that names no file (printer offline) says nothing about the print's file. */
function linkFile(print: Print, status: ReportedStatus | null): Print {
  if (status === null || status.fileName === null || status.gCodeFileId === print.gCodeFileId) return print;
  return { ...print, gCodeFileId: status.gCodeFileId };
}

/** A name that comes later is written into a print that began without [L55]. */
function nameLate(print: Print, report: Report): Print {
  const filename = fileNameOf(report);
  return print.filename === UNNAMED && filename !== null && filename !== UNNAMED ? { ...print, filename } : print;
}

/** The event's name before the status'. */
function fileNameOf(report: Report): string | null {
  const names = [report.event?.fileName, report.status?.fileName];
  return names.map((name) => cut(name ?? "")).find((name) => name !== "") ?? null;
}

function cut(name: string): string {
  return name.trim().slice(0, FILENAME_CODE_UNITS).toWellFormed();
}

/** A remembered print is corrected, re-opened or left alone [L11], unless its time stamp comes again [L50]. */
function begin(move: PrintMove, extId: number, report: Report, context: PrintContext): PrintMove {
  const { remembered, nameless } = context;
  const isWaiting = nameless === extId && context.isLive;
  if (remembered !== null && !isWaiting) {
    const corrected = correct(move, report, context);
    if (corrected !== move) return corrected;
    if (canReopen(remembered, report, context)) return reopen(move, remembered, report);
    if (!comesAgain(remembered, report, context)) return move;
  }
  const filename = fileNameOf(report) ?? (isWaiting && isPrinting(report) ? UNNAMED : null);
  if (filename === null) return { ...move, nameless: isBegunBy(report, context) ? extId : nameless };
  const print: Print = {
    ...NEW_PRINT,
    id: context.nextId,
    extId,
    occurrence: (remembered?.occurrence ?? 0) + 1,
    filename,
    gCodeFileId: report.status?.gCodeFileId ?? null,
    startedAt: context.date,
  };
  return started(move, print, context.date);
}

/** A clock that restarted, or a host that names the job before, gives the time stamp of a print that is over to another. */
function comesAgain(remembered: Print, report: Report, context: PrintContext): boolean {
  if (isNewStart(report, context)) return true;
  return context.isLive && isPrinting(report) && isOtherFile(remembered, report);
}

/** One that was held up until the printer did something else begins nothing anew. */
function isNewStart({ event, status }: Report, { isLive, isRepeated }: PrintContext): boolean {
  return event?.type === "started" && isLive && !isRepeated && canHave(event.type, status?.phase ?? null);
}

function isPrinting({ status }: Report): boolean {
  return status?.phase === "printing";
}

function isBegunBy(report: Report, context: PrintContext): boolean {
  return context.isLive && (isPrinting(report) || isNewStart(report, context));
}

function started(move: PrintMove, print: Print, at: number): PrintMove {
  return {
    ...move,
    current: print,
    changed: [...move.changed, print],
    happenings: [...move.happenings, { type: "STARTED", print, at }],
    tookId: true,
    nameless: null,
  };
}

/** Only an end that was inferred can have been wrong [L14]; a late report resurrects no print, and a deleted one never comes back. */
function canReopen(remembered: Print, report: Report, context: PrintContext): boolean {
  const { outcome, endedAt, deletedAt } = remembered;
  if (outcome !== "unknown" || endedAt === null || deletedAt !== null || !context.isLive) return false;
  if (isOtherFile(remembered, report) || context.date - endedAt > REOPEN_MS) return false;
  const phase = report.status?.phase;
  return phase === "printing" || phase === "paused";
}

function reopen(move: PrintMove, remembered: Print, report: Report): PrintMove {
  const opened = takeBackEnd(nameLate(remembered, report));
  return { ...move, current: opened, changed: [...move.changed, opened], nameless: null };
}

function takeBackEnd(print: Print): Print {
  return { ...print, finishedAt: null, endedAt: null, outcome: null };
}

/** An end that was only inferred gives way to the event that tells it, whenever that comes [L59]. */
function correct(move: PrintMove, report: Report, context: PrintContext): PrintMove {
  const { remembered } = context;
  const { event, status } = report;
  if (remembered === null || event === null || remembered.outcome !== "unknown" || context.isRepeated) return move;
  const again = { ...move, current: takeBackEnd(remembered) };
  const seen = takeEvent(again, event, status, context);
  const ended =
    event.type === "cancelled" && seen.current !== null ? endCurrent(seen, seen.current, "cancelled", context) : seen;
  return ended.current === null ? { ...ended, current: move.current, ended: move.ended } : move;
}

/** Ends `print` because of `by`; the outcome of an inferred end depends on a cancel that is under way. */
function endCurrent(move: PrintMove, print: Print, by: PrintEnd, context: PrintContext): PrintMove {
  const ended = endPrint(print, by, context.date, context.isCancelUnderWay(print.id));
  return {
    ...move,
    current: null,
    changed: [...move.changed, ended],
    happenings: [...move.happenings, { type: "ENDED", print: ended, at: context.date }],
    ended: { extId: ended.extId, by },
    nameless: null,
  };
}

/** Whether a second event of this type and of the same moment is a repetition. */
const IS_DEDUPLICATED = {
  started: true,
  done: true,
  failed: true,
  cancelling: true,
  cancelled: true,
  paused: true,
  resumed: true,
  "filament-change": true,
  other: false,
} as const satisfies Record<ReportedEventType, boolean>;

export function isDeduplicated(type: ReportedEventType): boolean {
  return IS_DEDUPLICATED[type];
}

function takeEvent(
  move: PrintMove,
  event: ReportedEvent,
  status: ReportedStatus | null,
  context: PrintContext,
): PrintMove {
  const print = move.current;
  if (print === null) return move;
  switch (event.type) {
    case "cancelling":
      return replaceCurrent(move, record(print, status, false, context));
    case "cancelled":
      return replaceCurrent(move, { ...record(print, status, false, context), cancelledAt: context.date });
    case "failed":
      return fail(move, print, event, status, context);
    case "done":
      return endCurrent(move, record(print, status, true, context), "done", context);
    case "paused":
      return toldOnce(move, "PAUSED", print, context);
    case "resumed":
      return toldOnce(move, "RESUMED", print, context);
    case "filament-change":
      return happened(move, "FILAMENT_CHANGE", print, context.date);
    case "started":
    case "other":
      return move;
  }
}

/** Where the status tells no print time, the time since the start counts [L33]. */
function record(print: Print, status: ReportedStatus | null, isDone: boolean, context: PrintContext): Print {
  const told = statisticsOf(status, context.isFilamentPlanned, isDone);
  const elapsed = Math.max(0, context.date - print.startedAt) / 1000;
  return takeStatistics(print, { ...told, printTimeSeconds: told.printTimeSeconds ?? elapsed });
}

function fail(
  move: PrintMove,
  before: Print,
  event: ReportedEvent,
  status: ReportedStatus | null,
  context: PrintContext,
): PrintMove {
  const print = takeStatistics(before, statisticsOf(status, context.isFilamentPlanned, false));
  if (event.reason === "error" || status?.hasError === true) return endCurrent(move, print, "failed-error", context);
  const judged: Print =
    event.reason === "cancelled" ? { ...print, cancelledAt: print.cancelledAt ?? context.date } : print;
  return endCurrent(move, judged, "failed", context);
}

function replaceCurrent(move: PrintMove, print: Print): PrintMove {
  return { ...move, current: print, changed: [...move.changed, print] };
}

/** A second agent of the same printer tells it again, by its own clock [L53]. */
function toldOnce(move: PrintMove, type: "PAUSED" | "RESUMED", print: Print, context: PrintContext): PrintMove {
  return context.told === type ? move : happened(move, type, print, context.date);
}

function happened(move: PrintMove, type: PrintEventType, print: Print, at: number): PrintMove {
  return { ...move, happenings: [...move.happenings, { type, print, at }] };
}
