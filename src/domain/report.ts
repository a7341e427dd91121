/**
 * What an agent says in one text frame, read once by `protocol/agent.ts`, its words mapped to unions by `protocol/words.ts`.
 * A report may be late, repeated, or skip steps; nothing here is validated beyond its type.
 */
import type { Dialect } from "./dialect.ts";
import type { Phase } from "./phase.ts";

/** A JSON object as it came; values are unknown until somebody reads them. */
export type Json = { readonly [key: string]: unknown };

/** JSON text of settings may be that long: of one message, and of what is kept of all. */
export const SETTINGS_CODE_UNITS = 64 * 1024;

export interface Report {
  /** Unix seconds: the identity of the print; -1 idle; null unknown (missing, null, 0, or of a wrong type). */
  readonly printExtId: number | null;
  readonly event: ReportedEvent | null;
  /** Null when the frame has no status, or an empty one. */
  readonly status: ReportedStatus | null;
  readonly settings: ReportedSettings | null;
  /** `{}` or an empty `status`: the agent does not know its printer's state. */
  readonly isBlank: boolean;
  /** The printer's words that it refuses what it was told (Klipper's, told by Moonraker's agent), like an answer's. */
  readonly refusal: string | null;
}

/** What an event in a frame tells of a print; `other` tells nothing that is acted on. */
export type ReportedEventType =
  | "started"
  | "done"
  | "failed"
  | "cancelling"
  | "cancelled"
  | "paused"
  | "resumed"
  | "filament-change"
  | "other";

/** Why a print failed, where the agent says it. */
export type FailureReason = "cancelled" | "error";

export interface ReportedEvent {
  readonly type: ReportedEventType;
  /** `data.name`: the file's name. */
  readonly fileName: string | null;
  /** Of a `failed` only, and only OctoPrint's. */
  readonly reason: FailureReason | null;
}

/** The few paths of a status that the lifecycle, presence and the ledger read. */
export interface ReportedStatus {
  /** `_ts`, Unix seconds between 1970 and 5138; null for anything else. */
  readonly ts: number | null;
  /** `state.text`, to tell one status from the next; what it means is `phase`. */
  readonly text: string | null;
  /** Null when neither text nor flags tell it. */
  readonly phase: Phase | null;
  /** `state.flags.printing`, which some agents keep set in transient phases too. */
  readonly isPrinting: boolean;
  /** `state.flags.error` */
  readonly hasError: boolean;
  /** `state.flags.closedOrError`: the agent has lost its printer. */
  readonly isPrinterLost: boolean;
  /** `job.file.name`, else `path`, else `display`; null when none of them names it. */
  readonly fileName: string | null;
  /** `job.file.obico_g_code_file_id`; null when absent or no integer. */
  readonly gCodeFileId: number | null;
  /** `progress.completion`, percent, at most 100. */
  readonly completion: number | null;
  /** `progress.printTime`, seconds. */
  readonly printTimeSeconds: number | null;
  /** `progress.filamentUsed`, mm: used, or planned, as the agent's dialect has it. */
  readonly filamentUsedMm: number | null;
  readonly parts: StatusParts;
  /** JSON text of `job`, of `file_metadata`, and of everything else, each as JSON writes it; null when the key is absent. */
  readonly job: string | null;
  readonly fileMetadata: string | null;
  readonly rest: string;
}

/** A status by how soon the list hears of a change: texts to compare with earlier ones, without `job` and `file_metadata`. */
export interface StatusParts {
  /** `state.text`, `state.flags` and `state.error`. */
  readonly condition: string;
  /** Temperatures, progress and position. */
  readonly moving: string;
  /** Everything else but `_ts`. */
  readonly steady: string;
  /** Every heater's name, target and whatever else it has, without its temperature. */
  readonly heaters: string;
  /** Degrees Celsius, in the order of `heaters`; null: none. */
  readonly actualsC: readonly (number | null)[];
}

/** A settings message: its keys replace the stored ones, the others stay. */
export interface ReportedSettings {
  readonly keys: Json;
  /** Of `agent` in it; null when it names none. At most 64 code units. */
  readonly agentName: string | null;
  readonly agentVersion: string | null;
  /** What the name stands for; null without a name. */
  readonly dialect: Dialect | null;
}

/** An answer to a passthru call. */
export interface PassthruAnswer {
  readonly ref: string;
  /** The state that the agent answers with (OctoPrint, right after the command); null when it answers with none. */
  readonly phase: Phase | "unknown" | null;
  /** The agent's words, bounded and without credentials; null: no refusal. Moonraker answers an unsupported call so. */
  readonly error: string | null;
}

/** One text frame. */
export interface AgentFrame {
  /** Null when the frame holds nothing but passthru or janus keys, unless they tell a refusal. */
  readonly report: Report | null;
  readonly answer: PassthruAnswer | null;
  /** It says something to viewers only, and answers nobody: console lines, the printer's events, signalling. */
  readonly isChatter: boolean;
}

/** A frame that says nothing: somebody is there. */
export const BLANK_FRAME: AgentFrame = { report: null, answer: null, isChatter: false };
