/** What one report does to the current print (semantics C4 with the corrections of design 4), as pure functions. */
import type { PrintEventType } from "./events.ts";
import { endPrint, NEW_PRINT, type Print, type PrintEnd, takeStatistics } from "./print.ts";
import type { Report, ReportedEvent, ReportedStatus } from "./report.ts";

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
}

export interface PrintContext {
  readonly current: Print | null;
  /** An earlier print with the reported time stamp, if the printer remembers one. */
  readonly known: Print | null;
  readonly nextId: number;
  /** When the report happened, epoch milliseconds: never before an earlier date of the current print. */
  readonly date: number;
  readonly isLive: boolean;
  /** A cancel command of that print is under way or its fate unknown (design 4). */
  readonly isCancelUnderWay: (extId: number) => boolean;
  /** The same event of the same moment was taken already (duplicates, two sockets). */
  readonly isRepeated: boolean;
}

const SKEW_BACK_S = 20;
const SKEW_AHEAD_S = 19;
const REOPEN_MS = 24 * 60 * 60 * 1000;
const FILENAME_CODE_UNITS = 1000;

/** Applies one report: first the time stamp (C4's table), then its event, to the print of that time stamp if it is current. */
export function movePrint(report: Report, context: PrintContext): PrintMove {
  const moved = followTimeStamp(report, context);
  const isOfCurrent = moved.current !== null && moved.current.extId === report.printTs;
  if (report.event === null || !isOfCurrent || context.isRepeated) return moved;
  return takeEvent(moved, report.event, report.status, context);
}

function followTimeStamp(report: Report, context: PrintContext): PrintMove {
  const { current } = context;
  const unchanged: PrintMove = { current, changed: [], happenings: [], ended: null, tookId: false };
  const ts = report.printTs;
  if (ts === null) return unchanged;
  if (ts === -1) return current === null ? unchanged : endCurrent(unchanged, current, "idle", context);
  if (current === null) return begin(unchanged, ts, report, context);
  const isOfEarlier = context.known !== null;
  if (current.extId === ts || (!isOfEarlier && isSkewed(current, ts, report))) {
    return keep(unchanged, current, ts, report);
  }
  if (isOfEarlier && !context.isLive) return unchanged;
  return begin(endCurrent(unchanged, current, "other-print", context), ts, report, context);
}

function keep(move: PrintMove, print: Print, ts: number, report: Report): PrintMove {
  const linked = linkFile(print, report.status);
  const kept: Print = linked.extId === ts ? linked : { ...linked, extId: ts };
  return kept === print ? move : { ...move, current: kept, changed: [kept] };
}

/** The same print under a shifted clock; one that was seen cancelled is over, so a near time stamp is another. */
function isSkewed(print: Print, ts: number, report: Report): boolean {
  const isNear = print.extId >= ts - SKEW_BACK_S && print.extId <= ts + SKEW_AHEAD_S;
  return isNear && print.filename === fileNameOf(report) && print.cancelledAt === null;
}

/** A status that names no file (printer offline) says nothing about the print's file. */
function linkFile(print: Print, status: ReportedStatus | null): Print {
  if (status === null || status.fileName === null || status.gCodeFileId === print.gCodeFileId) return print;
  return { ...print, gCodeFileId: status.gCodeFileId };
}

function fileNameOf(report: Report): string | null {
  const name = (report.event?.fileName ?? report.status?.fileName ?? "")
    .trim()
    .slice(0, FILENAME_CODE_UNITS)
    .toWellFormed();
  return name === "" ? null : name;
}

function begin(move: PrintMove, ts: number, report: Report, context: PrintContext): PrintMove {
  if (context.known !== null) return canReopen(context.known, report, context) ? reopen(move, context.known) : move;
  const filename = fileNameOf(report);
  if (filename === null) return move;
  const print: Print = {
    ...NEW_PRINT,
    id: context.nextId,
    extId: ts,
    filename,
    gCodeFileId: report.status?.gCodeFileId ?? null,
    startedAt: context.date,
  };
  return started(move, print, context.date);
}

function started(move: PrintMove, print: Print, at: number): PrintMove {
  return {
    ...move,
    current: print,
    changed: [...move.changed, print],
    happenings: [...move.happenings, { type: "STARTED", print, at }],
    tookId: true,
  };
}

/** Only an end that was inferred can have been wrong (design 4); a deleted print never comes back. */
function canReopen(known: Print, report: Report, context: PrintContext): boolean {
  if (known.outcome !== "unknown" || known.endedAt === null || known.deletedAt !== null || !context.isLive)
    return false;
  const text = report.status?.text;
  return (text === "Printing" || text === "Paused") && context.date - known.endedAt <= REOPEN_MS;
}

function reopen(move: PrintMove, known: Print): PrintMove {
  const print: Print = { ...known, finishedAt: null, endedAt: null, outcome: null };
  return { ...move, current: print, changed: [...move.changed, print] };
}

/** Ends `print` because of `by`; the outcome of an inferred end depends on a cancel that is under way. */
function endCurrent(move: PrintMove, print: Print, by: PrintEnd, context: PrintContext): PrintMove {
  const ended = endPrint(print, by, context.date, context.isCancelUnderWay(print.extId));
  return {
    ...move,
    current: null,
    changed: [...move.changed, ended],
    happenings: [...move.happenings, { type: "ENDED", print: ended, at: context.date }],
    ended: { extId: ended.extId, by },
  };
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
    case "PrintCancelling":
      return replaceCurrent(move, takeStatistics(print, status, context.date));
    case "PrintCancelled":
      return replaceCurrent(move, { ...takeStatistics(print, status, context.date), cancelledAt: context.date });
    case "PrintFailed":
      return fail(move, print, event, status, context);
    case "PrintDone":
      return endCurrent(move, takeStatistics(print, status, context.date), "done", context);
    case "PrintPaused":
      return happened(move, "PAUSED", print, context.date);
    case "PrintResumed":
      return happened(move, "RESUMED", print, context.date);
    case "FilamentChange":
      return happened(move, "FILAMENT_CHANGE", print, context.date);
    default:
      return move;
  }
}

function fail(
  move: PrintMove,
  print: Print,
  event: ReportedEvent,
  status: ReportedStatus | null,
  context: PrintContext,
): PrintMove {
  if (event.reason === "error" || status?.flagError === true) return endCurrent(move, print, "failed-error", context);
  const told: Print =
    event.reason === "cancelled" ? { ...print, cancelledAt: print.cancelledAt ?? context.date } : print;
  return endCurrent(move, told, "failed", context);
}

function replaceCurrent(move: PrintMove, print: Print): PrintMove {
  return { ...move, current: print, changed: [...move.changed, print] };
}

function happened(move: PrintMove, type: PrintEventType, print: Print, at: number): PrintMove {
  return { ...move, happenings: [...move.happenings, { type, print, at }] };
}
