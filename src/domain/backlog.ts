/** What an agent queued while it had no socket comes first on the next one; the answer to a probe of ours ends it [P40]. */

/** The probes of a socket that none of its agent's answers has followed yet. */
export interface Backlog {
  /** Of the probe at the opening; those after it have a number behind it. */
  readonly ref: string;
  /** How many were sent since then, and when the last one was. */
  readonly repeated: number;
  readonly askedAt: number;
}

const AGAIN_MS = 1_000;
const MOST_REPEATED = 10;

export function beginBacklog(ref: string, now: number): Backlog {
  return { ref, repeated: 0, askedAt: now };
}

/** Whether `ref` is that of one of these probes. */
export function isProbeOf({ ref: opening }: Backlog, ref: string): boolean {
  return ref === opening || ref.startsWith(`${opening}-`);
}

/** The next probe, which a frame that comes without an answer calls for, since a full queue drops the answer; null: none is due. */
export function askAgain(backlog: Backlog, now: number): { readonly backlog: Backlog; readonly ref: string } | null {
  if (isAskedEnough(backlog) || now - backlog.askedAt < AGAIN_MS) return null;
  const repeated = backlog.repeated + 1;
  return { backlog: { ...backlog, repeated, askedAt: now }, ref: `${backlog.ref}-${repeated}` };
}

/** No answer came to any of them. */
export function isAskedEnough({ repeated }: Backlog): boolean {
  return repeated >= MOST_REPEATED;
}
