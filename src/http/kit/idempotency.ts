/** The header `Idempotency-Key`, judged ([H32]) and hashed: no key is kept as it came. */
import { digest } from "../../credentials/digest.ts";
import type { EarlierUse, KeyUse, Once } from "../../db/idempotency.ts";
import { base64UrlOf } from "../../domain/encoding.ts";
import { invalid } from "../../domain/failure.ts";
import type { HttpContext } from "./context.ts";
import { FailureError } from "./errors.ts";

/** SHA-256 (hex) of the key, and of what it is used for. */
export interface Idempotency {
  readonly keyHash: string;
  readonly requestHash: string;
}

export const IDEMPOTENCY_KEY = "Idempotency-Key";

/** Of calls that make something, for their description. */
export const MAKING_HEADERS = {
  [IDEMPOTENCY_KEY]: "1 to 255 printable ASCII characters: for 24 hours the same key makes nothing again.",
} as const;

/** Of their answers. */
export const MADE_HEADERS = { "Idempotency-Replayed": "`true`: an earlier call with that key made this." } as const;

/** Which ones are taken. */
export const PRINTABLE = /^[\x20-\x7e]{1,255}$/;

/** Null without the header. `request`: text that differs for whatever may not share a key ([H31]). Throws `invalid`. */
export async function readIdempotency(key: string | undefined, request: string): Promise<Idempotency | null> {
  if (key === undefined) return null;
  if (!PRINTABLE.test(key)) {
    throw new FailureError(invalid(IDEMPOTENCY_KEY, "1 to 255 printable ASCII characters are expected."));
  }
  const [keyHash, requestHash] = await Promise.all([digest(key), digest(request)]);
  return { keyHash, requestHash };
}

const SALT_BYTES = 16;

/** A call's use of its key, for that account ([H95]); null without one. `request`: as above, as a value. */
export async function readKeyUse(c: HttpContext, userId: number, request: unknown): Promise<KeyUse | null> {
  const read = await readIdempotency(c.req.header(IDEMPOTENCY_KEY), JSON.stringify(request));
  const salt = base64UrlOf(crypto.getRandomValues(new Uint8Array(SALT_BYTES)));
  return read && { ...read, userId, salt };
}

/** The same use, where more than the route's own body tells what was asked for ([H96]). */
export async function withMore(use: KeyUse | null, more: unknown): Promise<KeyUse | null> {
  return use && { ...use, requestHash: await digest(JSON.stringify([use.requestHash, more])) };
}

const GONE = { code: "not_found", noun: null, sentence: "What this Idempotency-Key made is gone." } as const;

/** What this call made, or an earlier one with its key, as `find` gives it now; 422 if that one asked for something else. */
export async function madeOnce<T>(
  c: HttpContext,
  { made, earlier }: Once<T>,
  find: (earlier: EarlierUse) => Promise<T | undefined>,
): Promise<T> {
  if (earlier === null) return made;
  if (!earlier.isSame) throw new FailureError({ code: "idempotency_mismatch" });
  const found = await find(earlier);
  if (found === undefined) throw new FailureError(GONE);
  c.header("Idempotency-Replayed", "true");
  return found;
}
