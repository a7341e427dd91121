/**
 * API tokens that D1 does not know, counted by the address that sends them, so that guessing costs D1 little ([S63]). Kept in
 * the isolate's memory, where both maps are bounded; what counts is always D1's word.
 */

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Distinct tokens of one address in a minute that D1 is asked about before it has let any of them pass. */
const TRIES = 30;
const ADDRESSES_MAX = 2_000;
const PASSED_MAX = 5_000;

/** A minute of one address: its tokens that did not pass, by their hashes; true: D1 refused it. */
interface Minute {
  readonly endsAt: number;
  readonly tried: Map<string, boolean>;
  /** The platform counted too many refusals of that address at this location. */
  isOver: boolean;
}

/** `ask`: D1; `refused`: it refused that token a moment ago; `over`: the address tried too many. */
export type Judgement = { readonly kind: "ask" | "refused" } | { readonly kind: "over"; readonly againAt: number };

export class Strangers {
  /** When tokens passed last, by their hashes, the latest last. */
  readonly #passed = new Map<string, number>();
  readonly #minutes = new Map<string, Minute>();

  /** Before D1 is asked about a token, at `now` (epoch milliseconds). One that passed within an hour is never over the bound. */
  judge(address: string, hash: string, now: number): Judgement {
    if (now - (this.#passed.get(hash) ?? Number.NEGATIVE_INFINITY) < HOUR_MS) return { kind: "ask" };
    const minute = this.#minuteOf(address, now);
    if (minute.tried.get(hash) === true) return { kind: "refused" };
    if (!minute.tried.has(hash)) {
      if (minute.isOver || minute.tried.size >= TRIES) return { kind: "over", againAt: minute.endsAt };
      // Counted until D1 lets it pass: calls at once cannot exceed the bound together.
      minute.tried.set(hash, false);
    }
    return { kind: "ask" };
  }

  passed(address: string, hash: string, now: number): void {
    this.#minutes.get(address)?.tried.delete(hash);
    put(this.#passed, hash, now, PASSED_MAX);
  }

  /** D1 failed: nothing is known of that token, so it counts for nothing. */
  unanswered(address: string, hash: string): void {
    const tried = this.#minutes.get(address)?.tried;
    if (tried?.get(hash) === false) tried.delete(hash);
  }

  /** `isOver`: the platform's bound on refusals is passed. */
  refused(address: string, hash: string, now: number, isOver: boolean): void {
    this.#passed.delete(hash);
    const minute = this.#minuteOf(address, now);
    minute.tried.set(hash, true);
    minute.isOver ||= isOver;
  }

  #minuteOf(address: string, now: number): Minute {
    const found = this.#minutes.get(address);
    if (found !== undefined && now < found.endsAt) return found;
    const minute = { endsAt: now + MINUTE_MS, tried: new Map<string, boolean>(), isOver: false };
    put(this.#minutes, address, minute, ADDRESSES_MAX);
    return minute;
  }
}

/** Puts it last; the first goes where there are more than `most`. */
function put<V>(map: Map<string, V>, key: string, value: V, most: number): void {
  map.delete(key);
  map.set(key, value);
  const [first] = map.keys();
  if (map.size > most && first !== undefined) map.delete(first);
}
