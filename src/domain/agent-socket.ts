/** What is known about one agent's open socket; it lives in the socket's attachment and dies with it. */
import { type Backlog, beginBacklog, isAskedEnough } from "./backlog.ts";
import { type Clock, clockOffset, dateReport, isRecent, observeClock } from "./clock.ts";
import type { AgentFacts, Command } from "./command.ts";
import { type Dialect, GIVES_RECEIPTS, HAS_PAUSE_SCRIPTS } from "./dialect.ts";
import type { LastCopy } from "./list-copy.ts";
import type { Phase } from "./phase.ts";
import type { PassthruAnswer, Report, ReportedEventType } from "./report.ts";
import type { ShownStatus } from "./status.ts";
import { type AgentThreads, isCrowded } from "./threads.ts";

export interface AgentSocket {
  /** Counts the printer's agent sockets; the newest is the current one. */
  readonly connection: number;
  /** Where the agent dialled, `https://host[:port]`: URLs that it is to fetch begin with it. */
  readonly origin: string;
  readonly openedAt: number;
  /** Arrival of the newest frame; the opening until there is one. */
  readonly lastFrameAt: number;
  readonly frames: FrameCount;
  readonly chatter: ChatterCount;
  readonly clock: Clock;
  /** Date that was given to the newest report that has one; the next one's is not before it. */
  readonly datedAt: number;
  /** Null once an answer ended it: every later report is live. */
  readonly backlog: Backlog | null;
  readonly hasStatus: boolean;
  /** Newest live phase, its arrival, and how many live statuses in a row showed it. */
  readonly phase: Phase | null;
  readonly phaseAt: number | null;
  readonly phaseRun: number;
  /** Arrival of the newest live `downloading`. */
  readonly downloadSeenAt: number | null;
  readonly isPauseSeen: boolean;
  readonly isCancelSeen: boolean;
  readonly gaveReceipt: boolean;
  /** The status before, live or not: its `_ts` and its phase. */
  readonly reportTs: number | null;
  readonly reportPhase: Phase | null;
  readonly scriptedPause: ScriptedPause | null;
  /** When the look sent a probe that nothing has answered yet; null: none. */
  readonly probedAt: number | null;
  readonly live: LastCopy | null;
  /** Time stamp of a print that was seen to print, but waits for a name or a second report ([L54]). */
  readonly nameless: number | null;
  /** Arrival of the newest live report of the current print, on this socket or on those that it replaced. */
  readonly namedAt: number | null;
  /** Whether this very socket brought such a report. */
  readonly hasNamed: boolean;
}

/** The newest pause that rewrites the agent's scripts: it is open until its receipt came and its effect showed. */
interface ScriptedPause {
  readonly ref: string;
  readonly isRead: boolean;
  readonly isShown: boolean;
}

/** A sliding window of 31 slots of ten seconds: it counts the frames of the last 300 to 310 s. */
export interface FrameCount {
  readonly slot: number;
  readonly counts: readonly number[];
}

const SLOT_MS = 10_000;
const SLOTS = 31;
const FRAMES_IN_FIVE_MINUTES = 3_000;

/** Of the five minutes that began then (epoch milliseconds): frames that only viewers would read, like console lines ([A75]). */
interface ChatterCount {
  readonly since: number;
  readonly count: number;
}

const CHATTER_MS = 300_000;
/** A serial line at full speed tells about 100 lines a second. */
export const CHATTER_IN_FIVE_MINUTES = 30_000;

export const NO_FRAMES: FrameCount = { slot: 0, counts: [] };

/** What an agent's earlier socket leaves to its next one. */
export interface KeptOfSocket {
  /** Milliseconds. */
  readonly clockOffset: number;
  /** Epoch milliseconds. */
  readonly datedAt: number;
  readonly frames: FrameCount;
  /** Of a socket that was open until now. */
  readonly namedAt?: AgentSocket["namedAt"];
}

export function keepOfSocket({ clock, datedAt, frames }: AgentSocket): KeptOfSocket {
  return { clockOffset: clockOffset(clock), datedAt, frames };
}

/** What is known of a new socket. */
export interface SocketOpening {
  /** Counts the printer's agent sockets. */
  readonly connection: number;
  /** `https://host[:port]` */
  readonly origin: string;
  /** Of the probe with which it begins. */
  readonly ref: string;
}

export function openSocket({ connection, origin, ref }: SocketOpening, now: number, kept: KeptOfSocket): AgentSocket {
  return {
    connection,
    origin,
    openedAt: now,
    lastFrameAt: now,
    frames: kept.frames,
    chatter: { since: 0, count: 0 },
    clock: { kept: kept.clockOffset, gaps: [] },
    datedAt: kept.datedAt,
    backlog: beginBacklog(ref, now),
    hasStatus: false,
    phase: null,
    phaseAt: null,
    phaseRun: 0,
    downloadSeenAt: null,
    isPauseSeen: false,
    isCancelSeen: false,
    gaveReceipt: false,
    reportTs: null,
    reportPhase: null,
    scriptedPause: null,
    probedAt: null,
    live: null,
    nameless: null,
    namedAt: kept.namedAt ?? null,
    hasNamed: false,
  };
}

/** The socket after one more frame: counted, and a sign of life whatever it holds. */
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

/** The same for a frame of chatter. */
export function countChatter(socket: AgentSocket, now: number): AgentSocket {
  const { since, count } = socket.chatter;
  const chatter = now - since < CHATTER_MS ? { since, count: count + 1 } : { since: now, count: 1 };
  return { ...socket, lastFrameAt: now, probedAt: null, chatter };
}

export interface Moment {
  /** When the report happened, and when it arrived. */
  readonly date: number;
  readonly now: number;
  /** It tells of now, and not of what was queued before the socket opened. */
  readonly isLive: boolean;
}

/** Dates a report, and measures the clock where that is safe. */
export function dateOnSocket(
  socket: AgentSocket,
  dialect: Dialect,
  ts: number | null,
  now: number,
): { socket: AgentSocket; moment: Moment } {
  const { backlog, datedAt } = socket;
  // Agents of unknown kind may never answer: what they say that late is no backlog.
  const isSilent = backlog !== null && isAskedEnough(backlog) && !GIVES_RECEIPTS[dialect];
  const isMeasured = backlog === null || isSilent || (ts !== null && isRecent(ts, socket.clock, now));
  const clock = isMeasured ? observeClock(socket.clock, ts, now) : socket.clock;
  const isLive = backlog === null || (ts === null ? isBelieved(backlog, dialect) : isRecent(ts, clock, now));
  return { socket: { ...socket, clock }, moment: { date: dateReport(ts, clock, now, datedAt), isLive, now } };
}

/** A report without a `_ts` is taken for live, unless its agent is known to answer and has not yet. */
function isBelieved(backlog: Backlog, dialect: Dialect): boolean {
  return isAskedEnough(backlog) || !GIVES_RECEIPTS[dialect];
}

/** What a live report shows of the printer: its phase, and whether a pause or a cancellation was seen. */
export function observeReport(socket: AgentSocket, report: Report, now: number): AgentSocket {
  const phase = report.status?.phase ?? null;
  const run = phase === null ? socket.phaseRun : phase === socket.phase ? socket.phaseRun + 1 : 1;
  const downloadSeenAt = phase === "downloading" ? now : socket.downloadSeenAt;
  const seen: AgentSocket = phase === null ? socket : { ...socket, phase, phaseAt: now, phaseRun: run, downloadSeenAt };
  const event = report.event?.type ?? null;
  return {
    ...seen,
    scriptedPause: outdate(socket.scriptedPause, phase),
    isPauseSeen: isPauseSeen(socket.isPauseSeen, event, phase, run),
    isCancelSeen: socket.isCancelSeen || event === "cancelled",
  };
}

/** Its effect shows; where its receipt was lost, that it prints again after that has to do. */
function outdate(pause: ScriptedPause | null, phase: Phase | null): ScriptedPause | null {
  if (phase === "pausing" || phase === "paused") return settle(pause, { isShown: true });
  return pause?.isShown && PAUSABLE.has(phase) ? null : pause;
}

function settle(pause: ScriptedPause | null, news: Partial<ScriptedPause>): ScriptedPause | null {
  const next = pause === null ? null : { ...pause, ...news };
  return next?.isRead && next.isShown ? null : next;
}

/** Event and phase of one report need not agree, since an event may wait in the agent's queue: the event decides. */
function isPauseSeen(before: boolean, event: ReportedEventType | null, phase: Phase | null, run: number): boolean {
  if (event === "paused") return true;
  if (event === "resumed" || phase === "printing" || phase === "resuming") return false;
  return before || (phase === "paused" && run >= 2);
}

/** Drops what was seen of a print, because another is current, or none. */
export function forgetPrint(socket: AgentSocket): AgentSocket {
  return { ...socket, hasNamed: false, isPauseSeen: false, isCancelSeen: false };
}

/** Notes the report before the next one, live or not. */
export function noteReport(socket: AgentSocket, { status }: Report): AgentSocket {
  return status === null ? socket : { ...socket, reportTs: status.ts, reportPhase: status.phase };
}

/** Notes a command that was handed to the socket. */
export function noteSent(socket: AgentSocket, { kind, via, ref }: Command): AgentSocket {
  if (kind !== "pause" || via === "passthru") return socket;
  return { ...socket, scriptedPause: { ref, isRead: false, isShown: false } };
}

/** Notes the answer to a ref of ours. A pause that was refused wrote no scripts. */
export function noteAnswer(socket: AgentSocket, { ref, phase }: PassthruAnswer): AgentSocket {
  const heard: AgentSocket = { ...socket, gaveReceipt: true };
  if (socket.scriptedPause?.ref !== ref) return heard;
  const isRefused = phase !== null && phase !== "pausing" && phase !== "paused";
  return { ...heard, scriptedPause: isRefused ? null : settle(socket.scriptedPause, { isRead: true }) };
}

const PAUSABLE: ReadonlySet<Phase | null> = new Set(["starting", "printing", "resuming"]);

/** A pause command goes to OctoPrint only while it prints, and once: it rewrites scripts that a paused print still needs [C70]. */
function pauseVia({ phase, scriptedPause }: AgentSocket, dialect: Dialect): Command["via"] {
  if (!HAS_PAUSE_SCRIPTS[dialect]) return "commands";
  return PAUSABLE.has(phase) && scriptedPause === null ? "commands" : "passthru";
}

export function agentFacts(
  socket: AgentSocket,
  shown: ShownStatus | null,
  { dialect, threads }: { readonly dialect: Dialect; readonly threads: AgentThreads },
): AgentFacts {
  const { connection, lastFrameAt, phase, phaseAt, downloadSeenAt, isPauseSeen, isCancelSeen } = socket;
  const seen = { phase, phaseAt, downloadSeenAt, isPauseSeen, isCancelSeen };
  return {
    ...{ connection, lastFrameAt, expectsReceipt: isReceiptExpected(socket, dialect), ...seen },
    shownPhase: shown?.phase ?? null,
    pauseVia: pauseVia(socket, dialect),
    isCrowded: isCrowded(threads),
  };
}

/** Whether this agent answers every ref, so that a missing answer means that nobody read the frame. */
export function isReceiptExpected({ gaveReceipt }: AgentSocket, dialect: Dialect): boolean {
  return gaveReceipt || GIVES_RECEIPTS[dialect];
}
