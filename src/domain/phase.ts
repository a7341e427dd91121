import type { ReportedEventType } from "./report.ts";

/** What a printer is doing, in one vocabulary for all agents; `protocol/words.ts` maps every agent's own words to it. */
export type Phase =
  | "idle"
  | "starting"
  | "printing"
  | "pausing"
  | "paused"
  | "resuming"
  | "cancelling"
  | "finishing"
  /** The agent fetches a file that it will print. */
  | "downloading"
  | "error"
  /** The agent runs, but its printer is not connected to it. */
  | "offline";

/** What an agent shows while it obeys: it passes, and says little of how the printer is. */
export function isTransientPhase(phase: Phase | null): boolean {
  return phase === "pausing" || phase === "resuming" || phase === "cancelling";
}

/** Nothing is going on, as far as the agent shows. */
export function isAtRest(phase: Phase | null): boolean {
  return phase === "idle" || phase === "error" || phase === "offline";
}

/** Phases that a status beside that event may show; null: any. Transient ones are also those of a command that was read meanwhile. */
const PHASES_OF_EVENT = {
  started: ["starting", "printing", "pausing", "paused", "resuming", "cancelling", "finishing"],
  done: ["finishing", "idle"],
  failed: ["cancelling", "finishing", "idle", "error", "offline"],
  cancelling: ["cancelling", "idle"],
  cancelled: ["cancelling", "idle"],
  paused: ["pausing", "paused", "resuming", "cancelling"],
  resumed: ["resuming", "printing", "pausing", "cancelling", "finishing"],
  "filament-change": null,
  other: null,
} as const satisfies Record<ReportedEventType, readonly Phase[] | null>;

/** False for an event that waited in its agent until the printer was doing something else [P44]. */
export function canHave(event: ReportedEventType, phase: Phase | null): boolean {
  const phases: readonly Phase[] | null = PHASES_OF_EVENT[event];
  // A download hides what the printer does.
  return phases === null || phase === null || phase === "downloading" || phases.includes(phase);
}
