/** What is known about one agent's open socket; it lives in the socket's attachment and dies with it. */
import type { AgentKnowledge } from "./command.ts";
import type { Report } from "./report.ts";
import type { Clock, LiveCopy } from "./status.ts";

export interface AgentSocket {
  /** Counts the printer's agent sockets; the newest is the current one. */
  readonly connection: number;
  /** Where the agent dialled, `https://host[:port]`: what it is told to fetch must be reachable from there. */
  readonly origin: string;
  readonly openedAt: number;
  /** Arrival of the newest frame; the opening until there is one. */
  readonly lastFrameAt: number;
  readonly frames: FrameCount;
  readonly clock: Clock;
  readonly hasStatus: boolean;
  /** Newest live `state.text`, its arrival, and how many live statuses in a row had it. */
  readonly text: string | null;
  readonly textAt: number | null;
  readonly textRun: number;
  /** Arrival of the newest live `G-Code Downloading`. */
  readonly downloadSeenAt: number | null;
  readonly isPauseSeen: boolean;
  readonly isCancelSeen: boolean;
  readonly gaveReceipt: boolean;
  /** A look's unanswered probe. */
  readonly probedAt: number | null;
  readonly live: LiveCopy | null;
}

/** Frames by slots of ten seconds: enough to refuse more than the limit in any five minutes, and hardly less. */
export interface FrameCount {
  readonly slot: number;
  readonly counts: readonly number[];
}

const SLOT_MS = 10_000;
const SLOTS = 31;
const FRAMES_IN_FIVE_MINUTES = 3_000;

export const NO_FRAMES: FrameCount = { slot: 0, counts: [] };

/** What an agent's earlier socket leaves to its next one. */
export interface KeptOfSocket {
  /** Milliseconds. */
  readonly clockOffset: number;
  readonly frames: FrameCount;
}

export function openSocket(connection: number, origin: string, now: number, kept: KeptOfSocket): AgentSocket {
  return {
    connection,
    origin,
    openedAt: now,
    lastFrameAt: now,
    frames: kept.frames,
    clock: { kept: kept.clockOffset, gaps: [] },
    hasStatus: false,
    text: null,
    textAt: null,
    textRun: 0,
    downloadSeenAt: null,
    isPauseSeen: false,
    isCancelSeen: false,
    gaveReceipt: false,
    probedAt: null,
    live: null,
  };
}

/** The socket after one more frame of whatever kind: it answers a look. */
export function countFrame(socket: AgentSocket, now: number): AgentSocket {
  const slot = Math.max(socket.frames.slot, Math.floor(now / SLOT_MS));
  const passed = slot - socket.frames.slot;
  const kept = [...new Array<number>(Math.min(passed, SLOTS)).fill(0), ...socket.frames.counts].slice(0, SLOTS);
  const [newest = 0, ...older] = kept;
  return { ...socket, lastFrameAt: now, probedAt: null, frames: { slot, counts: [newest + 1, ...older] } };
}

export function isFlooding(socket: AgentSocket): boolean {
  return socket.frames.counts.reduce((sum, count) => sum + count, 0) > FRAMES_IN_FIVE_MINUTES;
}

/** What a live report shows of the printer: its text, and whether a pause or a cancellation was seen (wire 3). */
export function observeReport(socket: AgentSocket, report: Report, now: number): AgentSocket {
  const text = report.status?.text ?? null;
  const run = text === null ? socket.textRun : text === socket.text ? socket.textRun + 1 : 1;
  const downloadSeenAt = text === "G-Code Downloading" ? now : socket.downloadSeenAt;
  const seen: AgentSocket = text === null ? socket : { ...socket, text, textAt: now, textRun: run, downloadSeenAt };
  const event = report.event?.type;
  return {
    ...seen,
    isPauseSeen: isPauseSeen(socket.isPauseSeen, event, text, run),
    isCancelSeen: socket.isCancelSeen || event === "PrintCancelled",
  };
}

/** Event and text of one report need not agree (protocol 4.2): the event decides. */
function isPauseSeen(before: boolean, event: string | undefined, text: string | null, run: number): boolean {
  if (event === "PrintPaused") return true;
  if (event === "PrintResumed" || text === "Printing" || text === "Resuming") return false;
  return before || (text === "Paused" && run >= 2);
}

/** Another print, or none: what was seen belongs to the one before. */
export function forgetPrint(socket: AgentSocket): AgentSocket {
  return { ...socket, isPauseSeen: false, isCancelSeen: false };
}

export function knowAgent(socket: AgentSocket, agentName: string | null): AgentKnowledge {
  const { connection, lastFrameAt, gaveReceipt, text, textAt, downloadSeenAt, isPauseSeen, isCancelSeen } = socket;
  return {
    connection,
    lastFrameAt,
    isKnownAgent: isKnownAgent(agentName),
    gaveReceipt,
    text,
    textAt,
    downloadSeenAt,
    isPauseSeen,
    isCancelSeen,
  };
}

/** The two agents that are known to answer `get_state_id` (design 5). */
export function isKnownAgent(agentName: string | null): boolean {
  return agentName === "octoprint_obico" || agentName === "moonraker_obico";
}
