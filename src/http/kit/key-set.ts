/**
 * The public keys of the operator's identity provider, by URL. They are kept in the isolate for ten minutes, and fetched
 * again before that only for a key id that nobody knows, once a minute.
 */
import * as z from "zod";

const FRESH_MS = 10 * 60_000;
const UNKNOWN_KEY_MS = 60_000;
const FAILED_MS = 5_000;
const ANSWER_MS = 5_000;

const JwksJson = z.object({ keys: z.array(z.looseObject({ kid: z.string().optional(), use: z.string().optional() })) });

/** As RFC 7517 writes it; nothing but its name and its use is looked at here. */
export type PublicKey = JsonWebKey & { readonly kid?: string };

export class KeySet {
  readonly #url: string;
  #keys: readonly PublicKey[] = [];
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #failedAt = Number.NEGATIVE_INFINITY;

  constructor(url: string) {
    this.#url = url;
  }

  /** The signing keys of that name at `now` (epoch milliseconds), usually one or none; null: the provider does not answer. */
  async find(kid: string, now: number): Promise<readonly PublicKey[] | null> {
    if (now - this.#fetchedAt >= FRESH_MS) {
      if (!(await this.#refresh(now))) return null;
    } else if (this.#named(kid).length === 0 && now - this.#triedAt >= UNKNOWN_KEY_MS) {
      await this.#refresh(now);
    }
    return this.#named(kid);
  }

  #named(kid: string): readonly PublicKey[] {
    return this.#keys.filter((key) => key.kid === kid);
  }

  /** Requests share the keys but never a fetch: in Workers no request may await another's I/O. */
  async #refresh(now: number): Promise<boolean> {
    if (now - this.#failedAt < FAILED_MS) return false;
    this.#triedAt = now;
    const keys = await fetchKeys(this.#url);
    if (keys === null) {
      this.#failedAt = now;
      return false;
    }
    this.#keys = keys;
    this.#fetchedAt = now;
    return true;
  }
}

async function fetchKeys(url: string): Promise<readonly PublicKey[] | null> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    const read = JwksJson.safeParse(response.ok ? await response.json() : null);
    if (!read.success) return null;
    const signing = read.data.keys.filter((key) => key.use === undefined || key.use === "sig");
    return signing as unknown as PublicKey[]; // safe: what is no key cannot be imported, and verifies nothing
  } catch {
    return null;
  }
}
