/** Which program an agent is, as far as that changes what may be expected of it. */

export const DIALECTS = ["octoprint", "moonraker", "other"] as const;
export type Dialect = (typeof DIALECTS)[number];

/** Whether its agents are known to answer every ref, so that silence means that nobody read the frame. */
export const GIVES_RECEIPTS = {
  octoprint: true,
  moonraker: true,
  other: false,
} as const satisfies Record<Dialect, boolean>;
