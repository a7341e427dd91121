/** Frames as agents write them, cut to what the server reads. */

export interface Said {
  /** `current_print_ts` */
  readonly ts: number | null;
  readonly text?: string;
  readonly event?: string;
  readonly reason?: string;
  /** `_ts`, Unix seconds; now by default. */
  readonly at?: number;
  readonly name?: string | null;
  readonly error?: boolean;
  readonly temperature?: number;
  /** Seconds; null: the whole progress is null, as in OctoPrint's `PrintCancelled`. */
  readonly printTime?: number | null;
  /** `job.file.path` and `display`. */
  readonly path?: string;
  readonly display?: string;
  /** Percent; null where the agent tells none. */
  readonly completion?: number | null;
  /** Millimetres. */
  readonly filament?: number;
}

export function frame(said: Said): Record<string, unknown> {
  const { ts, text = "Printing", event, reason, at = Date.now() / 1000, name = "hook.gcode", error = false } = said;
  const { printTime = 60, completion = printTime === null ? null : 5, filament, path, display } = said;
  const data = reason === undefined ? {} : { data: { reason } };
  const whole = {
    current_print_ts: ts,
    status: {
      _ts: at,
      state: { text, flags: { printing: text === "Printing", error, closedOrError: text === "Offline" }, error: null },
      job: { file: { name, path, display } },
      progress: { completion, printTime, filamentUsed: filament },
      temperatures: { tool0: { actual: said.temperature ?? 200, target: 200, offset: 0 } },
    },
    ...(event === undefined ? {} : { event: { event_type: event, ...data } }),
  };
  // As JSON has it: what is undefined was not said.
  return JSON.parse(JSON.stringify(whole));
}

export const MOONRAKER = { settings: { agent: { name: "moonraker_obico", version: "2.1.4" } } };
