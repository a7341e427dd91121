/** Generations of a printer's agent token: which count, and what re-linking and rotation do to them. */
import type { TokenGenerations } from "./change.ts";

const RELINK_GRACE_MS = 15 * 60_000;

/** Whether a token of that generation counts at `now` (epoch milliseconds). */
export function isGenerationValid(tokens: TokenGenerations, generation: number, now: number): boolean {
  if (generation === tokens.newest) return true;
  return generation === tokens.used && tokens.graceUntil !== null && now < tokens.graceUntil;
}

/** After an agent used that generation: the first use of the newest ends the older one's grace. */
export function useGeneration(tokens: TokenGenerations, generation: number, keyId: string): TokenGenerations {
  const isNewest = generation === tokens.newest;
  const graceUntil = isNewest ? null : tokens.graceUntil;
  if (tokens.used === generation && tokens.keyId === keyId && tokens.graceUntil === graceUntil) return tokens;
  return { ...tokens, used: generation, graceUntil, keyId };
}

/**
 * Re-linking with a grace period: if its answer is lost, the generation last used still counts, until the newest one is
 * used or 15 min have passed. A generation that was dead before stays dead.
 */
export function relinkGeneration(tokens: TokenGenerations, now: number): TokenGenerations {
  const used = tokens.used !== null && isGenerationValid(tokens, tokens.used, now) ? tokens.used : null;
  return { ...tokens, newest: tokens.newest + 1, used, graceUntil: used === null ? null : now + RELINK_GRACE_MS };
}

/** An explicit rotation is immediate. */
export function rotateGeneration(tokens: TokenGenerations): TokenGenerations {
  return { ...tokens, newest: tokens.newest + 1, graceUntil: null };
}
