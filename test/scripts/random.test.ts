/** A thousand calls that nobody would make on purpose. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { AGAIN, fc } from "../support/random.ts";
import { call as ask } from "./api-client.ts";
import { makeFolder, RunningServer, removeFolders, runScript } from "./running-server.ts";

const CALLS = 1000;
const AT_ONCE = 10;
/** One token may make 600 calls a minute: no call is to end at that bound. */
const TOKENS = 3;

const state = makeFolder();
let server: RunningServer;
const credentials: string[] = [];

beforeAll(async () => {
  server = await RunningServer.start(state, "--no-demo");
  const { stdout } = await runScript("token.ts", "--email", "fuzz@example.com", "--state", state);
  const first = stdout.trim();
  credentials.push(first);
  while (credentials.length < TOKENS) {
    const made = await ask<{ token: string }>(server, first, "POST", "/api/v1/api_tokens/", { name: "fuzz" });
    credentials.push(made.body.token);
  }
  for (const name of ["One", "Two", "Three"]) await ask(server, first, "POST", "/api/v1/printers/", { name });
});

afterAll(async () => {
  await server?.stop();
  removeFolders();
});

const id = fc.oneof(
  fc.constantFrom("1", "2", "3"),
  fc.constantFrom("0", "-1", "9007199254740993", "abc", "%00", "1.5", "%F0%9F"),
);
const verb = fc.constantFrom(
  "pause_print",
  "resume_print",
  "cancel_print",
  "mute_current_print",
  "acknowledge_alert",
  "archive",
  "unarchive",
  "rotate_token",
  "commands",
  "nothing",
);
const noun = fc.constantFrom(
  "printers",
  "prints",
  "printer_events",
  "g_code_files",
  "g_code_folders",
  "onetimeverificationcodes",
  "one_time_passcodes",
  "printer_discovery",
  "users",
  "version",
  "octo",
);
const octo = fc.constantFrom(
  "printer",
  "pic",
  "ping",
  "verify",
  "unlinked",
  "printer_events",
  "g_code_files",
  "g_code_files/1",
);
const word = fc.string({ unit: "binary", maxLength: 20 }).map((text) => encodeURIComponent(text.toWellFormed()));
const route = fc.oneof(
  noun.map((name) => `/api/v1/${name}/`),
  fc.tuple(noun, id).map(([name, number]) => `/api/v1/${name}/${number}/`),
  fc.tuple(id, verb).map(([number, action]) => `/api/v1/printers/${number}/${action}/`),
  octo.map((name) => `/api/v1/octo/${name}/`),
  id.map((number) => `/ent/api/printers/${number}/ext/`),
  fc.constantFrom("/", "/health", "/openapi.json", "/docs", "/ws/dev/", "/api/v1/users/me/", "//", "/api//v1/"),
  fc.array(word, { maxLength: 4 }).map((words) => `/${words.join("/")}`),
);
const query = fc.oneof(
  fc.constant(""),
  fc
    .array(
      fc.tuple(
        fc.constantFrom("start", "limit", "with_archived", "code", "filter", "sorting", "printer_id", "mute_alert"),
        word,
      ),
      { maxLength: 3 },
    )
    .map((pairs) => `?${pairs.map(([key, value]) => `${key}=${value}`).join("&")}`),
);
const known = fc.constantFrom(
  "name",
  "action_on_failure",
  "retract_on_pause",
  "watching_enabled",
  "detective_sensitivity",
  "code",
  "print_id",
  "alert_overwrite",
  "device_id",
  "messages",
  "filename",
  "agent_signature",
  "num_bytes",
  "event_title",
);
const nested = fc.integer({ min: 1, max: 5000 }).map((depth) => "[".repeat(depth) + "]".repeat(depth));
const body = fc.oneof(
  fc.constant(null),
  fc.dictionary(known, fc.jsonValue(), { maxKeys: 5 }).map((value) => JSON.stringify(value)),
  fc.json(),
  nested,
  fc.string({ unit: "binary", maxLength: 200 }),
  fc
    .array(fc.tuple(known, word), { maxLength: 5 })
    .map((pairs) => pairs.map(([key, value]) => `${key}=${value}`).join("&")),
  fc.integer({ min: 60_000, max: 70_000 }).map((length) => `"${"x".repeat(length)}"`),
);
const headers = fc.record(
  {
    "Content-Type": fc.constantFrom(
      "application/json",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "multipart/form-data",
      "text/plain",
      "nonsense",
    ),
    "Idempotency-Key": fc.string({ maxLength: 300 }).map((text) => text.trim()),
    Prefer: fc.constantFrom("wait=0", "wait=x", "wait=99999999999", "respond-async"),
    "If-None-Match": fc.constantFrom("*", 'W/"x"', "x"),
  },
  { requiredKeys: [] },
);
const wish = fc.record({
  method: fc.constantFrom("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "PURGE"),
  path: fc.tuple(route, query).map(([path, search]) => path + search),
  who: fc.constantFrom("bearer", "bearer", "bearer", "key", "agent", "nobody"),
  headers,
  body,
});
type Wish = typeof wish extends fc.Arbitrary<infer T> ? T : never;

function credentialsOf(who: Wish["who"], turn: number): Record<string, string> {
  const token = credentials[turn % TOKENS] ?? "";
  if (who === "nobody") return {};
  if (who === "key") return { "X-API-Key": token };
  return { Authorization: who === "agent" ? "Token 1k1x0x0x0" : `Bearer ${token}` };
}

async function send(call: Wish, turn: number): Promise<number> {
  const hasBody = call.method !== "GET" && call.method !== "HEAD";
  const response = await fetch(server.url + call.path, {
    method: call.method,
    headers: { ...call.headers, ...credentialsOf(call.who, turn) },
    body: hasBody ? call.body : null,
    redirect: "manual",
  });
  await response.arrayBuffer();
  return response.status;
}

test(`[H8] ${CALLS} random methods, paths and bodies give no 500`, async () => {
  const calls = fc.sample(wish, CALLS);
  const answers: { status: number; call: Wish }[] = [];
  for (let start = 0; start < calls.length; start += AT_ONCE) {
    const batch = calls.slice(start, start + AT_ONCE);
    const statuses = await Promise.all(batch.map((call, index) => send(call, start + index)));
    answers.push(...batch.map((call, index) => ({ status: statuses[index] ?? 0, call })));
  }
  expect(
    answers.filter(({ status }) => status >= 500),
    AGAIN,
  ).toEqual([]);
  const statuses = new Set(answers.map(({ status }) => status));
  for (const expected of [200, 400, 401, 404, 405]) expect([...statuses], AGAIN).toContain(expected);
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
});
