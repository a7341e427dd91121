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
