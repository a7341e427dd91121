/** Why a command is not handed over, and whether the agent must be heard first. */
import type { AgentFacts, Command, CommandReason, Ledger, LedgerFacts } from "./command.ts";
import { type CommandKind, traitsOf } from "./command-kind.ts";

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
  if (command.kind === "print_file") return print !== null ? "printing" : agent === null ? "agent_offline" : null;
  if (print === null) return "not_printing";
  if (meant !== null && meant !== print.id) return "wrong_print";
  return agent === null ? "agent_offline" : pointlessReason(command, agent, ledger, now);
}

/** Why the frame would be pointless, on fresh evidence of this socket only. */
function pointlessReason(command: Command, agent: AgentFacts, ledger: Ledger, now: number): CommandReason | null {
  if (agent.phaseAt === null || now - agent.phaseAt > FRESH_MS) return null;
  return reachedReason(command, agent, ledger) ?? (agent.isCancelSeen ? "print_ending" : null);
}

/** What the command asks for is there already. */
function reachedReason(command: Command, agent: AgentFacts, ledger: Ledger): CommandReason | null {
  switch (command.kind) {
    case "pause":
      return agent.isPauseSeen && !isResuming(command, ledger) ? "already_paused" : null;
    case "resume":
      return agent.phase === "printing" ? "not_paused" : null;
    case "cancel":
    case "print_file":
      return null;
  }
}

/** A resume in the ledger counts as obeyed: a pause pressed right after it must not be refused [C18]. */
function isResuming({ printId }: Command, ledger: Ledger): boolean {
  return ledger.some((other) => other.kind === "resume" && other.printId === printId);
}

/** `probe`: a sign of life is asked for first; `refuse`: it was silent too long, and would not answer a probe. */
export function dispatchOf(kind: CommandKind, agent: AgentFacts, now: number): "send" | "probe" | "refuse" {
  const silentMs = now - agent.lastFrameAt;
  if (!traitsOf(kind).startsMotion || silentMs <= HEARD_MS) return "send";
  if (agent.expectsReceipt) return "probe";
  return silentMs <= FRESH_MS ? "send" : "refuse";
}
