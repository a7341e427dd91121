/** What the description tells of defaults and flags is what the routes do. */
import { beforeAll, describe, expect, test } from "vitest";
import { gCodeFiles } from "../../src/db/schema/g-code.ts";
import type { OpenApi, Operation } from "../../src/http/kit/openapi.ts";
import { type Answer, agentCall, call } from "../support/api.ts";
import { db } from "../support/printer.ts";
import { makeStock, type Stock } from "../support/stock.ts";

interface Field {
  readonly operation: Operation;
  readonly method: string;
  readonly path: string;
  readonly place: "query" | "body";
  readonly name: string;
  readonly type: unknown;
  /** Undefined: none is told. */
  readonly otherwise: unknown;
}

interface Shown {
  readonly type?: unknown;
  readonly default?: unknown;
}

let fields: readonly Field[] = [];
let stock: Stock;

beforeAll(async () => {
  const { body } = await call("GET", "/openapi.json");
  const { paths } = body as OpenApi;
  fields = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, operation]) => fieldsOf(method.toUpperCase(), path, operation)),
  );
  stock = await stocked();
});

async function stocked(): Promise<Stock> {
  const made = await makeStock();
  await hide(made);
  return made;
}

/** For a call that may end what it is asked of, one of its own. */
const stockFor = ({ method, otherwise }: Field) =>
  method === "DELETE" || (method !== "GET" && otherwise !== undefined) ? stocked() : stock;

function fieldsOf(method: string, path: string, operation: Operation): Field[] {
  const query = operation.parameters.filter((parameter) => parameter.in === "query");
  const shown: [Field["place"], string, Shown][] = [
    ...query.map(({ name, schema }) => ["query", name, schema] as [Field["place"], string, Shown]),
    ...Object.entries(propertiesOf(operation)).map(
      ([name, schema]) => ["body", name, schema] as [Field["place"], string, Shown],
    ),
  ];
  return shown.map(([place, name, { type, default: otherwise }]) => ({
    operation,
    method,
    path,
    place,
    name,
    type,
    otherwise,
  }));
}

function propertiesOf({ requestBody }: Operation): Readonly<Record<string, Shown>> {
  // biome-ignore lint/suspicious/noExplicitAny: the document is JSON
  const [media] = Object.values<any>(requestBody?.content ?? {});
  return media?.schema.properties ?? {};
}

/** Whatever a flag or a filter could show beside the rest: deleted and archived things, and more than a page of files. */
async function hide({ token, userId, ids }: Stock): Promise<void> {
  const times = { createdAt: 1_780_000_000_000, updatedAt: 1_780_000_000_000 };
  const files = Array.from({ length: 8 }, (_, place) => ({
    ...times,
    userId,
    filename: `f${place}`,
    safeFilename: `f${place}`,
  }));
  await db.insert(gCodeFiles).values(files);
  const { body: printer } = await call("POST", "/api/v1/printers/", { token, body: { name: "archived" } });
  await call("POST", `/api/v1/printers/${printer.id}/archive/`, { token });
  const prints = (await call("GET", "/api/v1/prints/", { token })).body;
  const ended = prints.find(({ id }: { id: number }) => id !== ids.printId);
  await call("DELETE", `/api/v1/prints/${ended.id}/`, { token });
}

/** What a call needs beside the field at hand. */
const NEEDED: Readonly<Record<string, string>> = {
  from_date: "2020-01-01",
  to_date: "2040-01-01",
  timezone: "Europe/Berlin",
  group_by: "year",
  code: "000000",
};

const BODIES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "POST /api/v1/printers/": { name: "new" },
};

const titleOf = ({ method, path, place, name }: Field) => `${method} ${path} ${place} ${name}`;

/** The answer with this value of the field, or without the field. */
async function ask(field: Field, value?: unknown, asForm = false): Promise<Answer> {
  const { ids, token, authToken } = await stockFor(field);
  const { operation, method, path, place, name } = field;
  const needed = operation.parameters.filter(({ in: where, required }) => where === "query" && required);
  const query = new URLSearchParams(needed.map((parameter) => [parameter.name, NEEDED[parameter.name] ?? ""]));
  const body = {
    ...BODIES[`${method} ${path}`],
    ...(place === "body" && value !== undefined ? { [name]: value } : {}),
  };
  if (place === "query" && value !== undefined) query.set(name, String(value));
  const filled = path.replace(/\{(\w+)\}/g, (_, id) => String(ids[id]));
  const url = `${filled}?${query}`;
  const isMultipart = Object.keys(operation.requestBody?.content ?? {}).join() === "multipart/form-data";
  const sent = method === "GET" || method === "DELETE" ? {} : isMultipart || asForm ? { raw: formOf(body) } : { body };
  const isOfAgent = operation.security.some((way) => "agent" in way);
  return isOfAgent ? agentCall(method, url, authToken, sent) : call(method, url, { ...sent, token });
}

function formOf(body: Readonly<Record<string, unknown>>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(body)) form.set(name, String(value));
  return form;
}

/** Without what differs from call to call, and from one account to another; a page's neighbours repeat the call's query. */
const STRAY = [
  /"(?:request_id|token|auth_token|url|next|previous|\w+_at)":"[^"]*"/g,
  /"(?:id|user|\w+_id|status_age_ms)":\d+/g,
  /mark-[\da-f-]+/g,
];

const steady = ({ status, body }: Answer) =>
  STRAY.reduce((text, stray) => text.replace(stray, "…"), JSON.stringify([status, body]));

describe("a default", () => {
  test("[H73] is what an absent key means", async () => {
    const told = fields.filter(({ otherwise }) => otherwise !== undefined);
    expect(told.map(titleOf)).toEqual(
      expect.arrayContaining([
        "GET /api/v1/prints/ query with_deleted",
        "POST /api/v1/octo/pic/ body is_primary_camera",
        "GET /api/v1/g_code_files/ query page",
      ]),
    );
    for (const field of told) {
      const absent = await ask(field);
      const explicit = await ask(field, field.otherwise);
      expect([titleOf(field), steady(explicit)]).toEqual([titleOf(field), steady(absent)]);
    }
  });
});

describe("a boolean", () => {
  test("[H73] takes true and false, and false is not true", async () => {
    const flags = fields.filter(({ type }) => type === "boolean");
    expect(flags.length).toBeGreaterThan(10);
    for (const field of flags) {
      for (const value of [true, false]) {
        for (const asForm of field.place === "body" ? [false, true] : [false]) {
          const { status, body } = await ask(field, value, asForm);
          expect([titleOf(field), value, body?.errors?.[field.name]]).toEqual([titleOf(field), value, undefined]);
          expect(status).toBeLessThan(500);
          if (body !== null && field.name in body)
            expect([titleOf(field), body[field.name]]).toEqual([titleOf(field), value]);
        }
      }
    }
  });

  test.each([
    ["/api/v1/prints/", "with_deleted"],
    ["/api/v1/printers/", "with_archived"],
  ])("[H73] %s shows more with %s=true than with false", async (path, flag) => {
    const count = async (value: boolean) => (await call("GET", `${path}?${flag}=${value}`, stock)).body.length;
    expect(await count(true)).toBe((await count(false)) + 1);
  });
});
