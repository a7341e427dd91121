/** Whether the model machine really did what the ledger says that a command brought about. */
import type { Command } from "../../src/domain/command.ts";
import { type Machine, type MachineMoment, type MachinePrint, type Phase, TARGET } from "./machine.ts";

export type Truth = "reached" | "ended-otherwise" | "not-reached";

/** `since` (epoch ms): a phase that was over before it is no outcome of the command. */
export function truthOf(machine: Machine, command: Command, since: number): Truth {
  const { kind, printExtId, file } = command;
  if (kind === "cancel") return truthOfCancel(machine, printExtId, since);
  if (kind === "print_file") {
    const began = machine.history.some(({ at, print }) => at >= since && print?.gCodeFileId === file?.id);
    return began ? "reached" : "not-reached";
  }
  const isReached = spansOf(machine).some(
    ({ print, phase, settled, until }) =>
      until >= since &&
      isBound(printExtId, print) &&
      (settled === TARGET[kind] || (kind === "resume" && phase === "resuming")),
  );
  return isReached ? "reached" : "not-reached";
}

/** The machine did it, to that print, and because of this command. */
export function wasObeyed(machine: Machine, command: Command): boolean {
  return machine.history.some((moment) => isObeyed(command, moment));
}

/** Its agent, which looks every `lookMs`, saw that it was obeyed: what came and went in between is seen by nobody. */
export function wasSeenObeyed({ history }: Machine, command: Command, lookMs: number): boolean {
  return history.some((moment, index) => {
    const undoneAt = history[index + 1]?.at;
    if (!isObeyed(command, moment)) return false;
    const beforeMs = moment.at - (history[index - 1]?.at ?? 0);
    return undoneAt === undefined || Math.min(beforeMs, undoneAt - moment.at) >= lookMs;
  });
}

/** In that moment the machine came to where `command` wants it, because of it. */
export function isObeyed({ kind, ref, printExtId }: Command, { cause, phase, print }: MachineMoment): boolean {
  if (cause !== ref) return false;
  return kind === "print_file" || (phase === TARGET[kind] && isBound(printExtId, print));
}

/** A command that is bound to no print acts on whichever is there. */
function isBound(printTs: number | null, print: MachinePrint | null): boolean {
  return printTs === null || print?.ts === printTs;
}

/** One that is bound to no print asks for a machine that does nothing. */
function truthOfCancel(machine: Machine, printTs: number | null, since: number): Truth {
  if (printTs === null) return wasSettledAs(machine, "idle", since) ? "reached" : "not-reached";
  const ends = machine.history.filter(({ end, print }) => end !== null && print?.ts === printTs);
  if (ends.some(({ end }) => end === "cancelled")) return "reached";
  return ends.length > 0 ? "ended-otherwise" : "not-reached";
}

interface Span {
  readonly print: MachinePrint | null;
  readonly phase: Phase;
  /** What the machine shows as its state: a transition shows the phase before it until it is over. */
  readonly settled: Phase;
  readonly until: number;
}

function spansOf({ history }: Machine): Span[] {
  let settled: Phase = "idle";
  return history.map(({ print, phase }, index) => {
    if (phase === "idle" || phase === "printing" || phase === "paused") settled = phase;
    return { print, phase, settled, until: history[index + 1]?.at ?? Number.POSITIVE_INFINITY };
  });
}

/** The machine showed that state at some time since. */
export function wasSettledAs(machine: Machine, phase: Phase, since: number): boolean {
  return spansOf(machine).some(({ settled, until }) => settled === phase && until >= since);
}

export function wasInPrint(machine: Machine, since: number): boolean {
  return spansOf(machine).some(({ phase, until }) => phase !== "idle" && until >= since);
}
