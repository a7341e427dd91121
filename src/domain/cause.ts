/** What a command may have brought about did not happen before it was sent [P43]. */
import type { Moment } from "./agent-socket.ts";
import type { Ledger } from "./command.ts";
import type { PrintCommandKind } from "./command-kind.ts";
import type { Print } from "./print.ts";
import type { Report, ReportedEventType } from "./report.ts";

/** A date that much before a command may still be that of what it brought about: OctoPrint's are whole seconds. */
const IMPRECISION_MS = 10_000;

/** When the command was sent that may have brought about what is told of the current print, epoch milliseconds; 0: none. */
export function causedAt(current: Print | null, ledger: Ledger, report: Report, { date, isLive }: Moment): number {
  const kind = current === null ? null : kindThatCauses(report, current);
  if (current === null || kind === null) return 0;
  const sentAt = lastSentAt(ledger, kind, current.extId);
  return isLive || sentAt - date < IMPRECISION_MS ? sentAt : 0;
}

const CAUSES: { readonly [T in ReportedEventType]?: PrintCommandKind } = {
  paused: "pause",
  resumed: "resume",
  cancelling: "cancel",
  cancelled: "cancel",
  failed: "cancel",
};

/** The kind of command that may have brought about what a report tells of `print`, its end included. */
function kindThatCauses({ event, printExtId }: Report, print: Print): PrintCommandKind | null {
  const isOther = printExtId !== null && printExtId !== print.extId;
  if (isOther) return "cancel";
  return event === null ? null : (CAUSES[event.type] ?? null);
}

function lastSentAt(ledger: Ledger, kind: PrintCommandKind, printExtId: number): number {
  const sent = ledger.filter((command) => command.kind === kind && command.printExtId === printExtId);
  return Math.max(0, ...sent.map(({ sentAt }) => sentAt ?? 0));
}
