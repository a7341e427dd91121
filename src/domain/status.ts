/** Presence, and the status that is shown. */
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

/** False for a status of a backlog that is older than the shown one by less than a clock step [P9]. */
export function isNewer(status: ReportedStatus, isLive: boolean, shown: ShownStatus | null): boolean {
  if (isLive || shown === null || shown.ts === null || status.ts === null) return true;
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
