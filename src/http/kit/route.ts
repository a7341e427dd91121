/**
 * Declares a route once: method, path, access, schemas and description stand together, order the refusals ([H1]), type
 * the handler and its callers, and are what `/openapi.json` is made from.
 */
import type { Context, Handler, TypedResponse } from "hono";
import type { StatusCode } from "hono/utils/http-status";
import * as z from "zod";
import type { PrinterSelection } from "../../db/printer-list.ts";
import { notFound } from "../../domain/failure.ts";
import { authenticate, authenticateAgent } from "./auth.ts";
import { ANY_MEDIA, BODY_BYTES, type Media } from "./body.ts";
import type { Admitted, AdmittedContext, HttpEnv } from "./context.ts";
import { FailureError } from "./errors.ts";
import { readKeyUse } from "./idempotency.ts";
import { bodyValidation, queryReader, readId, type Validation } from "./validate.ts";

export interface RouteSpec {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Without the last slash: both forms are answered. A `:printerId` is found within the caller's account. */
  readonly path: `/${string}`;
  readonly summary: string;
  readonly description?: string;
  /** The scope that an account's token needs, or an agent's token, or nothing. */
  readonly access: "open" | "read" | "write" | "agent";
  /** Of an agent's: comes up to ten times a second, and counts apart from its other calls ([H7]). */
  readonly isFrequent?: true;
  /** Which of the account's printers the path may name; `active`: not archived; `asked`: archived ones `with_archived`. */
  readonly printer?: "active" | "archived-too" | "asked";
  /** Works while D1 is down, for callers in the cache of the printer's object ([O29]). */
  readonly worksWithoutD1?: true;
  /** The account's printers that the query asks for: they come with the caller, and are kept as `listed`. */
  readonly list?: (query: never) => PrinterSelection;
  /** Looks up what the path names before the body is read, so that its 404 comes first; kept as `found`. A refused query is empty here. */
  readonly find?: (c: AdmittedContext, query: never) => Promise<unknown>;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodObject;
  /** What the body may be; JSON and both kinds of forms, unless it says otherwise. */
  readonly media?: readonly Media[];
  readonly maxBytes?: number;
  /** A multipart body that the handler reads itself, as it comes: described here, judged there. */
  readonly stream?: z.ZodObject;
  /** Request headers that matter to this route, for its description. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Response headers of its own, for its description. */
  readonly sets?: Readonly<Record<string, string>>;
  /** Refusals that do not follow from the rest, for its description. */
  readonly fails?: readonly (404 | 413 | 429)[];
  /** Schemas by status; null: no body. Failures answer problem documents. */
  readonly answers: Readonly<Record<number, z.ZodType | null>>;
}

/** A caller's POST that makes something says so by its answer, and takes an `Idempotency-Key` ([H95]). */
type Making = { readonly method: "POST"; readonly access: "write"; readonly answers: { readonly 201: unknown } };

export function isMaking({ method, access, answers }: RouteSpec): boolean {
  return method === "POST" && access === "write" && 201 in answers;
}

type Variables<S extends RouteSpec> = HttpEnv["Variables"] &
  (S["access"] extends "read" | "write" ? Pick<Admitted, "caller"> : object) &
  (S["access"] extends "agent" ? Pick<Admitted, "agent"> : object) &
  (S extends Making ? Pick<Admitted, "keyUse"> : object) &
  (S extends { printer: string } ? Pick<Admitted, "printer"> : object) &
  (S extends { list: (query: never) => PrinterSelection } ? Pick<Admitted, "listed"> : object) &
  (S extends { find: (c: AdmittedContext, query: never) => Promise<infer Found> } ? { found: Found } : object);

type Texts<Q> = { [K in keyof Q]?: string | string[] };

interface Validated<S extends RouteSpec> {
  in: (S extends { query: infer Q extends z.ZodObject } ? { query: Texts<z.input<Q>> } : object) &
    (S extends { body: infer B extends z.ZodObject } ? { json: z.input<B> } : object);
  out: (S extends { query: infer Q extends z.ZodObject } ? { query: z.output<Q> } : object) &
    (S extends { body: infer B extends z.ZodObject } ? { json: z.output<B> } : object);
}

type Answer<Schema, Status> = Response &
  (Schema extends z.ZodType
    ? TypedResponse<z.output<Schema>, Status & StatusCode, "json">
    : TypedResponse<null, Status & StatusCode, "body">);

type Answers<S extends RouteSpec> = { [K in keyof S["answers"]]: Answer<S["answers"][K], K> }[keyof S["answers"]];

type RouteContext<S extends RouteSpec> = Context<{ Bindings: Env; Variables: Variables<S> }, S["path"], Validated<S>>;

/** A handler that knows its declaration. */
export type Declared = { readonly spec: RouteSpec };

/** Method, path and handler, to be spread into `app.on(…)`. */
export function route<const S extends RouteSpec>(
  spec: S,
  handler: (c: RouteContext<S>) => Promise<Answers<S>> | Answers<S>,
): [method: S["method"], path: S["path"], handler: Handler<HttpEnv, S["path"], Validated<S>, Promise<Answers<S>>>] {
  const readQuery = spec.query === undefined ? null : queryReader(spec.query);
  const validateBody = bodyValidationOf(spec);
  const run = async (c: Context): Promise<Answers<S>> => {
    const query = readQuery?.(c);
    await admit(c, spec, query?.data);
    if (query?.refusal !== undefined) throw query.refusal;
    if (query?.data !== undefined) c.req.addValidatedData("query", query.data);
    await validateBody?.(c);
    if (isMaking(spec)) {
      // safe: the body's validation left it, if there is one
      const request = [spec.path, spec.body && c.req.valid("json" as never)];
      c.set("keyUse", await readKeyUse(c, c.get("caller").userId, request));
    }
    return handler(c);
  };
  return [spec.method, spec.path, Object.assign(run, { spec } satisfies Declared)];
}

type Refusal<P extends string> = [methods: string[], path: P, handler: Handler<HttpEnv, P>];

/**
 * Answers 405 on the path of an action that a path with an id matches as well (`/prints/bulk_delete`, `/prints/:printId`):
 * that one would answer 404, so this one is mounted before it.
 */
export function postOnly<P extends string>(path: P): Refusal<P> {
  return only(["POST"], path);
}

/** The same for a path that is only read (`/prints/stats`). */
export function getOnly<P extends string>(path: P): Refusal<P> {
  return only(["GET", "HEAD"], path);
}

function only<P extends string>(allow: readonly string[], path: P): Refusal<P> {
  const others = ["GET", "POST", "PUT", "PATCH", "DELETE"].filter((method) => !allow.includes(method));
  return [
    others,
    path,
    (c) => {
      throw new FailureError({ code: "method_not_allowed", method: c.req.raw.method, allow });
    },
  ];
}

export function isDeclared(handler: object): handler is Declared {
  return "spec" in handler;
}

const NO_FIELDS = z.object({});

function bodyValidationOf({ method, access, body, stream, media = ANY_MEDIA, maxBytes }: RouteSpec): Validation | null {
  // A caller's action without fields reads its body all the same, so that an invalid one is refused.
  const isAction = method === "POST" && access === "write" && stream === undefined;
  const fields = body ?? (isAction ? NO_FIELDS : undefined);
  if (fields === undefined) return null;
  const spare = isAction && fields.safeParse({}).success ? Object.keys(fields.shape) : null;
  return bodyValidation(fields, { media, maxBytes: maxBytes ?? BODY_BYTES, spare });
}

/** What a query says; undefined for one that is refused. */
type Query = Readonly<Record<string, unknown>> | undefined;

/** 401, then 403, then 404, in this order; what was found is in `c.var`. */
async function admit(c: Context, spec: RouteSpec, query: Query): Promise<void> {
  if (spec.access === "agent") c.set("agent", await authenticateAgent(c, spec.isFrequent));
  if (spec.access === "read" || spec.access === "write") await admitCaller(c, spec, spec.access, query);
  // safe: the route's own query gave it
  if (spec.find !== undefined) c.set("found", await spec.find(c, (query ?? {}) as never));
}

async function admitCaller(c: Context, spec: RouteSpec, scope: "read" | "write", query: Query): Promise<void> {
  const printerId = spec.printer === undefined ? null : readId(c.req.param("printerId"));
  // safe: the route's own query gave it
  const list = query === undefined ? null : (spec.list?.(query as never) ?? null);
  const { caller, printer, listed } = await authenticate(c, { printerId, list }, spec.worksWithoutD1);
  if (!(scope === "read" ? caller.canRead : caller.canWrite)) throw new FailureError({ code: "insufficient_scope" });
  c.set("caller", caller);
  c.set("listed", listed);
  if (spec.printer === undefined) return;
  if (printer === null || (printer.archivedAt !== null && !isShownArchived(spec.printer, query))) {
    throw new FailureError(notFound("Printer"));
  }
  c.set("printer", printer);
}

function isShownArchived(policy: NonNullable<RouteSpec["printer"]>, query: Query): boolean {
  return policy === "archived-too" || (policy === "asked" && query?.with_archived === true);
}
