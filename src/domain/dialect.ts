/** Which program an agent is, as far as that changes what may be expected of it. */

/** Whether its agents are known to answer every ref, so that silence means that nobody read the frame. */
export const GIVES_RECEIPTS = {
  octoprint: true,
  moonraker: true,
  other: false,
} as const;

/** moonraker-obico alone: a thread a command, each of which posts the end of its call. */
export const HAS_THREADS = { octoprint: false, moonraker: true, other: false } as const satisfies Record<
  Dialect,
  boolean
>;

/** OctoPrint's plugin alone: it writes its pause and resume scripts anew at every pause command. */
export const HAS_PAUSE_SCRIPTS = { octoprint: true, moonraker: false, other: false } as const satisfies Record<
  Dialect,
  boolean
>;

/** Whether its agents start a file that lies on their printer when they are told its path and signature [A72]. */
export const STARTS_LOCAL_FILES = { octoprint: true, moonraker: true, other: false } as const satisfies Record<
  Dialect,
  boolean
>;

/** Whether `progress.filamentUsed` is what the whole job takes, and not what was used so far. */
export const TELLS_PLANNED_FILAMENT = {
  octoprint: true,
  moonraker: false,
  other: false,
} as const satisfies Readonly<Record<Dialect, boolean>>;

export type Dialect = keyof typeof GIVES_RECEIPTS;
