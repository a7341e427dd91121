/**
 * The agents' words, all of them and nowhere else: texts, flags, state ids, event types, reasons and names, mapped to the
 * unions that `domain/` compares. A known text wins, else the flags decide: so an agent that nobody wrote down is served.
 */
import type { Dialect } from "../domain/dialect.ts";
import type { Phase } from "../domain/phase.ts";
import type { FailureReason, Json, ReportedEventType } from "../domain/report.ts";

/** `state.text` of OctoPrint and moonraker-obico. */
const PHASE_OF_TEXT: ReadonlyMap<string, Phase> = new Map([
  ["Operational", "idle"],
  ["Starting", "starting"],
  ["Starting print from SD", "starting"],
  ["Starting to send file to SD", "starting"],
  ["Printing", "printing"],
  ["Printing from SD", "printing"],
  ["Sending file to SD", "printing"],
  ["Transferring file to SD", "printing"],
  ["Pausing", "pausing"],
  ["Paused", "paused"],
  ["Resuming", "resuming"],
  ["Cancelling", "cancelling"],
  ["Finishing", "finishing"],
  ["G-Code Downloading", "downloading"],
  ["Downloading G-Code", "downloading"],
  ["Error", "error"],
  ["Offline", "offline"],
  ["Offline after error", "offline"],
  ["Opening serial connection", "offline"],
  ["Detecting serial connection", "offline"],
  ["Connecting", "offline"],
]);

/** OctoPrint writes what went wrong behind the word. */
const ERROR_PREFIX = "Error:";

/** Flags by precedence: OctoPrint keeps `printing` set in every transient state, so the more telling flag comes first. */
const PHASE_OF_FLAG = [
  ["cancelling", "cancelling"],
  ["pausing", "pausing"],
  ["resuming", "resuming"],
  ["finishing", "finishing"],
  ["paused", "paused"],
  ["printing", "printing"],
  ["error", "error"],
  ["closedOrError", "offline"],
  ["ready", "idle"],
  ["operational", "idle"],
] as const satisfies readonly (readonly [string, Phase])[];

/** The phase that a status shows; null: neither a text that is known nor any flag that is set. */
export function phaseOf(text: string | null, flags: Json | null): Phase | null {
  const phase = PHASE_OF_TEXT.get(text ?? "");
  if (phase !== undefined) return phase;
  if (text?.startsWith(ERROR_PREFIX)) return "error";
  return PHASE_OF_FLAG.find(([flag]) => flags?.[flag] === true)?.[1] ?? null;
}

/** `ret` of `get_state_id`, OctoPrint's only. */
const PHASE_OF_STATE_ID: ReadonlyMap<string, Phase> = new Map([
  ["OPERATIONAL", "idle"],
  ["STARTING", "starting"],
  ["PRINTING", "printing"],
  ["PAUSING", "pausing"],
  ["PAUSED", "paused"],
  ["RESUMING", "resuming"],
  ["CANCELLING", "cancelling"],
  ["FINISHING", "finishing"],
  ["ERROR", "error"],
  ["OFFLINE", "offline"],
  ["CLOSED", "offline"],
  ["CLOSED_WITH_ERROR", "offline"],
]);

/** The phase that a state id names; `unknown` for any other id. */
export function phaseOfStateId(stateId: string): Phase | "unknown" {
  return PHASE_OF_STATE_ID.get(stateId) ?? "unknown";
}

/** `event_type` of an event in a frame. Every type of the union but `other` has its word. */
const EVENT_WORDS = {
  started: "PrintStarted",
  done: "PrintDone",
  failed: "PrintFailed",
  cancelling: "PrintCancelling",
  cancelled: "PrintCancelled",
  paused: "PrintPaused",
  resumed: "PrintResumed",
  "filament-change": "FilamentChange",
} as const satisfies Record<Exclude<ReportedEventType, "other">, string>;

const EVENT_OF_WORD: ReadonlyMap<string, ReportedEventType> = inverted(EVENT_WORDS);

/** `other`: an event that changes nothing by itself. */
export function eventTypeOf(word: string): ReportedEventType {
  return EVENT_OF_WORD.get(word) ?? "other";
}

/** `data.reason` of OctoPrint's PrintFailed. */
const REASONS: ReadonlyMap<string, FailureReason> = new Map([
  ["cancelled", "cancelled"],
  ["error", "error"],
]);

export function failureReasonOf(word: string | null): FailureReason | null {
  return REASONS.get(word ?? "") ?? null;
}

/** `settings.agent.name`. */
const AGENT_NAMES = {
  octoprint: "octoprint_obico",
  moonraker: "moonraker_obico",
} as const satisfies Record<Exclude<Dialect, "other">, string>;

const DIALECT_OF_NAME: ReadonlyMap<string, Dialect> = inverted(AGENT_NAMES);

export function dialectOf(agentName: string | null): Dialect {
  return DIALECT_OF_NAME.get(agentName ?? "") ?? "other";
}

function inverted<K extends string>(words: Readonly<Record<K, string>>): Map<string, K> {
  const entries = Object.entries(words) as [K, string][]; // safe: an object literal's own keys
  return new Map(entries.map(([key, word]) => [word, key]));
}
