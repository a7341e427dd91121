/** `npm run fuzz` as a person runs it, small, and its judge. */
import { describe, expect, test } from "vitest";
import { Description } from "../../scripts/fuzz/description.ts";
import { type Drawn, draw, type Place } from "../../scripts/fuzz/draw.ts";
import { Judge } from "../../scripts/fuzz/judge.ts";
import type { Reply } from "../../scripts/fuzz/send.ts";
import type { Stock } from "../../scripts/fuzz/stock.ts";
import { seededRandom } from "../../scripts/virtual/random.ts";
import { AGAIN, SEED } from "../support/random.ts";
import { runScript, Script, signal, until, untilGone, withDescendants } from "./running-server.ts";

const CALLS = 400;

test(`[H8] [R82] ${CALLS} random calls get answers that the description has`, async () => {
  const { code, stdout, stderr } = await runScript("fuzz.ts", "--requests", String(CALLS), "--seed", String(SEED));
  expect([code, stderr], `${AGAIN}\n${stdout}`).toEqual([0, ""]);
  expect(stdout).toMatch(/\n\d+ calls in \d+ s, \d+ a second\. /);
  for (const status of [200, 400, 401, 404, 405]) expect(stdout, AGAIN).toMatch(new RegExp(`second\\..* ${status}: `));
});

test("[R84] Ctrl-C ends the server too", async () => {
  const script = new Script("fuzz.ts", []);
  const pids = await until("the server", async () => {
    const found = withDescendants(script.pid);
    return script.stdout.includes(" on http://") && found.length > 2 ? found : undefined;
  });
  signal(script.pid, "SIGINT");
  const { code, stderr } = await script.finished;
  expect([code, stderr]).toEqual([130, ""]);
  await untilGone(pids);
});

const THING = { type: "object", properties: { id: { type: "integer" } }, required: ["id"] };

const description = new Description({
  paths: {
    "/things/{thingId}/": {
      post: {
        description: "Needs the scope `write`.",
        security: [{ bearer: [] }],
        parameters: [{ name: "thingId", in: "path", required: true, schema: { type: "integer" } }],
        requestBody: { content: { "application/json": { schema: THING } } },
        responses: {
          200: { headers: { "X-Request-Id": { required: true } }, content: { "application/json": { schema: THING } } },
          204: {},
          404: { content: { "application/problem+json": { schema: { type: "object" } } } },
        },
      },
    },
  },
});

describe("the judge", () => {
  const [operation] = description.operations;
  const call = { method: "POST", path: "/things/1/", faults: [], expected: null, operation } as unknown as Drawn; // safe: what it reads
  const reply = (status: number, body: unknown, type = "application/json", headers = {}): Reply => ({
    status,
    headers: { "x-request-id": "a", "content-type": type, ...headers },
    body: Buffer.from(body === null ? "" : JSON.stringify(body)),
  });
  const problem = (status: number, code: string, told = status) =>
    reply(status, { status: told, code, request_id: "a" }, "application/problem+json");
  const faultOf = (answer: Reply, other: Partial<Drawn> = {}) =>
    new Judge(description).faultOf({ ...call, ...other }, answer);

  test("[R82] takes what the description has", () => {
    const right = [reply(200, { id: 1 }), reply(204, null), problem(404, "not_found")];
    expect(right.map((answer) => faultOf(answer))).toEqual([null, null, null]);
    expect(faultOf(problem(405, "method_not_allowed", 405), { path: "/nothing/" })).toMatch(/without Allow/);
    expect(faultOf(reply(200, null), { method: "HEAD", path: "/nothing/" })).toBe(null);
  });

  test.each([
    ["a 5xx", problem(503, "unavailable"), "503"],
    ["a body outside its schema", reply(200, { id: "1" }), "200 outside its schema: /id must be integer"],
    ["another media type", reply(200, { id: 1 }, "text/html"), "200 with Content-Type text/html"],
    ["a status that is not described", reply(201, { id: 1 }), "201, which is not described"],
    ["a body of a 204", reply(204, {}), "204 with a body"],
    [
      "no request id",
      reply(200, { id: 1 }, "application/json", { "x-request-id": undefined }),
      "200 without X-Request-Id",
    ],
    ["a code of another status", problem(404, "invalid"), "404 with code invalid and status 404"],
    ["another status in the document", problem(404, "not_found", 400), "404 with code not_found and status 400"],
    ["a failure that is no problem", reply(404, {}), "404 with Content-Type application/json"],
  ])("[R82] finds %s", (_, answer, words) => {
    expect(faultOf(answer)).toBe(words);
  });

  test("[R82] finds a refusal that was to be another one", () => {
    expect(faultOf(problem(404, "not_found"), { expected: 401 })).toBe("404 in place of 401");
  });
});

test("[R83] a call is drawn from its seed, the description and the stock alone", () => {
  const ids = { printer: [1], print: [], event: [], file: [], folder: [], token: [], code: [] };
  const credentials = {
    full: ["a", "b"],
    read: "r",
    write: "w",
    revoked: "x",
    expired: "y",
    agent: "z",
    deadAgents: ["d", "e"],
  };
  const stock = {
    own: ids,
    gone: ids,
    commandIds: [],
    credentials,
    code: "1",
    passcode: "p",
    deviceId: "d",
  } as unknown as Stock; // safe: as small as it may be
  const place: Place = { description, stock, foreign: stock, address: "127.0.0" };
  const drawn = (seed: number) =>
    Array.from({ length: 200 }, (_, number) => draw(number, place, seededRandom(seed + number)));
  expect(drawn(SEED)).toEqual(drawn(SEED));
  expect(new Set(drawn(SEED).map((call) => call.faults.join())).size).toBeGreaterThan(10);
});
