/** A print, how it ends ([L19] to [L25]), and what is recorded of it. */
import type { ReportedStatus } from "./report.ts";

export const OUTCOMES = ["finished", "cancelled", "failed", "unknown"] as const;
/** How a print ended; `unknown` when its end was only inferred, or its printer was deleted ([L22], [L37]). */
export type Outcome = (typeof OUTCOMES)[number];

export const ALERT_OVERWRITES = ["FAILED", "NOT_FAILED"] as const;
export type AlertOverwrite = (typeof ALERT_OVERWRITES)[number];

/** A print as it is shown. Times are epoch milliseconds. */
export interface ShownPrint {
  readonly id: number;
  /** The agent's `current_print_ts`, Unix seconds: the print's identity within its printer. */
  readonly extId: number;
  readonly filename: string;
  readonly gCodeFileId: number | null;
  readonly startedAt: number;
  readonly finishedAt: number | null;
  readonly cancelledAt: number | null;
  /** Null while the print is current. */
  readonly endedAt: number | null;
  readonly outcome: Outcome | null;
  readonly alertedAt: number | null;
  readonly alertAcknowledgedAt: number | null;
  readonly alertMutedAt: number | null;
  /** Set when failure detection's pause was seen; a pause by a person never sets it. */
  readonly pausedAt: number | null;
  readonly alertOverwrite: AlertOverwrite | null;
  readonly filamentUsedMm: number | null;
  readonly printTimeSeconds: number | null;
  /** Set when it was deleted while current: it never comes back. */
  readonly deletedAt: number | null;
}

/** With what only its object knows of it. */
export interface Print extends ShownPrint {
  /** How often its time stamp came: 2 for a print under the time stamp of one that was over ([L50]). */
  readonly occurrence: number;
  /** Of the event that told its end, so that a later, truer one is told in its place ([L57]). */
  readonly endEventId: number | null;
}

/** What ended a print. */
export type PrintEnd =
  | "done"
  | "failed"
  | "failed-error"
  | "cancelled"
  | "idle"
  | "other-print"
  | "removed"
  | "finished-by-server";

export const NEW_PRINT = {
  occurrence: 1,
  finishedAt: null,
  cancelledAt: null,
  endedAt: null,
  outcome: null,
  alertedAt: null,
  alertAcknowledgedAt: null,
  alertMutedAt: null,
  pausedAt: null,
  alertOverwrite: null,
  filamentUsedMm: null,
  printTimeSeconds: null,
  deletedAt: null,
  endEventId: null,
} as const;

/** The name of a print whose agent tells none ([L54]). */
export const UNNAMED = "Unnamed print";

/** The print as it ended; `at` is epoch milliseconds. A cancellation that was recorded before stands. */
export function endPrint(print: Print, by: PrintEnd, at: number, isCancelUnderWay: boolean): Print {
  const isInferred = by === "idle" || by === "other-print";
  const isCancelled = print.cancelledAt !== null || by === "cancelled" || (isInferred && isCancelUnderWay);
  if (by === "failed" || by === "failed-error") {
    const wasCancelled = print.cancelledAt !== null || (by === "failed" && isCancelUnderWay);
    return { ...print, cancelledAt: at, endedAt: at, outcome: wasCancelled ? "cancelled" : "failed" };
  }
  if (isCancelled) {
    const cancelledAt = print.cancelledAt ?? at;
    return { ...print, cancelledAt, endedAt: cancelledAt, outcome: "cancelled" };
  }
  const isReported = by === "done" || by === "finished-by-server";
  return { ...print, finishedAt: at, endedAt: at, outcome: isReported ? "finished" : "unknown" };
}

/** What one report tells of a print's time and filament; null: it does not say. */
export interface Statistics {
  readonly printTimeSeconds: number | null;
  readonly filamentUsedMm: number | null;
}

/** `isPlan`: the agent's length is that of the whole job, of which only what was printed counts ([L58]). */
export function statisticsOf(status: ReportedStatus | null, isPlan: boolean, isDone: boolean): Statistics {
  const { printTimeSeconds = null, filamentUsedMm = null, completion = null } = status ?? {};
  if (!isPlan || isDone || filamentUsedMm === null) return { printTimeSeconds, filamentUsedMm };
  return { printTimeSeconds, filamentUsedMm: completion === null ? null : (filamentUsedMm * completion) / 100 };
}

/** The first value of each wins [L32]. */
export function takeStatistics(print: Print, { printTimeSeconds, filamentUsedMm }: Statistics): Print {
  return {
    ...print,
    printTimeSeconds: print.printTimeSeconds ?? printTimeSeconds,
    filamentUsedMm: print.filamentUsedMm ?? filamentUsedMm,
  };
}

/** What its owner may say of a print; undefined keys stay as they are. */
export interface PrintEdit {
  readonly alertOverwrite?: AlertOverwrite | null | undefined;
  readonly filamentUsedMm?: number | null | undefined;
  readonly printTimeSeconds?: number | null | undefined;
}

export function editPrint(print: Print, edit: PrintEdit): Print {
  const { alertOverwrite = print.alertOverwrite, filamentUsedMm = print.filamentUsedMm } = edit;
  const { printTimeSeconds = print.printTimeSeconds } = edit;
  return { ...print, alertOverwrite, filamentUsedMm, printTimeSeconds };
}

/** A print that a person reports, with or without an agent [L34]. */
export function printByServer(id: number, extId: number, filename: string, at: number): Print {
  return { ...NEW_PRINT, id, extId, filename, gCodeFileId: null, startedAt: at };
}
