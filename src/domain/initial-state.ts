/** A printer to which nothing has happened yet: where every state begins, and from which older stored ones are completed. */
import { NO_FRAMES } from "./agent-socket.ts";
import type { PrinterState } from "./change.ts";
import type { Configuration } from "./configuration.ts";
import { NO_THREADS } from "./threads.ts";

/** What a printer is born with; `createdAt` is epoch milliseconds. */
interface Birth {
  readonly id: number;
  readonly uid: string;
  readonly userId: number;
  readonly createdAt: number;
  readonly configuration: Configuration;
}

/** Every key of the state, at its initial value. */
export function initialState(birth: Birth): PrinterState {
  return {
    version: 4,
    ...birth,
    revision: 0,
    printSequence: 0,
    eventSequence: 0,
    connectionSequence: 0,
    archivedAt: null,
    deletedAt: null,
    tokens: { newest: 1, used: null, graceUntil: null, keyId: null },
    agentName: null,
    agentVersion: null,
    dialect: "other",
    connectedAt: null,
    disconnectedAt: null,
    printerLostAt: null,
    lastSeenAt: null,
    clockOffset: 0,
    datedAt: 0,
    frames: NO_FRAMES,
    current: null,
    trail: { latest: 0, events: [], pause: null },
    ledger: [],
    threads: NO_THREADS,
    replacements: { at: [], toldAt: null },
    normalizedP: 0,
    lastExaminedAt: null,
  };
}
