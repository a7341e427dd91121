/** Presence, the order and the dates of reports, and the status that is shown. */
import type { Phase } from "./phase.ts";
import type { ReportedStatus } from "./report.ts";
import type { PresenceState } from "./view.ts";

/** Epoch milliseconds, as stored; see `presence`. */
export interface PresenceFacts {
  readonly connectedAt: number | null;
  readonly disconnectedAt: number | null;
  readonly printerLostAt: number | null;
}

const OFFLINE_AFTER_MS = 60_000;

/** State and `since` of a printer at `now`; the first rule that matches. */
export function presence(facts: PresenceFacts, now: number): { state: PresenceState; since: number | null } {
  const { connectedAt, disconnectedAt, printerLostAt } = facts;
  if (connectedAt === null) return { state: "offline", since: null };
  if (disconnectedAt !== null) {
    return { state: now - disconnectedAt >= OFFLINE_AFTER_MS ? "offline" : "stale", since: disconnectedAt };
  }
  if (printerLostAt !== null) return { state: "unreachable", since: printerLostAt };
  return { state: "online", since: connectedAt };
}

/** The newest status that counts, with every key and value that the agent sent. */
export interface ShownStatus {
  /** `_ts`, Unix seconds. */
  readonly ts: number | null;
  /** Arrival, epoch milliseconds. */
  readonly at: number;
  readonly text: string | null;
  /** Null when neither text nor flags told it. */
  readonly phase: Phase | null;
  /** `state.flags.printing` */
  readonly isPrinting: boolean;
  /** JSON text of every key but `job` and `file_metadata`, and of those two. */
  readonly rest: string;
  readonly job: string | null;
  readonly fileMetadata: string | null;
}

const CLOCK_STEP_S = 60;

/** False for a status that is older than the shown one by less than a clock step. */
export function isNewer(status: ReportedStatus, shown: ShownStatus | null): boolean {
  if (shown === null || shown.ts === null || status.ts === null) return true;
  const behind = shown.ts - status.ts;
  return behind <= 0 || behind >= CLOCK_STEP_S;
}

export function showStatus(status: ReportedStatus, arrival: number): ShownStatus {
  const { ts, text, phase, isPrinting, rest, job, fileMetadata } = status;
  return { ts, at: arrival, text, phase, isPrinting, rest, job, fileMetadata };
}

/** A status of which only the list's copy is left: a JSON object's text, when it arrived, and its flag. */
export interface RememberedStatus {
  readonly json: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly isPrinting: boolean;
}

export function recoverStatus({ json, at, isPrinting }: RememberedStatus): ShownStatus {
  return { ts: null, at, text: null, phase: null, isPrinting, rest: json, job: null, fileMetadata: null };
}

/** The status as one JSON text; `rest` is a JSON object. */
export function statusText(shown: ShownStatus): string {
  const parts = [shown.rest.slice(1, -1)];
  if (shown.job !== null) parts.push(`"job":${shown.job}`);
  if (shown.fileMetadata !== null) parts.push(`"file_metadata":${shown.fileMetadata}`);
  return `{${parts.filter((part) => part !== "").join(",")}}`;
}

/** Sliding window over arrival minus `_ts` on one socket: how far the agent's clock and the network are behind ours. */
export interface Clock {
  /** Milliseconds kept from the socket before, used until this one has gaps of its own. */
  readonly kept: number;
  /** Milliseconds, of the newest frames. */
  readonly gaps: readonly number[];
}

const GAPS = 10;
const SETTLING_MS = 5_000;
const LIVE_MS = 10_000;

/** Notes a frame's gap, unless the socket is so young that it may still flush a backlog. */
export function observeClock(clock: Clock, ts: number | null, arrival: number, openedAt: number): Clock {
  if (ts === null || arrival - openedAt <= SETTLING_MS) return clock;
  return { ...clock, gaps: [...clock.gaps, Math.round(arrival - ts * 1000)].slice(-GAPS) };
}

/** Milliseconds to add to `_ts`. */
export function clockOffset(clock: Clock): number {
  return clock.gaps.length === 0 ? clock.kept : Math.min(...clock.gaps);
}

/** When a report happened (epoch milliseconds, never after its arrival), and whether it tells of now. */
export function dateReport(ts: number | null, clock: Clock, arrival: number): { date: number; isLive: boolean } {
  if (ts === null) return { date: arrival, isLive: true };
  const date = Math.min(arrival, Math.floor(ts * 1000 + clockOffset(clock)));
  return { date, isLive: arrival - date < LIVE_MS };
}
