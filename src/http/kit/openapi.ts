/** `/openapi.json` (OpenAPI 3.1): made from the very schemas that check requests and type answers. */
import * as z from "zod";
import { ANY_MEDIA, MEDIA_TYPES } from "./body.ts";
import { ProblemJson, TITLES } from "./errors.ts";
import { IDEMPOTENCY_KEY, MADE_HEADERS, MAKING_HEADERS, PRINTABLE } from "./idempotency.ts";
import { type Declared, isDeclared, isMaking, type RouteSpec } from "./route.ts";

export type RouteList = readonly { readonly method: string; readonly path: string; readonly handler: object }[];

type JsonSchema = Readonly<Record<string, unknown>>;

/** A schema with the definitions that it refers to, by their ids. */
type MadeSchema = JsonSchema & { readonly $defs?: Readonly<Record<string, JsonSchema>> };

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

export interface Operation {
  readonly summary: string;
  readonly description?: string;
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: JsonSchema;
  readonly responses: Readonly<Record<string, JsonSchema>>;
}

export interface OpenApi {
  readonly openapi: "3.1.1";
  readonly info: JsonSchema;
  /** Where the service is, as its caller sees it. */
  readonly servers: readonly [{ readonly url: string }];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: JsonSchema;
}

/** All but where the service is. */
export function describeRoutes(routes: RouteList, version: string): Omit<OpenApi, "servers"> {
  const schemas = new Map<string, JsonSchema>();
  const paths: Record<string, Record<string, Operation>> = {};
  for (const { handler } of routes) {
    if (!isDeclared(handler)) continue;
    const { spec } = handler satisfies Declared;
    const path =
      spec.path.replace(/:(\w+)/g, "{$1}") +
      (spec.path.startsWith("/api/") || spec.path.startsWith("/ent/") ? "/" : "");
    paths[path] = { ...paths[path], [spec.method.toLowerCase()]: describe(spec, path, schemas) };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Platen",
      version,
      description: "3D printers over REST. Every path answers with and without its last slash.",
    },
    paths,
    components: {
      responses: failureAnswers(schemas),
      schemas: Object.fromEntries(schemas),
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

const SECURITY_SCHEMES = {
  bearer: {
    type: "http",
    scheme: "bearer",
    description: "An API token (`plt_…`), or a JWT of the operator's identity provider.",
  },
  key: { type: "apiKey", in: "header", name: "X-API-Key", description: "An API token." },
  agent: {
    type: "apiKey",
    in: "header",
    name: "Authorization",
    description: "`Token` and the printer's `auth_token`.",
  },
} as const;

const SECURITY = {
  open: [],
  read: [{ bearer: [] }, { key: [] }],
  write: [{ bearer: [] }, { key: [] }],
  agent: [{ agent: [] }],
} as const satisfies Record<RouteSpec["access"], Operation["security"]>;

const SCOPE_NOTE = {
  read: "Needs the scope `read`.",
  write: "Needs the scope `write`.",
  open: null,
  agent: null,
} as const;

function describe(spec: RouteSpec, path: string, schemas: Map<string, JsonSchema>): Operation {
  const description = [spec.description, SCOPE_NOTE[spec.access]].filter((text) => text != null).join(" ");
  return {
    summary: spec.summary,
    ...(description === "" ? {} : { description }),
    operationId: `${spec.method.toLowerCase()}${path.replace(/[^A-Za-z0-9]+(\w)?/g, (_, next = "") => next.toUpperCase())}`,
    tags: [tagOf(path)],
    security: SECURITY[spec.access],
    parameters: parametersOf(spec, path, schemas),
    ...requestBodyOf(spec, schemas),
    responses: responsesOf(spec, schemas),
  };
}

function tagOf(path: string): string {
  const [, , , noun = "service", nested] = path.split("/");
  return noun === "octo" || path.startsWith("/ent/") ? "agents" : nested === undefined ? "service" : noun;
}

function parametersOf(spec: RouteSpec, path: string, schemas: Map<string, JsonSchema>): Parameter[] {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const query = Object.entries(spec.query?.shape ?? {}).map(([name, field]): Parameter => {
    const { description, ...schema } = describedField(field, schemas);
    const required = !z.safeParse(field, undefined).success;
    return { name, in: "query", required, ...(typeof description === "string" ? { description } : {}), schema };
  });
  const headers = Object.entries(headersOf(spec));
  return [
    ...names.map((name) => ({ name, in: "path", required: true, schema: ID_SCHEMAS[name] ?? ID_SCHEMA }) as const),
    ...query,
    ...headers.map(
      ([name, description]) =>
        ({
          name,
          in: "header",
          required: false,
          description,
          schema: HEADER_SCHEMAS[name] ?? { type: "string" },
        }) as const,
    ),
  ];
}

const ID_SCHEMA = { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER };
/** Those of nouns whose ids are no numbers. */
const ID_SCHEMAS: Readonly<Record<string, JsonSchema>> = { commandId: { type: "string", pattern: "^[0-9a-f]{32}$" } };

/** Those of headers that may be refused. */
const HEADER_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  [IDEMPOTENCY_KEY]: { type: "string", pattern: PRINTABLE.source },
};

/** By what becomes of it, which tells more; by what is taken where that is no JSON, a day for instance. */
function describedField(field: z.core.$ZodType, schemas: Map<string, JsonSchema>): JsonSchema {
  const output = schemaOf(field, "output", schemas);
  return "type" in output || "anyOf" in output ? output : schemaOf(field, "input", schemas);
}

/** Headers of a request that matter to the route. */
function headersOf(spec: RouteSpec): Readonly<Record<string, string>> {
  return isMaking(spec) ? { ...MAKING_HEADERS, ...spec.headers } : (spec.headers ?? {});
}

function requestBodyOf({ body, stream, media }: RouteSpec, schemas: Map<string, JsonSchema>) {
  if (stream !== undefined) return { requestBody: bodyOf(stream, ["multipart"], schemas) };
  return body === undefined ? {} : { requestBody: bodyOf(body, media, schemas) };
}

function bodyOf(body: z.ZodObject, media: RouteSpec["media"], schemas: Map<string, JsonSchema>): JsonSchema {
  const schema = schemaOf(body, "input", schemas);
  const types = (media ?? ANY_MEDIA).map((kind) => MEDIA_TYPES[kind]);
  const required = !body.safeParse({}).success;
  return { required, content: Object.fromEntries(types.map((type) => [type, { schema }])) };
}

type FailureStatus = keyof typeof TITLES;

function responsesOf(spec: RouteSpec, schemas: Map<string, JsonSchema>): Record<string, JsonSchema> {
  const sets = { ...(isMaking(spec) ? MADE_HEADERS : {}), ...spec.sets };
  const own = Object.entries(sets).map(([name, description]) => [name, headerOf(description)]);
  const headers = { ...Object.fromEntries(own), ...REQUEST_ID };
  const answers = Object.entries(spec.answers).map(([status, schema]): [string, JsonSchema] => [
    status,
    schema === null
      ? { description: status === "304" ? "As before." : "No body.", headers }
      : {
          description: "Done.",
          headers,
          content: { "application/json": { schema: schemaOf(schema, "output", schemas) } },
        },
  ]);
  const failures = failuresOf(spec).map((status): [string, JsonSchema] => [
    String(status),
    { $ref: `#/components/responses/${nameOf(status)}` },
  ]);
  return Object.fromEntries([...answers, ...failures]);
}

/** What a call that reached its route may be refused with: it follows from what the route declares. */
function failuresOf(spec: RouteSpec): FailureStatus[] {
  const { method, access, path, query, body, stream, fails = [] } = spec;
  const isOurs = access === "read" || access === "write";
  const readsBody = (body ?? stream) !== undefined || (method === "POST" && access === "write");
  const statuses: readonly (readonly [FailureStatus, boolean])[] = [
    [400, readsBody || query !== undefined],
    [401, access !== "open"],
    [403, isOurs],
    // What a key made may be gone ([H95]).
    [404, path.includes("/:") || isMaking(spec)],
    [413, readsBody],
    [415, readsBody],
    [422, IDEMPOTENCY_KEY in headersOf(spec)],
    [429, access !== "open"],
    [503, true],
  ];
  return statuses.filter(([status, may]) => may || fails.some((other) => other === status)).map(([status]) => status);
}

const nameOf = (status: FailureStatus) => TITLES[status].replaceAll(" ", "");

const headerOf = (description: string, required = false) => ({ description, required, schema: { type: "string" } });

const REQUEST_ID = { "X-Request-Id": headerOf("Names this call in the service's log.", true) };

/** Headers of failures beside the request's id. */
const FAILURE_HEADERS: { readonly [S in FailureStatus]?: JsonSchema } = {
  401: { "WWW-Authenticate": headerOf("The scheme that is expected.", true) },
  429: { "Retry-After": headerOf("Seconds.", true) },
  503: { "Retry-After": headerOf("Seconds.") },
};

function failureAnswers(schemas: Map<string, JsonSchema>): Record<string, JsonSchema> {
  const content = { "application/problem+json": { schema: schemaOf(ProblemJson, "output", schemas) } };
  const statuses = Object.keys(TITLES).map(Number) as FailureStatus[]; // safe: it has no other keys
  return Object.fromEntries(
    statuses.map((status) => [
      nameOf(status),
      { description: TITLES[status], headers: { ...FAILURE_HEADERS[status], ...REQUEST_ID }, content },
    ]),
  );
}

/** What has an id of its own goes to the components, and is referred to. */
function schemaOf(schema: z.core.$ZodType, io: "input" | "output", schemas: Map<string, JsonSchema>): JsonSchema {
  const made = z.toJSONSchema(schema, { target: "draft-2020-12", io, unrepresentable: "any" });
  const { $schema: _dialect, $defs = {}, ...own } = rewritten(made);
  for (const [id, definition] of Object.entries($defs)) schemas.set(id, withoutId(definition));
  const { id } = z.globalRegistry.get(schema) ?? {};
  // One with an id of its own is among the definitions already, and what is left refers to it.
  if (typeof id !== "string" || "$ref" in own) return own;
  schemas.set(id, withoutId(own));
  return { $ref: `#/components/schemas/${id}` };
}

/** Its references lead to the components. */
function rewritten(schema: MadeSchema): MadeSchema {
  const text = JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/');
  return JSON.parse(text) as MadeSchema; // safe: JSON of one, of which only texts changed
}

function withoutId({ id: _id, ...schema }: JsonSchema): JsonSchema {
  return schema;
}
