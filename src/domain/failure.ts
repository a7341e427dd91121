/** Every expected failure. `http/kit/errors.ts` gives each its status and its sentence. */

/** What a 404 names: `No Printer matches the given query.` */
export type Noun =
  | "Printer"
  | "Print"
  | "PrinterEvent"
  | "Command"
  | "GCodeFile"
  | "GCodeFolder"
  | "ApiToken"
  | "OneTimeVerificationCode"
  | "OneTimePasscode";

/** Field name to sentences; faults of the whole body stand under `non_field_errors`. */
export type FieldErrors = Readonly<Record<string, readonly string[]>>;

export type Failure =
  | { readonly code: "unauthenticated"; readonly reason: "missing" | "invalid"; readonly realm: "api" | "agent" }
  | { readonly code: "insufficient_scope" }
  /** `noun` null: the path itself is unknown, unless a sentence says what else. */
  | { readonly code: "not_found"; readonly noun: Noun | null; readonly sentence?: string }
  | { readonly code: "method_not_allowed"; readonly method: string; readonly allow: readonly string[] }
  | { readonly code: "invalid"; readonly errors: FieldErrors }
  | { readonly code: "idempotency_mismatch" }
  | { readonly code: "too_large"; readonly limitBytes: number; readonly what?: "file" }
  | { readonly code: "unsupported_media_type"; readonly mediaType: string }
  | { readonly code: "upgrade_required" }
  /** `sentence`: which limit it was, when it is not one of calls a minute. */
  | { readonly code: "throttled"; readonly retryAfterSeconds: number; readonly sentence?: string }
  | { readonly code: "not_configured"; readonly variable: string; readonly command: string }
  | { readonly code: "overloaded"; readonly retryAfterSeconds: number }
  /** A store did not answer; the call itself may be sound. `sentence`: what was done all the same. */
  | { readonly code: "unavailable"; readonly retryAfterSeconds: number; readonly sentence?: string }
  | { readonly code: "internal" };

/** A store did not answer: the same call may pass a little later. */
export const UNAVAILABLE = { code: "unavailable", retryAfterSeconds: 5 } as const satisfies Failure;

/** An agent's token that does not count (any more); to an agent a printer that is gone is nothing else. */
export const DEAD_TOKEN = { code: "unauthenticated", reason: "invalid", realm: "agent" } as const satisfies Failure;

export function invalid(field: string, ...sentences: string[]): Failure {
  return { code: "invalid", errors: { [field]: sentences } };
}

export function notFound(noun: Noun | null): Failure {
  return { code: "not_found", noun };
}

/** What a full account is told to wait before it tries again. */
const FULL_RETRY_SECONDS = 3600;

/** The account holds as many printers as it may. */
export function accountFull(maxPrinters: number): Failure {
  const sentence = `An account may hold ${maxPrinters} printers.`;
  return { code: "throttled", retryAfterSeconds: FULL_RETRY_SECONDS, sentence };
}
