/** The list's copy of a status: what of a status was copied last, in a few short words, and when the next copy is due. */

import { type Change, withEffects, withSocket } from "./change.ts";
import { checksum } from "./checksum.ts";
import type { ReportedStatus } from "./report.ts";

/** Checksums of a status' parts, and the temperatures that a move is measured from. */
interface StatusOutline {
  readonly condition: string;
  readonly steady: string;
  readonly moving: string;
  readonly heaters: string;
  /** Degrees Celsius, of the first heaters in the agent's order. */
  readonly actualsC: readonly (number | null)[];
}

export interface LastCopy {
  /** Epoch milliseconds of the last write to the list's copy. */
  readonly at: number;
  readonly copied: StatusOutline;
  /** What is shown and due, since when it differs from the copy (epoch milliseconds); null: nothing that has to follow. */
  readonly waiting: { readonly since: number; readonly outline: StatusOutline } | null;
}

/** What becomes of the copy: through the outbox, straight to D1, or nothing yet. */
interface CopyDecision {
  readonly effect: "project-live" | "refresh-live" | null;
  readonly live: LastCopy | null;
}

const COPY_MS = 60_000;
const MOVED_C = 5;
/** Temperatures that are kept one by one: the attachment is small, and a frame may name any number of heaters. */
const SINGLE_HEATERS = 64;

/** Copies a status that is about to be shown, as far as that is due. */
export function copyStatus(before: Change, status: ReportedStatus, now: number): Change {
  const { socket, shown, state } = before.printer;
  if (socket === null) return before;
  const facts = { isTold: shown?.text === status.text, hasPrint: state.current !== null };
  const { effect, live } = decideCopy(socket.live, status, facts, now);
  const kept = withSocket(before, { ...socket, live });
  return effect === null ? kept : withEffects(kept, { type: effect });
}

/** Copies without a status what waited for a minute, and whatever differs once no status came for one. */
export function copyOverdue(before: Change, now: number): Change {
  const { socket, shown } = before.printer;
  if (socket === null || shown === null) return before;
  const live = overdueCopy(socket.live, shown.at, now);
  return live === null ? before : withEffects(withSocket(before, { ...socket, live }), { type: "refresh-live" });
}

/** `isTold`: the shown status before it has the same text. `hasPrint`: one is current. */
function decideCopy(
  live: LastCopy | null,
  status: ReportedStatus,
  { isTold, hasPrint }: { readonly isTold: boolean; readonly hasPrint: boolean },
  now: number,
): CopyDecision {
  const outline = outlineOf(status);
  const fresh: LastCopy = { at: now, copied: outline, waiting: null };
  if (!isTold || (live !== null && live.copied.condition !== outline.condition))
    return { effect: "project-live", live: fresh };
  if (live === null) return { effect: "refresh-live", live: fresh };
  const isMoved = isHeaterMoved(live.copied, outline);
  const isOwed = isMoved || live.copied.steady !== outline.steady;
  const isChanged = isOwed || (hasPrint && live.copied.moving !== outline.moving);
  const isDue = isChanged && now - live.at >= COPY_MS;
  if (isDue || (isMoved && !hasPrint)) return { effect: "refresh-live", live: fresh };
  if (!isOwed) return { effect: null, live: live.waiting === null ? live : { ...live, waiting: null } };
  return { effect: null, live: { ...live, waiting: { since: live.waiting?.since ?? now, outline } } };
}

/** The status that waits is lost: the next one is compared with the copy again. */
export function dropWaiting(live: LastCopy | null): LastCopy | null {
  return live === null ? null : { ...live, waiting: null };
}

/** When what waits has to be copied though no frame comes, epoch milliseconds; null: nothing waits. */
export function copyDeadline(live: LastCopy | null): number | null {
  return live === null || live.waiting === null ? null : live.waiting.since + COPY_MS;
}

/** The copy that is due without a status; null: none. `shownAt`: arrival of the newest one. */
function overdueCopy(live: LastCopy | null, shownAt: number, now: number): LastCopy | null {
  if (live === null) return null;
  const deadline = copyDeadline(live);
  const isOverdue = deadline !== null && now >= deadline;
  const isSilent = shownAt > live.at && now - shownAt >= COPY_MS;
  return isOverdue || isSilent ? { at: now, copied: live.waiting?.outline ?? live.copied, waiting: null } : null;
}

function outlineOf({ parts, job, fileMetadata }: ReportedStatus): StatusOutline {
  const { condition, steady, moving, heaters, actualsC } = parts;
  const others = actualsC.slice(SINGLE_HEATERS).map((actual) => actual && Math.floor(actual / MOVED_C));
  return {
    condition: checksum(condition),
    steady: checksum(`${steady}\n${job}\n${fileMetadata}\n${others}`),
    moving: checksum(moving),
    heaters: checksum(heaters),
    actualsC: actualsC.slice(0, SINGLE_HEATERS),
  };
}

/** A heater came or went, its target changed, or its temperature is 5 degrees away from the copied one. */
function isHeaterMoved(copied: StatusOutline, outline: StatusOutline): boolean {
  if (copied.heaters !== outline.heaters) return true;
  return outline.actualsC.some((actual, index) => {
    const before = copied.actualsC[index] ?? null;
    return actual !== null && before !== null && Math.abs(actual - before) >= MOVED_C;
  });
}
