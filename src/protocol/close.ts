/** Codes with which sockets are closed ([A5] to [A10]). 4321 is never among them: it mutes both agents until a restart. */
import type { CloseCause } from "../domain/change.ts";

export interface Close {
  readonly code: number;
  /** At most 123 UTF-8 bytes. */
  readonly reason: string;
}

export const AGENT_CLOSES = {
  replaced: { code: 4409, reason: "replaced by a newer connection" },
  "dead-token": { code: 4404, reason: "this printer takes no connections with this token" },
  flooding: { code: 1008, reason: "more than 3000 frames in 5 minutes" },
  silent: { code: 4410, reason: "no answer to a probe" },
} as const satisfies Record<CloseCause, Close>;

export const FRAME_TOO_LARGE = { code: 1009, reason: "frame too large" } as const satisfies Close;

export const SOCKET_ERROR = { code: 1011, reason: "socket error" } as const satisfies Close;

/** Codes that nobody may send, and 4321, which is never sent to an agent: a peer's own is answered with a plain close. */
const NOT_SENDABLE: ReadonlySet<number> = new Set([1004, 1005, 1006, 1015, 4321]);

/** The code with which a peer's close is returned. */
export function closeBackCode(code: number): number {
  return NOT_SENDABLE.has(code) ? 1000 : code;
}
