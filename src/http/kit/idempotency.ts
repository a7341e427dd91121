/** The header `Idempotency-Key`, judged ([H32]) and hashed: no key is kept as it came. */
import { digest } from "../../credentials/digest.ts";
import { invalid } from "../../domain/failure.ts";
import { FailureError } from "./errors.ts";

/** SHA-256 (hex) of the key, and of what it is used for. */
export interface Idempotency {
  readonly keyHash: string;
  readonly requestHash: string;
}

export const IDEMPOTENCY_KEY = "Idempotency-Key";
const PRINTABLE = /^[\x20-\x7e]{1,255}$/;

/** Null without the header. `request`: text that differs for whatever may not share a key ([H31]). Throws `invalid`. */
export async function readIdempotency(key: string | undefined, request: string): Promise<Idempotency | null> {
  if (key === undefined) return null;
  if (!PRINTABLE.test(key)) {
    throw new FailureError(invalid(IDEMPOTENCY_KEY, "1 to 255 printable ASCII characters are expected."));
  }
  const [keyHash, requestHash] = await Promise.all([digest(key), digest(request)]);
  return { keyHash, requestHash };
}
