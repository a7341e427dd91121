/** Builders for the command ledger: commands in any state, and what is known or seen when they are judged. */
import type {
  AgentFacts,
  BoundPrint,
  Command,
  CommandRequest,
  Evidence,
  LedgerFacts,
  Marks,
  PrintFile,
} from "../../src/domain/command.ts";
import type { CommandKind } from "../../src/domain/command-kind.ts";
import type { ReportedEventType } from "../../src/domain/report.ts";

export const NOW = 1_790_000_900_000;
export const PRINT: BoundPrint = { id: 700_001, extId: 1_790_000_100, gCodeFileId: 31 };
export const OTHER: BoundPrint = { id: 700_002, extId: 1_790_000_800, gCodeFileId: 32 };
export const FILE: PrintFile = {
  id: 32,
  path: "/files/32",
  filename: "Clip.gcode",
  safeFilename: "Clip.gcode",
  agentSignature: null,
};
export const SOCKET = 4;

export const NO_MARKS: Marks = {
  ...{ wasPaused: false, sawTransient: false, pausedRun: 0, isDoubtful: false, contradictedAt: null },
};

let made = 0;

export function aRequest(kind: CommandKind, patch: Partial<CommandRequest> = {}): CommandRequest {
  made += 1;
  const file = kind === "print_file" ? FILE : null;
  const refs = { ref: `c:${made}`, probeRef: `p:${made}` };
  return {
    id: `command-${made}`,
    kind,
    printId: null,
    file,
    initiator: "api",
    userId: 1,
    tokenName: "ci",
    ...refs,
    ...patch,
  };
}

function anAgent(patch: Partial<AgentFacts> = {}): AgentFacts {
  return {
    connection: SOCKET,
    lastFrameAt: NOW - 1_000,
    expectsReceipt: true,
    phase: null,
    phaseAt: null,
    downloadSeenAt: null,
    isPauseSeen: false,
    isCancelSeen: false,
    shownPhase: patch.phase ?? null,
    pauseVia: "commands",
    isCrowded: false,
    ...patch,
  };
}

export function facts(agent: Partial<AgentFacts> | null = {}, print: BoundPrint | null = PRINT): LedgerFacts {
  return { print, agent: agent === null ? null : anAgent(agent) };
}

/** A live report of the bound print over the socket that carries the commands, with nothing in it. */
export function aSight(patch: Partial<Evidence> = {}): Evidence {
  const base = {
    connection: SOCKET,
    at: NOW,
    gaveReceipt: false,
    isLive: true,
    phase: null,
    event: null,
    printExtId: PRINT.extId,
    current: PRINT,
    ended: null,
    threads: null,
  };
  return { ...base, ...patch };
}

export function seenEvent(type: ReportedEventType): Evidence["event"] {
  return { type, fileName: null, reason: null };
}

/** A command of `kind` as it stands one second after it was sent; `patch` puts it elsewhere. */
export function aCommand(kind: CommandKind, patch: Partial<Command> = {}): Command {
  const { id, file, initiator, userId, tokenName, ref, probeRef } = aRequest(kind);
  const sentAt = NOW - 1_000;
  return {
    ...{ id, kind, file, initiator, userId, tokenName, ref, probeRef },
    state: "sent",
    reason: null,
    agentWords: null,
    printId: kind === "print_file" ? null : PRINT.id,
    printExtId: kind === "print_file" ? null : PRINT.extId,
    createdAt: sentAt,
    expiresAt: sentAt + 30_000,
    settleBy: null,
    sentAt,
    deliveredAt: null,
    endedAt: null,
    probeBy: null,
    via: "commands",
    connection: SOCKET,
    marks: NO_MARKS,
    ...patch,
  };
}

export function delivered(kind: CommandKind, patch: Partial<Command> = {}): Command {
  const deliveredAt = NOW - 900;
  return aCommand(kind, { state: "delivered", deliveredAt, settleBy: deliveredAt + 360_000, ...patch });
}

export function unknown(kind: CommandKind, patch: Partial<Command> = {}): Command {
  return aCommand(kind, { state: "unknown", reason: "connection_lost", endedAt: NOW - 500, ...patch });
}

export function checking(kind: CommandKind, patch: Partial<Command> = {}): Command {
  return aCommand(kind, { state: "checking", sentAt: null, probeBy: NOW + 2_000, ...patch });
}
