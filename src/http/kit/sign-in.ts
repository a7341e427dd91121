/**
 * Sign-in by a JWT of the operator's own identity provider ([S12] to [S18]). Issuer, audience and expiry are required, only
 * signatures with a public key count, and only keys from the provider's own key set are tried.
 */

import { decode, verifyWithJwks } from "hono/jwt";
import * as z from "zod";
import { UNAVAILABLE } from "../../domain/failure.ts";
import type { SignInSettings } from "../../env.ts";
import { FailureError } from "./errors.ts";
import { KeySet, type PublicKey } from "./key-set.ts";

export interface SignedIn {
  readonly issuer: string;
  readonly subject: string;
  /** Null unless the provider says that it was verified. */
  readonly email: string | null;
  readonly canRead: boolean;
  readonly canWrite: boolean;
}

const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"] as const;
const TYPES = ["JWT", "at+jwt"];
/** Clock skew: a token counts that long before its `nbf`. */
const CLOCK_MS = 60_000;

/** One key set for the isolate's life, by URL: an isolate serves one deployment. */
const keySets = new Map<string, KeySet>();

const Header = z.object({ kid: z.string().min(1).max(255), typ: z.string().optional() });

const Claims = z.object({
  sub: z.string().min(1).max(255),
  exp: z.number(),
  nbf: z.number().optional(),
  // Providers differ in what they put into these: what is not understood gives nothing.
  scope: z.string().optional().catch(undefined),
  email: z.string().max(254).toLowerCase().optional().catch(undefined),
  email_verified: z.boolean().optional().catch(undefined),
});

/** Null for a token that does not count at `now` (epoch milliseconds); throws `unavailable` without the provider's keys. */
export async function readSignIn(token: string, settings: SignInSettings, now: number): Promise<SignedIn | null> {
  const header = readHeader(token);
  if (header === null) return null;
  const keys = await keySetOf(settings.jwksUrl).find(header.kid, now);
  if (keys === null) throw new FailureError(UNAVAILABLE);
  const claims = Claims.safeParse(await verified(token, keys, header.typ, settings));
  if (!claims.success || (claims.data.nbf ?? 0) * 1000 > now + CLOCK_MS) return null;
  const { sub, email, email_verified, scope } = claims.data;
  return {
    issuer: settings.issuer,
    subject: sub,
    email: email !== undefined && email_verified === true ? email : null,
    ...scopesOf(scope),
  };
}

function keySetOf(url: string): KeySet {
  const keySet = keySets.get(url) ?? new KeySet(url);
  keySets.set(url, keySet);
  return keySet;
}

function readHeader(token: string): z.output<typeof Header> | null {
  try {
    return Header.safeParse(decode(token).header).data ?? null;
  } catch {
    return null;
  }
}

/** The claims, or null: whatever is wrong with a token, its bearer learns no more than that. */
async function verified(
  token: string,
  keys: readonly PublicKey[],
  typ: string | undefined,
  { issuer, audience }: SignInSettings,
): Promise<unknown> {
  const verification = {
    iss: issuer,
    aud: audience,
    nbf: false,
    iat: false,
    ...(typ === undefined ? {} : { typ: TYPES }),
  };
  for (const key of keys) {
    try {
      return await verifyWithJwks(token, { keys: [key], allowedAlgorithms: ALGORITHMS, verification });
    } catch {}
  }
  return null;
}

/** Words of ours in `scope`; without any the bearer may read. */
function scopesOf(scope: string | undefined): { canRead: boolean; canWrite: boolean } {
  const words = new Set((scope ?? "").split(" "));
  const canWrite = words.has("write");
  return { canRead: words.has("read") || !canWrite, canWrite };
}
