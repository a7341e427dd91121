/** The pause that failure detection asks for: tried until it is delivered, watched until it is seen. */
import type { CommandRecord } from "./command.ts";

/** Plain JSON; times are epoch milliseconds. */
export interface SafetyPause {
  readonly printId: number;
  readonly startedAt: number;
  /** The pause commands so far, oldest first, and when and over which socket the newest went. */
  readonly commandIds: readonly string[];
  readonly triedAt: number | null;
  readonly triedConnection: number | null;
  /** Somebody was told that the pause is not confirmed. */
  readonly isEscalated: boolean;
}

export interface SafetyFacts {
  readonly currentPrintId: number | null;
  /** The printer was seen paused since it was asked for. */
  readonly isPauseSeen: boolean;
  /** Acknowledged, resumed or muted since it was asked for, or watching was switched off. */
  readonly isCalledOff: boolean;
  /** The open agent socket; null without one. */
  readonly connection: number | null;
  /** What became of `commandIds`. */
  readonly commands: readonly Pick<CommandRecord, "state" | "deliveredAt">[];
}

export type SafetyMove =
  | { readonly type: "stop"; readonly because: "paused" | "print_ended" | "called_off" }
  /** Make a new pause command, and note it. */
  | { readonly type: "try" }
  /** Tell people that the printer was not seen to pause, and note it. */
  | { readonly type: "escalate" }
  /** `until` null: a frame, a socket or the command's own limit brings the next look. */
  | { readonly type: "wait"; readonly until: number | null };

const TRIES = 3;
const APART_MS = 10_000;

export function startSafetyPause(printId: number, now: number): SafetyPause {
  return { printId, startedAt: now, commandIds: [], triedAt: null, triedConnection: null, isEscalated: false };
}

export function noteTry(pause: SafetyPause, commandId: string, connection: number | null, now: number): SafetyPause {
  return { ...pause, commandIds: [...pause.commandIds, commandId], triedAt: now, triedConnection: connection };
}

/** What to do at `now`; asked after every change and at `until`. */
export function moveSafetyPause(pause: SafetyPause, facts: SafetyFacts, now: number): SafetyMove {
  if (facts.isPauseSeen) return { type: "stop", because: "paused" };
  if (facts.currentPrintId !== pause.printId) return { type: "stop", because: "print_ended" };
  if (facts.isCalledOff) return { type: "stop", because: "called_off" };
  if (facts.commands.some(({ state }) => state === "delivered")) return { type: "wait", until: null };
  const wasDelivered = facts.commands.some(({ deliveredAt }) => deliveredAt !== null);
  if (!wasDelivered && isTryDue(pause, facts.connection, now)) return { type: "try" };
  const giveUpAt = wasDelivered ? now : pause.startedAt + TRIES * APART_MS;
  if (!pause.isEscalated && now >= giveUpAt) return { type: "escalate" };
  const due = [wasDelivered ? null : nextTryAt(pause, facts.connection), pause.isEscalated ? null : giveUpAt];
  const times = due.filter((at) => at !== null);
  return { type: "wait", until: times.length === 0 ? null : Math.min(...times) };
}

/** A new socket is a new chance at once, however often the old ones failed. */
function isTryDue(pause: SafetyPause, connection: number | null, now: number): boolean {
  if (connection === null) return false;
  if (pause.triedConnection !== connection) return true;
  const at = nextTryAt(pause, connection);
  return at !== null && now >= at;
}

function nextTryAt({ commandIds, triedAt }: SafetyPause, connection: number | null): number | null {
  if (connection === null || triedAt === null || commandIds.length >= TRIES) return null;
  return triedAt + APART_MS;
}
