/** Which program an agent is, as far as that changes what may be expected of it. */

/** Whether its agents are known to answer every ref, so that silence means that nobody read the frame. */
export const GIVES_RECEIPTS = {
  octoprint: true,
  moonraker: true,
  other: false,
} as const;

export type Dialect = keyof typeof GIVES_RECEIPTS;
