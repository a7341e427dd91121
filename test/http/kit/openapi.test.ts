/** The description that is made from the routes themselves, and the client types that come of them. */
import { hc, type InferResponseType } from "hono/client";
import { describe, expect, expectTypeOf, test } from "vitest";
import { type App, app } from "../../../src/app.ts";
import type { PrinterBody } from "../../../src/http/json/printer.ts";
import { isDeclared } from "../../../src/http/kit/route.ts";
import { call, ORIGIN } from "../../support/api.ts";

const declared = app.routes.filter(({ handler }) => isDeclared(handler));

describe("/openapi.json", () => {
  test("[H53] describes every declared route, and only what is there", async () => {
    const { body } = await call("GET", "/openapi.json");
    expect(body.openapi).toBe("3.1.1");
    const described = Object.entries<object>(body.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replace(/(.)\/$/, "$1")}`),
    );
    const routes = declared.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, "{$1}")}`);
    expect(described.sort()).toEqual(routes.sort());
    expect(described.length).toBeGreaterThan(25);
  });

  test("[H53] every reference leads somewhere, every operation has an id of its own and says what it answers", async () => {
    const { body } = await call("GET", "/openapi.json");
    const references = new Set(
      [...JSON.stringify(body).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, id]) => id),
    );
    expect([...references].filter((id) => !(String(id) in body.components.schemas))).toEqual([]);
    for (const [id, schema] of Object.entries(body.components.schemas)) {
      expect([id, schema]).toEqual([id, expect.objectContaining({ type: "object" })]);
    }
    // biome-ignore lint/suspicious/noExplicitAny: the document is JSON
    const operations = Object.values<any>(body.paths).flatMap((path) => Object.values<any>(path));
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const operation of operations) expect(operation.summary).not.toBe("");
  });

  test("[H110] a route's statuses follow from what it declares, and failures are described once, with their headers", async () => {
    const { body } = await call("GET", "/openapi.json");
    const statusesOf = (method: string, path: string) => Object.keys(body.paths[path][method].responses).map(Number);
    expect(statusesOf("get", "/health")).toEqual([200, 503]);
    expect(statusesOf("get", "/api/v1/printers/{printerId}/")).toEqual([200, 304, 400, 401, 403, 404, 429, 503]);
    expect(statusesOf("post", "/api/v1/printers/{printerId}/pause_print/")).toEqual([
      ...[200, 400, 401, 403, 404, 413, 415, 422, 429, 503],
    ]);
    for (const path of ["printers", "g_code_files", "g_code_folders", "api_tokens"]) {
      expect(statusesOf("post", `/api/v1/${path}/`), path).toEqual(expect.arrayContaining([201, 404, 422]));
      expect(body.paths[`/api/v1/${path}/`].post.responses[201].headers, path).toHaveProperty("Idempotency-Replayed");
    }
    expect(statusesOf("patch", "/api/v1/octo/printer/")).toEqual([200, 400, 401, 413, 415, 429, 503]);
    expect(statusesOf("post", "/api/v1/octo/unlinked/")).toEqual([200, 503]);
    expect(statusesOf("get", "/api/v1/g_code_files/")).toContain(404);
    const references = new Set(
      [...JSON.stringify(body.paths).matchAll(/"\$ref":"#\/components\/responses\/(\w+)"/g)].map(([, id]) => id),
    );
    const described = body.components.responses;
    expect([...references].filter((id) => !(String(id) in described))).toEqual([]);
    expect(Object.keys(described.Unauthorized.headers)).toEqual(["WWW-Authenticate", "X-Request-Id"]);
    expect(Object.keys(described.TooManyRequests.content)).toEqual(["application/problem+json"]);
    const made = body.paths["/api/v1/printers/"].post.responses[201];
    expect(Object.keys(made.headers)).toEqual(["Idempotency-Replayed", "Location", "X-Request-Id"]);
  });

  test("[H111] no parameter and no field of a body is without a type", async () => {
    const { body } = await call("GET", "/openapi.json");
    const isTyped = (schema: object) => ["type", "anyOf", "enum", "const", "$ref"].some((key) => key in schema);
    // biome-ignore lint/suspicious/noExplicitAny: the document is JSON
    const operations = Object.values<any>(body.paths).flatMap((path) => Object.values<any>(path));
    const untyped = operations.flatMap(({ operationId, parameters, requestBody }) => {
      // biome-ignore lint/suspicious/noExplicitAny: the document is JSON
      const bodies = Object.values<any>(requestBody?.content ?? {}).flatMap(({ schema }) =>
        Object.entries<object>(schema.properties),
      );
      // biome-ignore lint/suspicious/noExplicitAny: the document is JSON
      const places = [...bodies, ...parameters.map(({ name, schema }: any) => [name, schema] as const)];
      return places.filter(([, schema]) => !isTyped(schema)).map(([name]) => `${operationId} ${name}`);
    });
    // What an agent posts and nobody reads.
    expect([...new Set(untyped)]).toEqual(["postApiV1OctoPrinterEvents notify"]);
    const [id] = body.paths["/api/v1/prints/{printId}/"].get.parameters;
    expect(id.schema).toEqual({ type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
    const [, command] = body.paths["/api/v1/printers/{printerId}/commands/{commandId}/"].get.parameters;
    expect(command.schema.type).toBe("string");
    // biome-ignore lint/suspicious/noExplicitAny: the document is JSON
    const day = body.paths["/api/v1/prints/"].get.parameters.find(({ name }: any) => name === "from_date");
    expect(day.schema).toEqual({ type: "string", format: "date" });
  });

  test("[H53] requests are described by the schemas that check them", async () => {
    const { body } = await call("GET", "/openapi.json");
    const patch = body.paths["/api/v1/printers/{printerId}/"].patch;
    const { schema } = patch.requestBody.content["application/json"];
    expect(schema.properties.detective_sensitivity).toMatchObject({ type: "number", minimum: 0.8, maximum: 1.2 });
    const list = body.paths["/api/v1/printers/"].get;
    // biome-ignore lint/suspicious/noExplicitAny: the document is JSON
    expect(list.parameters.map(({ name, in: place }: any) => `${place} ${name}`)).toEqual([
      ...["query with_archived", "query start", "query limit", "query fields", "header If-None-Match"],
    ]);
    expect(list.security).toEqual([{ bearer: [] }, { key: [] }]);
  });

  test("[S46] an agent's passcode link leads to a page that says how its owner claims it", async () => {
    const { status, headers, body } = await call("GET", "/app/?one_time_passcode=ab12c");
    expect([status, headers.get("Content-Type")]).toEqual([200, "text/html; charset=UTF-8"]);
    expect(body).toContain('"one_time_passcode": "ab12c"');
    const hostile = await call("GET", "/app/?one_time_passcode=%3Cscript%3E");
    expect(hostile.body).not.toContain("<script>");
  });

  test("[H54] /docs shows it without asking anybody else for anything", async () => {
    const { status, headers, body } = await call("GET", "/docs");
    expect([status, headers.get("Content-Type")]).toEqual([200, "text/html; charset=UTF-8"]);
    expect(body).toContain("/api/v1/printers/{printerId}/pause_print/");
    expect(body).toContain("<p>204</p>");
    expect(body).not.toContain("<p>404</p>");
    expect(body.replaceAll(`"${ORIGIN}/`, `"/`)).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
  });
});

describe("hono/client", () => {
  test("[H55] knows every route's input and answer", () => {
    const client = hc<App>(ORIGIN);
    type Read = InferResponseType<(typeof client.api.v1.printers)[":printerId"]["$get"], 200>;
    expectTypeOf<NonNullable<Read["presence"]>["state"]>().toEqualTypeOf<PrinterBody["presence"]["state"]>();
    type Paused = InferResponseType<(typeof client.api.v1.printers)[":printerId"]["pause_print"]["$post"], 200>;
    expectTypeOf<Paused["succeeded"]>().toEqualTypeOf<boolean>();
    const url = client.api.v1.printers[":printerId"].pause_print.$url({ param: { printerId: "7" } });
    expect(url.pathname).toBe("/api/v1/printers/7/pause_print");
  });
});
