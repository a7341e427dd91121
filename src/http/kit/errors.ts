/** Failures on the wire: one total table of statuses, one sentence each, RFC 9457 problem documents ([H2], [H3]). */
import * as z from "zod";
import { isDatabaseOutage } from "../../db/outage.ts";
import { type Failure, type Noun, notFound, UNAVAILABLE } from "../../domain/failure.ts";
import type { Result } from "../../domain/result.ts";
import { log } from "../../log.ts";
import type { HttpContext } from "./context.ts";

/** Carries a failure out of a handler; the only error class of ours. */
export class FailureError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.code);
    this.failure = failure;
  }
}

/** The value, or the failure as the answer of this request. */
export function unwrap<T>(result: Result<T>): T {
  if (!result.ok) throw new FailureError(result.failure);
  return result.value;
}

/** What was looked for; 404 of that noun unless it is there. */
export function orNotFound<T>(found: T | undefined, noun: Noun): T {
  if (found === undefined) throw new FailureError(notFound(noun));
  return found;
}

const STATUS = {
  unauthenticated: 401,
  insufficient_scope: 403,
  not_found: 404,
  method_not_allowed: 405,
  invalid: 400,
  idempotency_mismatch: 422,
  too_large: 413,
  unsupported_media_type: 415,
  upgrade_required: 426,
  throttled: 429,
  not_configured: 503,
  overloaded: 503,
  unavailable: 503,
  internal: 500,
} as const satisfies Record<Failure["code"], number>;

export const TITLES = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Content Too Large",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  426: "Upgrade Required",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
} as const satisfies Record<(typeof STATUS)[Failure["code"]], string>;

export const ProblemJson = z
  .object({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe("The plain sentence."),
    code: z.string().describe("Stable, lower snake case."),
    request_id: z.string().describe("The same as the header `x-request-id`."),
    errors: z.record(z.string(), z.array(z.string())).optional().describe("With `invalid`: sentences by field."),
  })
  .meta({ id: "Problem" });

/** The answer to a request that failed. */
export function problem(c: HttpContext, failure: Failure): Response {
  const status = STATUS[failure.code];
  const document: z.input<typeof ProblemJson> = {
    type: "about:blank",
    title: TITLES[status],
    status,
    detail: sentenceOf(failure),
    code: failure.code,
    request_id: c.var.requestId,
    ...(failure.code === "invalid" ? { errors: mutable(failure.errors) } : {}),
  };
  const headers = { "Content-Type": "application/problem+json", ...headersOf(failure) };
  return new Response(JSON.stringify(document), { status, headers });
}

function mutable(errors: Extract<Failure, { code: "invalid" }>["errors"]): Record<string, string[]> {
  return Object.fromEntries(Object.entries(errors).map(([field, sentences]) => [field, [...sentences]]));
}

/** What it says to people. */
export function sentenceOf(failure: Failure): string {
  switch (failure.code) {
    case "unauthenticated":
      return failure.reason === "missing" ? "Authentication credentials were not provided." : "Invalid token.";
    case "insufficient_scope":
      return "You do not have permission to perform this action.";
    case "not_found":
      if (failure.sentence !== undefined) return failure.sentence;
      return failure.noun === null ? "Not found." : `No ${failure.noun} matches the given query.`;
    case "method_not_allowed":
      return `Method "${failure.method}" not allowed.`;
    case "invalid": {
      const [[field, sentences] = ["non_field_errors", []]] = Object.entries(failure.errors);
      return `${field}: ${sentences[0] ?? "Invalid."}`;
    }
    case "idempotency_mismatch":
      return "This Idempotency-Key was used with another action or body.";
    case "too_large":
      return failure.what === "file"
        ? `File size too large. A file may have ${failure.limitBytes} bytes.`
        : `The body may have ${failure.limitBytes} bytes.`;
    case "unsupported_media_type":
      return `Unsupported media type "${failure.mediaType}" in request.`;
    case "upgrade_required":
      return "This path takes WebSocket upgrades only.";
    case "throttled":
      return failure.sentence ?? `Request was throttled. Expected available in ${failure.retryAfterSeconds} seconds.`;
    case "not_configured":
      return `${failure.variable} is missing or unreadable. Set it with: ${failure.command}`;
    case "overloaded":
      return "Too many calls at once. Try again.";
    case "unavailable":
      return failure.sentence ?? "The service cannot reach its store. Try again.";
    case "internal":
      return "Internal error.";
  }
}

function headersOf(failure: Failure): Record<string, string> {
  switch (failure.code) {
    case "unauthenticated":
      return { "WWW-Authenticate": failure.realm === "agent" ? "Token" : 'Bearer realm="api"' };
    case "method_not_allowed":
      return { Allow: failure.allow.join(", ") };
    case "upgrade_required":
      return { Upgrade: "websocket", Connection: "Upgrade" };
    case "throttled":
    case "overloaded":
    case "unavailable":
      return { "Retry-After": String(failure.retryAfterSeconds) };
    default:
      return {};
  }
}

/** Logs what went wrong with a call; how the call goes on is its caller's decision. */
export function logFailed(c: HttpContext, error: unknown): void {
  log({ event: "request.failed", requestId: c.var.requestId, method: c.req.method, path: c.req.path, error });
}

/** A failure is an answer; an outage of D1 is `unavailable`; all else is a bug, and says nothing but its request id. */
export function onError(error: Error, c: HttpContext): Response {
  if (error instanceof FailureError) return problem(c, error.failure);
  logFailed(c, error);
  return problem(c, isDatabaseOutage(error) ? UNAVAILABLE : { code: "internal" });
}

export function onNotFound(c: HttpContext): Response {
  return problem(c, notFound(null));
}
