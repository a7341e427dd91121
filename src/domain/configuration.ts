/** What an owner sets on a printer (semantics A1), with the defaults of a new one and the limits of wire 1. */

export const FAILURE_ACTIONS = ["NONE", "PAUSE"] as const;
export type FailureAction = (typeof FAILURE_ACTIONS)[number];

export interface Configuration {
  /** 1..256 code points, trimmed. */
  readonly name: string;
  readonly actionOnFailure: FailureAction;
  readonly watchingEnabled: boolean;
  readonly toolsOffOnPause: boolean;
  readonly bedOffOnPause: boolean;
  /** mm */
  readonly retractOnPause: number;
  /** mm */
  readonly liftZOnPause: number;
  readonly detectiveSensitivity: number;
  /** Seconds; -1 makes no time-lapse of finished prints. */
  readonly minTimelapseSecsOnFinish: number;
  /** Seconds; -1 makes no time-lapse of cancelled prints. */
  readonly minTimelapseSecsOnCancel: number;
}

export type ConfigurationPatch = { readonly [K in keyof Configuration]?: Configuration[K] | undefined };

export const DEFAULT_CONFIGURATION = {
  actionOnFailure: "PAUSE",
  watchingEnabled: true,
  toolsOffOnPause: true,
  bedOffOnPause: false,
  retractOnPause: 6.5,
  liftZOnPause: 2.5,
  detectiveSensitivity: 1,
  minTimelapseSecsOnFinish: 600,
  minTimelapseSecsOnCancel: 300,
} as const satisfies Omit<Configuration, "name">;

export const LINKED_PRINTER_NAME = "My Printer";

export const LIMITS = {
  nameCodePoints: 256,
  pauseMotionMm: { min: 0, max: 100 },
  sensitivity: { min: 0.8, max: 1.2 },
  timelapseSecs: { min: -1, max: 86_400 },
} as const;

/** The configuration with the keys that `patch` holds; the same object when nothing differs. */
export function patchConfiguration(configuration: Configuration, patch: ConfigurationPatch): Configuration {
  const held = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
  const next: Configuration = { ...configuration, ...held };
  const keys = Object.keys(configuration) as (keyof Configuration)[]; // safe: a Configuration has no other keys
  return keys.some((key) => next[key] !== configuration[key]) ? next : configuration;
}
