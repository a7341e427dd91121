/** How a report is dated by an agent's clock, which is not to be trusted: [P11] to [P16], [P46], [P47]. */

/** Sliding window over arrival minus `_ts`: how far the agent's clock and the network are behind ours. */
export interface Clock {
  /** Milliseconds kept from the socket before, used until this one has gaps of its own. */
  readonly kept: number;
  /** Milliseconds, of the newest live reports since the clock was last set. */
  readonly gaps: readonly number[];
}

const GAPS = 10;
const STEP_MS = 60_000;
const LIVE_MS = 10_000;
/** Unix seconds of 2001: no agent is that old. */
const FIRST_TS = 1e9;

/** Notes a report's gap. One far from the others shows that the clock was set: they say nothing any more. */
export function observeClock(clock: Clock, ts: number | null, arrival: number): Clock {
  if (ts === null) return clock;
  const gap = Math.round(arrival - ts * 1000);
  const isStep = Math.abs(gap - clockOffset(clock)) > STEP_MS;
  return { ...clock, gaps: isStep ? [gap] : [...clock.gaps, gap].slice(-GAPS) };
}

/** Milliseconds to add to `_ts`. */
export function clockOffset(clock: Clock): number {
  return clock.gaps.length === 0 ? clock.kept : Math.min(...clock.gaps);
}

/** When a report happened (epoch milliseconds): not after its arrival, nor before `bound`. */
export function dateReport(ts: number | null, clock: Clock, arrival: number, bound: number): number {
  if (ts === null) return arrival;
  const date = Math.floor(ts * 1000 + clockOffset(clock));
  // Of a board that started without a clock, and has not been measured since, only the arrival is known.
  if (date < bound && ts < FIRST_TS) return arrival;
  return Math.max(bound, Math.min(arrival, date));
}

/** Whether a report tells of now, as far as its own `_ts` says it. */
export function isRecent(ts: number, clock: Clock, arrival: number): boolean {
  return arrival - (ts * 1000 + clockOffset(clock)) < LIVE_MS;
}
