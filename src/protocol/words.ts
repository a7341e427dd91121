/**
 * The agents' words, all of them and nowhere else: texts, flags, state ids, event types, reasons and names, mapped to the
 * unions that `domain/` compares. A known text wins, else the flags decide: so an agent that nobody wrote down is served.
 */
import type { Dialect } from "../domain/dialect.ts";
import type { Phase } from "../domain/phase.ts";
import type { FailureReason, Json, ReportedEventType } from "../domain/report.ts";

/** At least one: what has no word would never be recognised. */
type Words = readonly [string, ...string[]];

/** `state.text` of OctoPrint and moonraker-obico. */
const TEXTS = {
  idle: ["Operational"],
  starting: ["Starting", "Starting print from SD", "Starting to send file to SD"],
  printing: ["Printing", "Printing from SD", "Sending file to SD", "Transferring file to SD"],
  pausing: ["Pausing"],
  paused: ["Paused"],
  resuming: ["Resuming"],
  cancelling: ["Cancelling"],
  finishing: ["Finishing"],
  downloading: ["G-Code Downloading", "Downloading G-Code"],
  error: ["Error"],
  offline: [
    ...["Offline", "Offline after error", "Opening serial connection", "Detecting serial connection", "Connecting"],
  ],
} as const satisfies Record<Phase, Words>;

const PHASE_OF_TEXT: ReadonlyMap<string, Phase> = inverted(TEXTS);

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

/** `ret` of `get_state_id`, OctoPrint's only. Its agent has no id of its own for a download. */
const STATE_IDS = {
  idle: ["OPERATIONAL"],
  starting: ["STARTING"],
  printing: ["PRINTING"],
  pausing: ["PAUSING"],
  paused: ["PAUSED"],
  resuming: ["RESUMING"],
  cancelling: ["CANCELLING"],
  finishing: ["FINISHING"],
  downloading: [],
  error: ["ERROR"],
  offline: ["OFFLINE", "CLOSED", "CLOSED_WITH_ERROR"],
} as const satisfies Record<Phase, readonly string[]>;

const PHASE_OF_STATE_ID: ReadonlyMap<string, Phase> = inverted(STATE_IDS);

/** The phase that a state id names; `unknown` for any other id. */
export function phaseOfStateId(stateId: string): Phase | "unknown" {
  return PHASE_OF_STATE_ID.get(stateId) ?? "unknown";
}

/** `event_type` of an event in a frame. Every type of the union but `other` has its words. */
const EVENT_WORDS = {
  started: ["PrintStarted"],
  done: ["PrintDone"],
  failed: ["PrintFailed"],
  cancelling: ["PrintCancelling"],
  cancelled: ["PrintCancelled"],
  paused: ["PrintPaused"],
  resumed: ["PrintResumed"],
  "filament-change": ["FilamentChange"],
} as const satisfies Record<Exclude<ReportedEventType, "other">, Words>;

const TYPE_OF_EVENT: ReadonlyMap<string, ReportedEventType> = inverted(EVENT_WORDS);

/** `other`: an event that changes nothing by itself. */
export function eventTypeOf(word: string): ReportedEventType {
  return TYPE_OF_EVENT.get(word) ?? "other";
}

/** `data.reason` of OctoPrint's PrintFailed. */
const REASONS = {
  cancelled: ["cancelled"],
  error: ["error"],
} as const satisfies Record<FailureReason, Words>;

const REASON_OF_WORD: ReadonlyMap<string, FailureReason> = inverted(REASONS);

export function failureReasonOf(word: string | null): FailureReason | null {
  return REASON_OF_WORD.get(word ?? "") ?? null;
}

/** `settings.agent.name`. */
const AGENT_NAMES = {
  octoprint: ["octoprint_obico"],
  moonraker: ["moonraker_obico"],
} as const satisfies Record<Exclude<Dialect, "other">, Words>;

const DIALECT_OF_NAME: ReadonlyMap<string, Dialect> = inverted(AGENT_NAMES);

export function dialectOf(agentName: string | null): Dialect {
  return DIALECT_OF_NAME.get(agentName ?? "") ?? "other";
}

/** Word to what it stands for; throws at the start of the program if one word stands for two things. */
function inverted<K extends string>(words: Readonly<Record<K, readonly string[]>>): Map<string, K> {
  const entries = Object.entries(words) as [K, readonly string[]][]; // safe: an object literal's own keys
  const pairs = entries.flatMap(([meaning, own]) => own.map((word): [string, K] => [word, meaning]));
  const meanings = new Map(pairs);
  if (meanings.size < pairs.length) throw new Error("a word of the agents stands for two things");
  return meanings;
}
