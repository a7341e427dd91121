/**
 * One account never sees, counts or touches another's: on every route that the program declares, whatever ids stand in its
 * path, its query and its body. A new route is in here by being declared; a new kind of id needs its row in `makeStock`.
 */
import { beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import type { RouteSpec } from "../../src/http/kit/route.ts";
import { type Answer, call, makeToken } from "../support/api.ts";
import { fc } from "../support/random.ts";
import { parametersOf, pathOf, ROUTES, titleOf } from "../support/routes.ts";
import { fingerprintOf, makeStock, type Stock } from "../support/stock.ts";

/** No row has it. */
const UNKNOWN = 987_654_321;

const ownRoutes = ROUTES.filter(({ access }) => access !== "open").map((spec) => ({ title: titleOf(spec), spec }));

let theirs: Stock;
let before = "";
/** The account that makes the calls that only read. */
let reader: Stock;

beforeAll(async () => {
  theirs = await makeStock();
  reader = await makeStock();
  before = await fingerprintOf(theirs);
});

type Values = Readonly<Record<string, unknown>>;

interface Fields {
  readonly query: Values;
  readonly body: Values;
}

/** By an account or by its printer's agent, whichever the route is for. */
function send({ method, access }: RouteSpec, path: string, by: Stock, { query, body }: Fields): Promise<Answer> {
  const search = new URLSearchParams(
    Object.entries(query).flatMap(([key, value]) => [value].flat().map((one) => [key, String(one)])),
  );
  const headers = access === "agent" ? { Authorization: `Token ${by.authToken}` } : {};
  const token = access === "agent" ? {} : { token: by.token };
  return call(method, `${path}?${search}`, { headers, ...token, ...(method === "GET" ? {} : { body }) });
}

function expectNothingOf(stock: Stock, answer: Answer): void {
  expect(JSON.stringify([answer.body, [...answer.headers]])).not.toContain(stock.mark);
}

const shapeOf = ({ status, body }: Answer) => ({ status, body: { ...body, request_id: null } });

/** A value that the field takes; undefined for one that may be left out. */
function sampleOf(schema: Readonly<Record<string, unknown>>, isRequired: boolean): unknown {
  if (!isRequired) return undefined;
  if (Array.isArray(schema.enum)) return schema.enum[0];
  if (schema.type === "integer" || schema.type === "number") return Math.max(Number(schema.minimum ?? 1), 1);
  return { string: "x", boolean: true, array: [] }[String(schema.type)];
}

interface Field {
  readonly name: string;
  readonly type: string;
  readonly sample: unknown;
}

function fieldsOf(schema: z.ZodObject | undefined): Field[] {
  if (schema === undefined) return [];
  const { properties = {}, required = [] } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return Object.entries(properties).map(([name, property]) => {
    const described: Readonly<Record<string, unknown>> = typeof property === "object" ? { ...property } : {};
    return { name, type: String(described.type), sample: sampleOf(described, required.includes(name)) };
  });
}

function samplesOf(fields: readonly Field[]): Values {
  return Object.fromEntries(
    fields.filter(({ sample }) => sample !== undefined).map(({ name, sample }) => [name, sample]),
  );
}

function withId({ type }: Field, id: number | string): unknown {
  return type === "array" ? [id] : type === "string" ? String(id) : id;
}

interface Naming extends Fields {
  /** The field names a row; an answer must not show whether there is one. */
  readonly isOfRow: boolean;
}

const NAMES_A_ROW = /(^|_)(id|ids|printer|print|folder|file|event|token)(\[\])?$/;

/** Every way in which one field of the route can name `id`. */
function namings(spec: RouteSpec, id: number | string): Naming[] {
  const fields = { query: fieldsOf(spec.query), body: fieldsOf(spec.body ?? spec.stream) };
  const plain = { query: samplesOf(fields.query), body: samplesOf(fields.body) };
  return (["query", "body"] as const).flatMap((part) =>
    fields[part].map((field) => ({
      ...{ ...plain, [part]: { ...plain[part], [field.name]: withId(field, id) } },
      isOfRow: NAMES_A_ROW.test(field.name),
    })),
  );
}

/** `places` filled with each of `choices`, but for those that hold no `needed`. */
function fillings<T>(places: number, choices: readonly T[], needed: T): T[][] {
  const all = Array.from({ length: places }).reduce<T[][]>(
    (made) => made.flatMap((one) => choices.map((choice) => [...one, choice])),
    [[]],
  );
  return all.filter((filled) => filled.includes(needed));
}

test("[S26] every kind of id in a path has a row to test with", () => {
  const kinds = new Set(ROUTES.flatMap(parametersOf));
  expect([...kinds].filter((kind) => !(kind in theirs.ids))).toEqual([]);
});

describe.each(ownRoutes)("$title", ({ spec }) => {
  const names = parametersOf(spec);
  let mine: Stock;
  beforeAll(async () => {
    mine = spec.method === "GET" ? reader : await makeStock();
  });

  if (names.length > 0)
    test("[S26] a foreign id in its path is an unknown one", async () => {
      const plain = { query: samplesOf(fieldsOf(spec.query)), body: samplesOf(fieldsOf(spec.body)) };
      for (const filling of fillings(names.length, ["mine", "theirs", "unknown"] as const, "theirs")) {
        const idsOf = (foreign: Stock["ids"]) =>
          Object.fromEntries(
            names.map((name, place) => [
              name,
              (filling[place] === "mine" ? mine.ids : filling[place] === "theirs" ? foreign : {})[name] ?? UNKNOWN,
            ]),
          );
        const foreign = await send(spec, pathOf(spec, idsOf(theirs.ids)), mine, plain);
        const unknown = await send(spec, pathOf(spec, idsOf({})), mine, plain);
        expect(foreign.status).toBe(404);
        expect(shapeOf(foreign)).toEqual(shapeOf(unknown));
      }
      expect(await fingerprintOf(theirs)).toBe(before);
    });

  test("[S27] a foreign id in its query or body changes nothing there, and shows nothing", async () => {
    const path = pathOf(spec, mine.ids);
    for (const [kind, id] of Object.entries(theirs.ids)) {
      // An id of one kind may be mine of another.
      if (Object.values(mine.ids).includes(id)) continue;
      const unknowns = namings(spec, typeof id === "number" ? UNKNOWN : [...id].reverse().join(""));
      for (const [place, named] of namings(spec, id).entries()) {
        if (!named.isOfRow && kind !== "printerId") continue;
        const unknown = await send(spec, path, mine, unknowns[place] ?? named);
        const foreign = await send(spec, path, mine, named);
        expectNothingOf(theirs, foreign);
        if (named.isOfRow && unknown.status >= 400) expect(foreign.status).toBe(unknown.status);
      }
    }
    expect(await fingerprintOf(theirs)).toBe(before);
  });
});

describe("lists and counts", () => {
  const reads = ROUTES.filter(({ access, method }) => method === "GET" && (access === "read" || access === "agent"));

  async function seenBy(stock: Stock): Promise<Answer[]> {
    const token = await makeToken(stock.userId, { name: "looks" });
    return Promise.all(
      reads.map((spec) => send(spec, pathOf(spec, stock.ids), { ...stock, token }, { query: STATS, body: {} })),
    );
  }

  /** What one GET or another needs; the others ignore it. */
  const STATS = {
    from_date: "2000-01-01",
    to_date: "2100-01-01",
    timezone: "UTC",
    group_by: "year",
    with_archived: true,
  };

  test("[S28] every GET shows an account its own things", async () => {
    const mine = await makeStock();
    const answers = await seenBy(mine);
    expect(answers.map(({ status }, place) => `${status} ${reads[place]?.path}`)).toEqual(
      reads.map(({ path }) => `200 ${path}`),
    );
    const marked = answers.filter(({ body }) => JSON.stringify(body).includes(mine.mark));
    expect(marked.length).toBeGreaterThan(12);
  });

  test("[S28] nothing that one account sees depends on what another has or does", async () => {
    const mine = await makeStock();
    await seenBy(mine);
    const alone = (await seenBy(mine)).map(({ body }) => steady(body));
    const other = await makeStock();
    await seenBy(other);
    await call("POST", `/api/v1/printers/${other.ids.printerId}/finish_print/`, { token: other.token });
    const together = await seenBy(mine);
    for (const answer of together) expectNothingOf(other, answer);
    expect(together.map(({ body }) => steady(body))).toEqual(alone);
  });
});

/** Without what the clock and the looking itself change: the tokens that look, and when URLs end. */
function steady(body: unknown): unknown {
  const isLooking = (value: unknown) =>
    typeof value === "object" && value !== null && "name" in value && value.name === "looks";
  return JSON.parse(
    JSON.stringify(body, (key, value: unknown) =>
      key === "url" || key === "last_used_on"
        ? null
        : Array.isArray(value)
          ? value.filter((one) => !isLooking(one))
          : value,
    ),
  );
}

test("[S29] no sequence of calls with ids of both accounts touches the other one", async () => {
  const anyCall = fc.record({
    route: fc.nat({ max: ownRoutes.length - 1 }),
    picks: fc.array(fc.constantFrom("mine", "theirs", "unknown"), { minLength: 2, maxLength: 2 }),
    kind: fc.nat(),
    place: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(anyCall, { minLength: 1, maxLength: 12 }), async (calls) => {
      const mine = await makeStock();
      for (const { route: index, picks, kind, place } of calls) {
        const route = ownRoutes[index] ?? ownRoutes[0];
        if (route === undefined) return;
        const stocks = { mine: mine.ids, theirs: theirs.ids, unknown: {} as Stock["ids"] };
        const ids = parametersOf(route.spec).map((name, at) => [name, stocks[picks[at] ?? "mine"][name] ?? UNKNOWN]);
        const named = Object.values(theirs.ids);
        const ways = namings(route.spec, named[kind % named.length] ?? UNKNOWN);
        const fields = ways[place % Math.max(1, ways.length)] ?? { query: {}, body: {} };
        const answer = await send(route.spec, pathOf(route.spec, Object.fromEntries(ids)), mine, fields);
        expectNothingOf(theirs, answer);
        expect(answer.status).toBeLessThan(500);
      }
      expect(await fingerprintOf(theirs)).toBe(before);
    }),
    { numRuns: 12 },
  );
}, 60_000);
