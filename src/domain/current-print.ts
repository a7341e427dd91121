/** What people do to the current print without its agent: alerts, and prints that are begun and ended here. */
import { type Change, withEffects, withHappening, withLedger, withState } from "./change.ts";
import { shouldWatch } from "./detection.ts";
import { nextPrintId, withMove } from "./frame.ts";
import { onPrintEnded } from "./ledger.ts";
import { type AlertOverwrite, endPrint, type Print, printByServer } from "./print.ts";

export function withPrint(before: Change, print: Print): Change {
  return withState(before, { current: print }, { type: "project-print", print });
}

export function mute(before: Change, print: Print, isMuted: boolean, now: number): Change {
  if (isMuted === (print.alertMutedAt !== null)) return before;
  const muted: Print = { ...print, alertMutedAt: isMuted ? now : null };
  const recorded = withHappening(withPrint(before, muted), {
    type: isMuted ? "ALERT_MUTED" : "ALERT_UNMUTED",
    print: muted,
    at: now,
  });
  return withEffects(recorded, {
    type: "send-remote-status",
    viewing: null,
    shouldWatch: shouldWatch(recorded.printer.state),
  });
}

/** Without an alert there is nothing to acknowledge [L42]. */
export function acknowledge(before: Change, print: Print, overwrite: AlertOverwrite | null, now: number): Change {
  if (print.alertedAt === null) return before;
  return withPrint(before, { ...print, alertAcknowledgedAt: now, alertOverwrite: overwrite });
}

export function startPrint(
  before: Change,
  input: { filename: string; usedExtIds: readonly number[] },
  now: number,
): Change {
  const { state } = before.printer;
  const ended = state.current === null ? before : finishPrint(before, state.current, false, now);
  const used = new Set([...input.usedExtIds, state.current?.extId]);
  let extId = Math.floor(now / 1000);
  while (used.has(extId)) extId += 1;
  const print = printByServer(nextPrintId(state.id, state.printSequence), extId, input.filename, now);
  const happenings = [{ type: "STARTED", print, at: now } as const];
  return withMove(
    ended,
    { current: print, changed: [print], happenings, ended: null, tookId: true, nameless: null },
    now,
    null,
  );
}

export function finishPrint(before: Change, print: Print, isCancelled: boolean, now: number): Change {
  return endByServer(before, endPrint(print, isCancelled ? "cancelled" : "finished-by-server", now, false), now);
}

/** It leaves history at once, stays current until its machine is done with it, and never comes back [L40]. */
export function removePrint(before: Change, print: Print, now: number): Change {
  return withPrint(before, { ...print, deletedAt: print.deletedAt ?? now });
}

export function endByServer(before: Change, print: Print, now: number): Change {
  const happenings = [{ type: "ENDED", print, at: now } as const];
  const settled = withLedger(before, onPrintEnded(before.printer.state.ledger, print.id, now));
  return withMove(
    settled,
    { current: null, changed: [print], happenings, ended: null, tookId: false, nameless: null },
    now,
    null,
  );
}
