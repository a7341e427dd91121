/**
 * What an agent says in one text frame, read once by `protocol/agent.ts`. A report may be late, repeated, or skip
 * steps (protocol 4); nothing here is validated beyond its JSON type.
 */

/** A JSON object as it came; values are unknown until somebody reads them. */
export type Json = { readonly [key: string]: unknown };

/** JSON text of settings may be that long: of one message, and of what is kept of all. */
export const SETTINGS_CODE_UNITS = 64 * 1024;

export interface Report {
  /** Unix seconds: the identity of the print; -1 idle; null unknown (missing, null, 0, or of a wrong type). Protocol 4.7. */
  readonly printTs: number | null;
  readonly event: ReportedEvent | null;
  /** Null when the frame has no status, or an empty one. */
  readonly status: ReportedStatus | null;
  readonly settings: Json | null;
  /** `{}`: the agent does not know its printer's state (protocol 4). An empty `status` without a print says the same. */
  readonly isBlank: boolean;
}

export interface ReportedEvent {
  readonly type: string;
  /** `data.name`: the file's name. */
  readonly fileName: string | null;
  /** `data.reason`: `cancelled` or `error`, OctoPrint's PrintFailed only. */
  readonly reason: string | null;
}

/** The few paths of a status that the lifecycle, presence and the ledger read. */
export interface ReportedStatus {
  /** `_ts`, Unix seconds; null when it is not a number. */
  readonly ts: number | null;
  /** `state.text` */
  readonly text: string | null;
  readonly flagError: boolean;
  readonly closedOrError: boolean;
  readonly fileName: string | null;
  /** `job.file.obico_g_code_file_id`; null when absent or no integer. */
  readonly gCodeFileId: number | null;
  /** `progress.printTime`, seconds. */
  readonly printTimeSeconds: number | null;
  /** `progress.filamentUsed`, mm. */
  readonly filamentUsedMm: number | null;
  /** Heater name to actual and target, degrees Celsius. */
  readonly heaters: Readonly<Record<string, { readonly actualC: number | null; readonly targetC: number | null }>>;
  /** JSON text of `job`, of `file_metadata`, and of everything else, each verbatim; null when the key is absent. */
  readonly job: string | null;
  readonly fileMetadata: string | null;
  readonly rest: string;
}

/** An answer to a passthru call (protocol 4.5). */
export interface PassthruAnswer {
  readonly ref: string;
  /** `ret` when it is a string: OctoPrint's state id after the command. */
  readonly ret: string | null;
  /** `error` when it is a string; Moonraker answers an unsupported call with one. */
  readonly error: string | null;
}

/** One text frame. */
export interface AgentFrame {
  /** Null when the frame holds nothing but passthru or janus keys. */
  readonly report: Report | null;
  readonly answer: PassthruAnswer | null;
}
