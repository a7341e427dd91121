/**
 * What an owner sets on a printer. `CONFIGURATION_FIELDS` is the one list of it: the type, a new printer's values, bodies,
 * JSON and what is read from a row derive from it, and the columns are checked against it.
 */

const PAUSE_MOTION = { min: 0, max: 100, about: "mm" } as const;
const TIMELAPSE = { min: -1, max: 86_400, about: "Seconds; -1 switches it off." } as const;

/** The name is the one field without an initial value: whoever makes a printer gives it one. */
export const CONFIGURATION_FIELDS = {
  name: { kind: "text", wire: "name", maxCodePoints: 256 },
  actionOnFailure: { kind: "choice", wire: "action_on_failure", choices: ["NONE", "PAUSE"], initial: "PAUSE" },
  watchingEnabled: { kind: "flag", wire: "watching_enabled", initial: true },
  toolsOffOnPause: { kind: "flag", wire: "tools_off_on_pause", initial: true },
  bedOffOnPause: { kind: "flag", wire: "bed_off_on_pause", initial: false },
  retractOnPause: { kind: "number", wire: "retract_on_pause", ...PAUSE_MOTION, initial: 6.5 },
  liftZOnPause: { kind: "number", wire: "lift_z_on_pause", ...PAUSE_MOTION, initial: 2.5 },
  detectiveSensitivity: { kind: "number", wire: "detective_sensitivity", min: 0.8, max: 1.2, initial: 1 },
  minTimelapseSecsOnFinish: { kind: "integer", wire: "min_timelapse_secs_on_finish", ...TIMELAPSE, initial: 600 },
  minTimelapseSecsOnCancel: { kind: "integer", wire: "min_timelapse_secs_on_cancel", ...TIMELAPSE, initial: 300 },
} as const satisfies Readonly<Record<string, ConfigurationField>>;

/** `wire`: its name in bodies and JSON; `about`: what the API's description says of it. */
export type ConfigurationField = { readonly wire: string; readonly about?: string } & (
  | { readonly kind: "text"; readonly maxCodePoints: number; readonly initial?: string }
  | { readonly kind: "choice"; readonly choices: readonly [string, ...string[]]; readonly initial: string }
  | { readonly kind: "flag"; readonly initial: boolean }
  | { readonly kind: "number" | "integer"; readonly min: number; readonly max: number; readonly initial: number }
);

type Fields = typeof CONFIGURATION_FIELDS;
type Key = keyof Fields;

type ValueOf<F extends ConfigurationField> = F extends { readonly kind: "text" }
  ? string
  : F extends { readonly kind: "choice"; readonly choices: readonly (infer Choice)[] }
    ? Choice
    : F extends { readonly kind: "flag" }
      ? boolean
      : number;

export type Configuration = { readonly [K in Key]: ValueOf<Fields[K]> };

export type ConfigurationPatch = { readonly [K in Key]?: Configuration[K] | undefined };

/** The same under the names of the wire. */
export type OnTheWire<T extends Record<Key, unknown>> = { [K in Key as Fields[K]["wire"]]: T[K] };

export const CONFIGURATION_KEYS = Object.keys(CONFIGURATION_FIELDS) as readonly Key[]; // safe: its own keys

/** What a new printer has but for its name. */
export const DEFAULT_CONFIGURATION = Object.fromEntries(
  Object.entries<ConfigurationField>(CONFIGURATION_FIELDS).flatMap(([key, field]) =>
    "initial" in field ? [[key, field.initial]] : [],
  ),
) as { [K in Key as Fields[K] extends { initial: unknown } ? K : never]: Configuration[K] }; // safe: those very keys

export const LINKED_PRINTER_NAME = "My Printer";

/** The configuration with the keys that `patch` holds; the same object when nothing differs. */
export function patchConfiguration(configuration: Configuration, patch: ConfigurationPatch): Configuration {
  const held = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
  const next: Configuration = { ...configuration, ...held };
  return CONFIGURATION_KEYS.some((key) => next[key] !== configuration[key]) ? next : configuration;
}
