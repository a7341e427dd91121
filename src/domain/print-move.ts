/** What one report does to the current print, as pure functions. */
import type { PrintEventType } from "./events.ts";
import { DAY_MS } from "./local-day.ts";
import { endPrint, NEW_PRINT, type Print, type PrintEnd, takeStatistics } from "./print.ts";
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
  readonly isCancelUnderWay: (extId: number) => boolean;
  /** The same event of the same moment counted already: a repetition, or a second socket's copy. */
  readonly isRepeated: boolean;
}

const SKEW_BACK_S = 20;
const SKEW_AHEAD_S = 19;
const REOPEN_MS = DAY_MS;
const FILENAME_CODE_UNITS = 1000;

/** Applies one report: first which print it names, then its event, if that print is the current one. */
export function movePrint(report: Report, context: PrintContext): PrintMove {
  const moved = followIdentity(report, context);
  const isOfCurrent = moved.current !== null && moved.current.extId === report.printExtId;
  if (report.event === null || !isOfCurrent || context.isRepeated) return moved;
  return takeEvent(moved, report.event, report.status, context);
}

function followIdentity(report: Report, context: PrintContext): PrintMove {
  const { current } = context;
  const unchanged: PrintMove = { current, changed: [], happenings: [], ended: null, tookId: false };
  const extId = report.printExtId;
  if (extId === null) return unchanged;
  if (extId === -1) return current === null ? unchanged : endCurrent(unchanged, current, "idle", context);
  if (current === null) return begin(unchanged, extId, report, context);
  const isOfEarlier = context.remembered !== null;
  if (current.extId === extId || (!isOfEarlier && isSkewed(current, extId, report))) {
    return keep(unchanged, current, extId, report);
  }
  if (isOfEarlier && !context.isLive) return unchanged;
  return begin(endCurrent(unchanged, current, "other-print", context), extId, report, context);
}

function keep(move: PrintMove, print: Print, extId: number, report: Report): PrintMove {
  const linked = linkFile(print, report.status);
  const kept: Print = linked.extId === extId ? linked : { ...linked, extId };
  return kept === print ? move : { ...move, current: kept, changed: [kept] };
}

/** The same print under a shifted clock; one that was seen cancelled is over, so a near time stamp is another. */
function isSkewed(print: Print, extId: number, report: Report): boolean {
  const isNear = print.extId >= extId - SKEW_BACK_S && print.extId <= extId + SKEW_AHEAD_S;
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

/** A remembered print is re-opened or left alone; it never begins again [L11]. */
function begin(move: PrintMove, extId: number, report: Report, context: PrintContext): PrintMove {
  const { remembered } = context;
  if (remembered !== null) return canReopen(remembered, report, context) ? reopen(move, remembered) : move;
  const filename = fileNameOf(report);
  if (filename === null) return move;
  const print: Print = {
    ...NEW_PRINT,
    id: context.nextId,
    extId,
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

/** Only an end that was inferred can have been wrong [L14]; a late report resurrects no print, and a deleted one never comes back. */
function canReopen(remembered: Print, report: Report, context: PrintContext): boolean {
  const { outcome, endedAt, deletedAt } = remembered;
  if (outcome !== "unknown" || endedAt === null || deletedAt !== null || !context.isLive) return false;
  const phase = report.status?.phase;
  return (phase === "printing" || phase === "paused") && context.date - endedAt <= REOPEN_MS;
}

function reopen(move: PrintMove, remembered: Print): PrintMove {
  const print: Print = { ...remembered, finishedAt: null, endedAt: null, outcome: null };
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

/** Whether a second event of this type and of the same moment is a repetition. */
const IS_DEDUPLICATED = {
  started: false,
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
      return replaceCurrent(move, takeStatistics(print, status, context.date));
    case "cancelled":
      return replaceCurrent(move, { ...takeStatistics(print, status, context.date), cancelledAt: context.date });
    case "failed":
      return fail(move, print, event, status, context);
    case "done":
      return endCurrent(move, takeStatistics(print, status, context.date), "done", context);
    case "paused":
      return happened(move, "PAUSED", print, context.date);
    case "resumed":
      return happened(move, "RESUMED", print, context.date);
    case "filament-change":
      return happened(move, "FILAMENT_CHANGE", print, context.date);
    case "started":
    case "other":
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
  if (event.reason === "error" || status?.hasError === true) return endCurrent(move, print, "failed-error", context);
  const judged: Print =
    event.reason === "cancelled" ? { ...print, cancelledAt: print.cancelledAt ?? context.date } : print;
  return endCurrent(move, judged, "failed", context);
}

function replaceCurrent(move: PrintMove, print: Print): PrintMove {
  return { ...move, current: print, changed: [...move.changed, print] };
}

function happened(move: PrintMove, type: PrintEventType, print: Print, at: number): PrintMove {
  return { ...move, happenings: [...move.happenings, { type, print, at }] };
}
