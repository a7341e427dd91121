/** How one command's new image changes the ledger, and what else it makes obsolete there. */
import {
  type AgentFacts,
  type Command,
  type CommandReason,
  type Evidence,
  isInFlight,
  isOfSamePrint,
  type Ledger,
  type LedgerEffect,
  type LedgerStep,
} from "./command.ts";
import { traitsOf } from "./command-kind.ts";
import { doubt, type Finding } from "./evidence.ts";
import { isAtRest } from "./phase.ts";

const SETTLE_MS = 6 * 60_000;
/** The agents' own limit for a download. */
const DOWNLOAD_MS = 30 * 60_000;
/** moonraker-obico shows no download any longer. */
const DOWNLOAD_SHOWN_MS = 10 * 60_000;
/** From the download's end to the print's begin. */
const STARTING_MS = 60_000;
/** Cap on `unknown` commands that are kept to be settled: an agent that comes and goes must not grow the state. */
const MOST_UNKNOWN = 16;

const MOST_SETTLE_MS = 60 * 60_000;
/** Each move is a stored row, and agents report as often as they like. */
const PROLONG_MS = 30_000;

/** The agent still shows that it is at it: its limit moves on, for an hour at most. */
export function prolong(command: Command, now: number): Command {
  const { state, deliveredAt, settleBy } = command;
  if (state !== "delivered" || deliveredAt === null) return command;
  const later = Math.min(now + SETTLE_MS, deliveredAt + MOST_SETTLE_MS);
  return settleBy !== null && later - settleBy < PROLONG_MS ? command : { ...command, settleBy: later };
}

/** A download that is shown may take its time; one that is shown no more has come to an end, and its print begins soon or never [C92]. */
export function followDownload(command: Command, { isLive, phase, threads, at }: Evidence): Command {
  const { state, deliveredAt, settleBy, marks } = command;
  if (!isLive || state !== "delivered" || deliveredAt === null || settleBy === null) return command;
  if (phase === "downloading") return withLimit(command, deliveredAt + DOWNLOAD_MS);
  const isExplained = at - deliveredAt >= DOWNLOAD_SHOWN_MS || (threads !== null && threads.owed.length > 0);
  const isOver = marks.sawTransient && isAtRest(phase) && !isExplained;
  return isOver ? withLimit(command, Math.min(settleBy, at + STARTING_MS)) : command;
}

function withLimit(command: Command, settleBy: number): Command {
  return command.settleBy === settleBy ? command : { ...command, settleBy };
}

export function stay(ledger: Ledger): LedgerStep {
  return { ledger, effects: [] };
}

export function end(
  step: LedgerStep,
  command: Command,
  state: Command["state"],
  reason: CommandReason | null,
  now: number,
): LedgerStep {
  return replace(step, command, { ...command, state, reason, probeBy: null, endedAt: now }, now);
}

/** Carries an outcome that was observed into the ledger. */
export function advance(step: LedgerStep, command: Command, finding: Finding, now: number): LedgerStep {
  const { state, reason, agentWords = null } = finding;
  if (state === "superseded") return end(step, command, state, reason, now);
  if (state === command.state) return step;
  // An `unknown` command that a later report settles was never seen to be delivered.
  const deliveredAt = command.deliveredAt ?? (command.state === "unknown" ? null : now);
  const settleBy = command.settleBy ?? (deliveredAt === null ? null : deliveredAt + SETTLE_MS);
  const delivered = { ...command, deliveredAt, settleBy };
  if (state === "delivered") return replace(step, command, { ...delivered, state }, now);
  return replace(step, command, { ...delivered, state, reason, agentWords, endedAt: now }, now);
}

/** Puts `next` in `command`'s place, or takes it out once it ended, and supersedes the earlier commands that it opposes. */
export function replace(step: LedgerStep, command: Command, next: Command, now: number): LedgerStep {
  const index = step.ledger.findIndex(({ id }) => id === command.id);
  const isKept = isInFlight(next) || next.state === "unknown";
  const ledger = step.ledger.flatMap((other) => (other.id !== command.id ? [other] : isKept ? [next] : []));
  const ended: LedgerEffect[] = isInFlight(next) ? [] : [{ type: "command-ended", command: next }];
  const placed: LedgerStep = {
    ledger: next.state === "unknown" ? boundUnknown(ledger) : ledger,
    effects: [...step.effects, ...ended],
  };
  const isObeyed = (next.deliveredAt !== command.deliveredAt && next.state !== "failed") || next.state === "succeeded";
  if (!isObeyed) return placed;
  const obsolete = step.ledger.slice(0, index).filter((other) => isObsolete(other, next));
  return obsolete.reduce<LedgerStep>(
    (later, other) => end(later, other, "superseded", "opposite_command", now),
    placed,
  );
}

function isObsolete(other: Command, next: Command): boolean {
  return isOfSamePrint(other, next) && traitsOf(next.kind).supersedes.includes(other.kind);
}

function boundUnknown(ledger: Ledger): Ledger {
  const unknown = ledger.filter(({ state }) => state === "unknown");
  const dropped = new Set(unknown.slice(0, -MOST_UNKNOWN).map(({ id }) => id));
  return dropped.size === 0 ? ledger : ledger.filter(({ id }) => !dropped.has(id));
}

export function send(step: LedgerStep, command: Command, agent: AgentFacts, now: number): LedgerStep {
  const seen = { ...command.marks, wasPaused: agent.phase === "paused" };
  const marks = isUnclear(step.ledger, agent, now) ? doubt(seen) : seen;
  const via = command.kind === "pause" ? agent.pauseVia : "commands";
  const sent: Command = {
    ...command,
    ...{ state: "sent", sentAt: now, probeBy: null, via, connection: agent.connection, marks },
  };
  const others = step.ledger.filter((other) => other.id !== command.id).map((other) => follow(other, sent));
  return { ledger: [...others, sent], effects: [...step.effects, { type: "send-command", command: sent }] };
}

/** A download masks what other commands did. */
function isUnclear(ledger: Ledger, { downloadSeenAt, isCrowded }: AgentFacts, now: number): boolean {
  const isDownloading = downloadSeenAt !== null && now - downloadSeenAt < DOWNLOAD_MS;
  return isDownloading || isCrowded || ledger.some((other) => other.kind === "print_file");
}

/** From now on reports may be about the later frame, so what they say of an earlier one is in doubt. */
function follow(earlier: Command, sent: Command): Command {
  if (earlier.connection !== sent.connection || !isInFlight(earlier)) return earlier;
  return { ...earlier, marks: doubt(earlier.marks) };
}
