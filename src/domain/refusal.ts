/** Why a command is not handed over, and whether the agent must be heard first. */
import {
  type AgentFacts,
  type Command,
  type CommandReason,
  isOfSamePrint,
  isOpen,
  type Ledger,
  type LedgerFacts,
} from "./command.ts";
import { type CommandKind, type PrintCommandKind, printTraitsOf, traitsOf } from "./command-kind.ts";
import type { Phase } from "./phase.ts";

/** What was seen longer ago refuses nothing; an agent that gives no receipts may have been silent for so long. */
const FRESH_MS = 75_000;
/** What starts motion goes only to an agent that was heard so lately. */
const HEARD_MS = 5_000;

/** The first reason that applies; null: go on. `meant`: the print that the caller named. */
export function refusalOf(
  command: Command,
  meant: number | null,
  facts: LedgerFacts,
  ledger: Ledger,
  now: number,
): CommandReason | null {
  const { print, agent } = facts;
  if (command.kind === "print_file") return print === null ? fileReason(command, agent, ledger, now) : "printing";
  if (print === null) return withoutPrint(command.kind, meant, agent, now);
  if (meant !== null && meant !== print.id) return "wrong_print";
  return agent === null ? "agent_offline" : pointlessReason(command, agent, ledger, now);
}

/** No agent takes a second file while it may have one: two downloads would both be started [C91]. */
function fileReason(
  { id, file }: Command,
  agent: AgentFacts | null,
  ledger: Ledger,
  now: number,
): CommandReason | null {
  if (agent === null) return "agent_offline";
  const earlier = ledger.filter((other) => other.kind === "print_file" && other.id !== id);
  const isOnItsWay = earlier.some(
    (other) => isReadLate(other, now) || (other.file?.id !== file?.id && isFileComing(other, agent, now)),
  );
  const isKnown = earlier.some((other) => other.file?.id === file?.id && !isRead(other));
  const isShown = agent.phase === "downloading" && isFresh(agent, now);
  return isOnItsWay || (isShown && !isKnown) ? "file_under_way" : null;
}

/** Its receipt came when it had been given up: nobody waited for what comes of it. */
function isReadLate(command: Command, now: number): boolean {
  const { state, deliveredAt, endedAt } = command;
  return state === "unknown" && (deliveredAt ?? 0) > (endedAt ?? 0) && isOpen(command, now);
}

/** It was read, and given up. */
function isRead({ state, deliveredAt }: Command): boolean {
  return state === "unknown" && deliveredAt !== null;
}

/** Its frame was read, or may have been: nothing that the agent told since shows that it was not. */
function isFileComing(command: Command, agent: AgentFacts, now: number): boolean {
  const { state, connection } = command;
  if (state !== "unknown") return state !== "checking";
  if (isRead(command) || !isOpen(command, now)) return false;
  return connection === agent.connection ? agent.expectsReceipt : agent.phase === null;
}

/** Nothing says that a machine does not print while it shows that it does: the frame goes out all the same [C72]. */
function withoutPrint(
  kind: PrintCommandKind,
  meant: number | null,
  agent: AgentFacts | null,
  now: number,
): CommandReason | null {
  if (agent === null || !isFresh(agent, now) || agent.phase === null) return "not_printing";
  if (agent.phase === "downloading") return "file_coming";
  return meant === null && printTraitsOf(kind).actsIn.includes(agent.phase) ? null : "not_printing";
}

function isFresh({ phaseAt }: AgentFacts, now: number): boolean {
  return phaseAt !== null && now - phaseAt <= FRESH_MS;
}

/** Why the frame would be pointless, on fresh evidence of this socket only; what is shown must agree with it. */
function pointlessReason(command: Command, agent: AgentFacts, ledger: Ledger, now: number): CommandReason | null {
  if (!isFresh(agent, now)) return null;
  return reachedReason(command, agent, ledger, now) ?? (agent.isCancelSeen && !isAtWork(agent) ? "print_ending" : null);
}

/** Both phases of a machine that has work to stop: its newest live one, and the one that is shown. */
function isAtWork({ phase, shownPhase }: AgentFacts): boolean {
  const acts: readonly (Phase | null)[] = printTraitsOf("cancel").actsIn;
  return acts.includes(phase) || acts.includes(shownPhase);
}

/** What the command asks for is there already, and nothing that was sent may change it. */
function reachedReason(command: Command, agent: AgentFacts, ledger: Ledger, now: number): CommandReason | null {
  const isShown = (...phases: (Phase | null)[]) => phases.includes(agent.phase) && phases.includes(agent.shownPhase);
  const isComing = (kind: CommandKind) =>
    ledger.some((other) => other.kind === kind && isOfSamePrint(other, command) && isOpen(other, now));
  switch (command.kind) {
    case "pause":
      return agent.isPauseSeen && isShown("pausing", "paused") && !isComing("resume") ? "already_paused" : null;
    case "resume":
      return isShown("printing") && !isComing("pause") ? "not_paused" : null;
    case "cancel":
    case "print_file":
      return null;
  }
}

/** `probe`: a sign of life is asked for first; `refuse`: it was silent too long, and would not answer a probe. */
export function dispatchOf(kind: CommandKind, agent: AgentFacts, now: number): "send" | "probe" | "refuse" {
  const silentMs = now - agent.lastFrameAt;
  if (!traitsOf(kind).startsMotion || silentMs <= HEARD_MS) return "send";
  if (agent.expectsReceipt) return "probe";
  return silentMs <= FRESH_MS ? "send" : "refuse";
}
