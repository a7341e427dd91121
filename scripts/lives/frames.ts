/** Frames as agents write them, cut to what tells a print's life. */

export const MOONRAKER = { settings: { agent: { name: "moonraker_obico", version: "2.1.4" } } };
export const OCTOPRINT = { settings: { agent: { name: "octoprint_obico", version: "2.6.1" } } };

export interface Said {
  /** `current_print_ts`, Unix seconds; -1: no print. */
  readonly ts: number;
  readonly text: string;
  readonly event?: string;
  /** `_ts`, Unix seconds; now by default. */
  readonly at?: number;
  readonly file?: { readonly name?: string | null; readonly path?: string | null; readonly display?: string | null };
  /** Flags that are set; by default those that go with the text. */
  readonly flags?: readonly string[];
  readonly printTime?: number;
}

const FLAGS: Readonly<Record<string, readonly string[]>> = {
  Operational: ["operational", "ready"],
  Printing: ["operational", "printing"],
  "Printing from SD": ["operational", "printing", "sdReady"],
  Paused: ["operational", "paused"],
};

export function report({ ts, text, event, at, file, flags = FLAGS[text] ?? ["operational"], printTime }: Said): object {
  return {
    current_print_ts: ts,
    status: {
      _ts: at ?? Date.now() / 1000,
      state: { text, flags: Object.fromEntries(flags.map((flag) => [flag, true])), error: null },
      job: { file: file ?? { name: "life.gcode", path: "life.gcode", display: "life.gcode" } },
      progress: { completion: 12.5, printTime: printTime ?? 60, printTimeLeft: 420, filamentUsed: 100 },
      temperatures: { extruder: { actual: 214.9, target: 215, offset: 0 } },
    },
    ...(event === undefined ? {} : { event: { event_type: event } }),
  };
}

/** Unix seconds. */
export function now(): number {
  return Date.now() / 1000;
}
