/**
 * A printer as it is shown: the one shape that `http/json/printer.ts` turns into JSON, filled by the object (GET one, answers)
 * or from the rows of D1 (the list). Times are epoch milliseconds; status and settings stay JSON text.
 */

import type { Printer } from "./change.ts";
import type { Configuration } from "./configuration.ts";
import type { ShownPrint } from "./print.ts";
import { presence, statusText } from "./status.ts";

export const PRESENCE_STATES = ["online", "stale", "unreachable", "offline"] as const;
export type PresenceState = (typeof PRESENCE_STATES)[number];

export interface PresenceView {
  readonly state: PresenceState;
  readonly since: number | null;
  /** Arrival of the agent's last frame. */
  readonly lastSeenAt: number | null;
  /** Milliseconds since the shown status arrived; null iff there is no status (in the list also while online). */
  readonly statusAgeMs: number | null;
}

export interface PrinterView {
  readonly id: number;
  readonly uid: string;
  readonly userId: number;
  readonly createdAt: number;
  readonly archivedAt: number | null;
  readonly configuration: Configuration;
  /** Generation of the token that is shown to the owner. */
  readonly generation: number;
  readonly agentName: string | null;
  readonly agentVersion: string | null;
  readonly presence: PresenceView;
  /** JSON text of the agent's status; null when offline. */
  readonly status: string | null;
  /** `state.flags.printing` of that status; false without one. */
  readonly isPrinting: boolean;
  /** JSON text of the agent's merged settings messages; null when it never sent one. */
  readonly settings: string | null;
  readonly currentPrint: ShownPrint | null;
  /** Failure detection's gauge, 0..1. */
  readonly normalizedP: number;
  /** When failure detection last examined a picture. */
  readonly lastExaminedAt: number | null;
}

/** The printer as it is shown at `now`. */
export function viewOf(printer: Printer, now: number): PrinterView {
  const { state, socket, shown } = printer;
  const { state: reached, since } = presence(state, now);
  const visible = reached === "offline" ? null : shown;
  return {
    id: state.id,
    uid: state.uid,
    userId: state.userId,
    createdAt: state.createdAt,
    archivedAt: state.archivedAt,
    configuration: state.configuration,
    generation: state.tokens.newest,
    agentName: state.agentName,
    agentVersion: state.agentVersion,
    presence: {
      state: reached,
      since,
      lastSeenAt: socket?.lastFrameAt ?? state.lastSeenAt,
      statusAgeMs: visible === null ? null : now - visible.at,
    },
    status: visible === null ? null : statusText(visible),
    isPrinting: visible?.isPrinting ?? false,
    settings: printer.settings,
    currentPrint: state.current,
    normalizedP: state.normalizedP,
    lastExaminedAt: state.lastExaminedAt,
  };
}
