/** Why a command is not handed over, and whether the agent must be heard first (wire 3, design 5). */
import type { AgentKnowledge, Command, CommandKind, Ledger, LedgerFacts } from "./command.ts";

/** Knowledge older than this refuses nothing; an agent that never gave receipts need not be heard more lately. */
const FRESH_MS = 75_000;
/** What starts motion goes only to an agent that was heard so lately. */
const HEARD_MS = 5_000;

/** The first reason of wire 3 that applies; null: go on. `meant`: the print that the caller named. */
export function refusalOf(
  command: Command,
  meant: number | null,
  facts: LedgerFacts,
  ledger: Ledger,
  now: number,
): string | null {
  const { print, agent } = facts;
  if (command.kind === "print_file") return print !== null ? "printing" : agent === null ? "agent_offline" : null;
  if (print === null) return "not_printing";
  if (meant !== null && meant !== print.id) return "wrong_print";
  return agent === null ? "agent_offline" : staleReason(command, agent, ledger, now);
}

/** Why the frame would be pointless, on fresh evidence of this socket only. */
function staleReason(command: Command, agent: AgentKnowledge, ledger: Ledger, now: number): string | null {
  if (agent.textAt === null || now - agent.textAt > FRESH_MS) return null;
  // A resume on its way counts as one that was seen: nobody's pause may be lost in between.
  const isResuming = ledger.some(({ kind, printId }) => kind === "resume" && printId === command.printId);
  if (command.kind === "pause" && agent.isPauseSeen && !isResuming) return "already_paused";
  if (command.kind === "resume" && agent.text === "Printing") return "not_paused";
  return agent.isCancelSeen ? "print_ending" : null;
}

/** `probe`: the agent must show first that it is there; `closed`: it would not answer a probe, and was silent too long. */
export function roadOf(kind: CommandKind, agent: AgentKnowledge, now: number): "open" | "probe" | "closed" {
  const silentMs = now - agent.lastFrameAt;
  if (kind === "pause" || kind === "cancel" || silentMs <= HEARD_MS) return "open";
  if (agent.isKnownAgent || agent.gaveReceipt) return "probe";
  return silentMs <= FRESH_MS ? "open" : "closed";
}
