/** One JSON line for each thing worth knowing later. Nothing here may hold a token. */

export type LogEvent =
  | {
      readonly event: "request.failed";
      readonly requestId: string;
      readonly method: string;
      readonly path: string;
      readonly error: unknown;
    }
  | { readonly event: "database.down"; readonly requestId: string; readonly error: unknown }
  | { readonly event: "wake.failed" | "alarm.failed"; readonly printer: string; readonly error: unknown }
  | { readonly event: "live.failed" | "revocation.failed"; readonly printerId: number; readonly error: unknown }
  | { readonly event: "retention.failed"; readonly part: string; readonly error: unknown }
  | { readonly event: "outbox.failed"; readonly printerId: number; readonly attempt: number; readonly error: unknown }
  | { readonly event: "outbox.refused"; readonly printerId: number; readonly key: string; readonly error: unknown };

export function log(entry: LogEvent): void {
  console.error(JSON.stringify({ ...entry, error: describe(entry.error) }));
}

/** Drizzle's own message carries the statement with its parameters (token hashes): its cause says what went wrong. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return "unknown error";
  if (error.cause instanceof Error) return describe(error.cause);
  return "params" in error ? "a statement failed" : `${error.name}: ${error.message}`;
}
