/**
 * The threads of moonraker-obico: one a command, and each posts exactly one *end* when its call has returned, a settled
 * text that may still show the printer as it was before. Until then a phase that contradicts a command means nothing [C71].
 */
import { isTransientPhase, type Phase } from "./phase.ts";
import type { Report } from "./report.ts";

/** Plain JSON, stored in the printer's state; times are epoch milliseconds. */
export interface AgentThreads {
  /** When the commands were sent whose end was not seen yet, oldest first. */
  readonly owed: readonly number[];
  /** Arrival of the newest end, and of the one before. */
  readonly endedAt: number | null;
  readonly endedBefore: number | null;
  /** Arrival of the newest refusal by the firmware. */
  readonly refusedAt: number | null;
  /** Its words; null before any. */
  readonly refusedWith: string | null;
}

/** The threads after one report. */
export interface ThreadView extends AgentThreads {
  /** The sending of the command whose end this report is, as far as is known; null: it is none. */
  readonly ended: number | null;
}

export const NO_THREADS: AgentThreads = {
  owed: [],
  endedAt: null,
  endedBefore: null,
  refusedAt: null,
  refusedWith: null,
};

/** An agent gives up a call after 300 s, and looks for its effect for 30 s more. */
const OWED_MS = 336_000;
/** An end that comes later is that of a call that was given up: the macro may still run. */
const GIVEN_UP_MS = 295_000;
/** What the agent shows may be that much older than the end. */
const LAG_MS = 2_000;
/** Regular reports are 30.1 s and more apart, by the agent's own clock. */
const REGULAR_S = 29.9;
const MOST_OWED = 32;

export function oweEnd(threads: AgentThreads, sentAt: number): AgentThreads {
  return { ...threads, owed: [...stillOwed(threads, sentAt), sentAt].slice(-MOST_OWED) };
}

/** Whether so many ends are owed that one more could not be counted: then no phase contradicts that command. */
export function isCrowded(threads: AgentThreads): boolean {
  return threads.owed.length >= MOST_OWED;
}

function stillOwed({ owed }: AgentThreads, now: number): readonly number[] {
  return owed.every((at) => now - at < OWED_MS) ? owed : owed.filter((at) => now - at < OWED_MS);
}

/** What is known of the report before: its `_ts` (Unix seconds) and phase. */
export interface EarlierReport {
  readonly reportTs: number | null;
  readonly reportPhase: Phase | null;
}

/** A settled text without event and settings that follows a transient one, or comes sooner than a regular report would. */
export function isEnd(report: Report, earlier: EarlierReport): boolean {
  const { status, event, settings } = report;
  if (status === null || event !== null || settings !== null) return false;
  if (status.phase === null || isTransientPhase(status.phase)) return false;
  if (isTransientPhase(earlier.reportPhase)) return true;
  return status.ts !== null && earlier.reportTs !== null && status.ts - earlier.reportTs < REGULAR_S;
}

/** Counts a report that is an end against the oldest one that is owed. */
export function takeEnd(threads: AgentThreads, isEndOfOne: boolean, now: number): ThreadView {
  const owed = stillOwed(threads, now);
  const [ended = null, ...others] = owed;
  if (!isEndOfOne || ended === null) return { ...threads, owed, ended: null };
  return { ...threads, owed: others, endedAt: now, endedBefore: threads.endedAt, ended };
}

/** The firmware's words, if it refused something since; null: it did not. */
export function refusalSince({ refusedAt, refusedWith }: AgentThreads, since: number): string | null {
  return refusedAt !== null && refusedAt >= since ? refusedWith : null;
}

/**
 * Whether a phase in the report that arrives `now` may be held against the command sent at `sentAt`, the latest one.
 * Nothing may be owed, and its own end has to be past by the agent's lag; its own end does where Klipper was heard to refuse.
 */
export function isBelievable(threads: ThreadView, sentAt: number, now: number): boolean {
  const { owed, endedAt, endedBefore, refusedAt, ended } = threads;
  if (owed.length > 0 || endedAt === null || endedAt < sentAt || endedAt - sentAt > GIVEN_UP_MS) return false;
  const isAlone = ended === sentAt && (endedBefore === null || endedBefore < sentAt);
  const isRefused = refusedAt !== null && refusedAt >= sentAt;
  return now - endedAt >= LAG_MS || (isAlone && isRefused);
}
