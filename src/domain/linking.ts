/** The rules of linking: how long codes live, how they are drawn, how often one may guess, which agents are shown. */

/** Who is calling, as far as bounds and discovery tell callers apart ([S39]). */
export interface Source {
  /** An IPv4 address, or the /64 of an IPv6 address: about one household. */
  readonly address: string;
  /** The IPv4 address again, or the /48: what one subscriber can get, so what many addresses may have in common. */
  readonly network: string;
}

/** All in milliseconds. */
export const CODE_LIFE_MS = 15 * 60_000;
export const PASSCODE_LIFE_MS = 2 * 3_600_000;
/** A claimed passcode waits that long for its agent's next poll. */
export const CLAIM_LIFE_MS = 60_000;
export const MESSAGE_LIFE_MS = 60_000;

/** A code that was used still answers the address that used it for that long: its first answer may have been lost ([S60]). */
export const REPEAT_MS = 2 * 60_000;

/** Bounds that hold for any span of one minute, at every location at once. */
export const GUESSES = { windowMs: 60_000, perSource: 10, perNetwork: 30, inAll: 600 } as const;

/**
 * What strangers may make the store keep: new rows a minute of one network, agents at one address. Above the bound on all
 * a network may have one a minute, which is what an honest agent needs.
 */
export const STRANGERS = { windowMs: 60_000, perNetwork: 10, agentsPerAddress: 3, inAll: 600 } as const;

/**
 * An agent polls every 2 or 5 s. Its presence is written again after 30 s only, so it is shown for that long plus some
 * polls: whoever gets a stale entry finds nobody at its local address, and nothing is granted by being shown.
 */
export const AGENT_REFRESH_MS = 30_000;
export const AGENT_SHOWN_MS = 45_000;

/** More unlinked agents than that behind one address are somebody else's too: none is shown. */
export const MAX_AGENTS_SHOWN = 2;

/** The greatest number of characters that `verify` reads. */
export const MAX_CODE_CHARS = 64;

const DIGITS = "0123456789";
const PASSCODE_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789";

/** Six digits from 32 random bits, each equally likely; null: these bits would favour some codes, draw others. */
export function codeFrom(randomUint32: number): string | null {
  return textFrom(randomUint32, DIGITS, 6);
}

/** Five characters of `[a-z0-9]` from 32 random bits; null: draw others. */
export function passcodeFrom(randomUint32: number): string | null {
  return textFrom(randomUint32, PASSCODE_CHARACTERS, 5);
}

function textFrom(randomUint32: number, alphabet: string, length: number): string | null {
  const size = alphabet.length ** length;
  if (randomUint32 >= 2 ** 32 - (2 ** 32 % size)) return null;
  let rest = randomUint32 % size;
  let text = "";
  for (let place = 0; place < length; place++) {
    text += alphabet.charAt(rest % alphabet.length);
    rest = Math.floor(rest / alphabet.length);
  }
  return text;
}

/** A code as people type it: white space anywhere means nothing. */
export function normalizeCode(text: string): string {
  return text.replace(/\s+/g, "");
}

/** Times of failures within the last minute, epoch milliseconds; null where there are not so many. */
export interface GuessHistory {
  /** The 10th newest of this source. */
  readonly ownTenth: number | null;
  /** The 30th newest of this source's network. */
  readonly networkThirtieth: number | null;
  /** The newest of that network. */
  readonly networkNewest: number | null;
  /** The 600th newest of all. */
  readonly sixHundredth: number | null;
}

/**
 * When this source may guess again; null: now. Above the bound on all guesses only networks with a failure are refused,
 * so that one guesser cannot stop everybody.
 */
export function guessAgainAt(history: GuessHistory): number | null {
  const { ownTenth, networkThirtieth, networkNewest, sixHundredth } = history;
  const ofAll = sixHundredth === null || networkNewest === null ? null : Math.min(sixHundredth, networkNewest);
  const ends = [ownTenth, networkThirtieth, ofAll].filter((end) => end !== null);
  return ends.length === 0 ? null : Math.max(...ends) + GUESSES.windowMs;
}
