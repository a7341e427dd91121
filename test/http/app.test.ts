/** What every request passes: order of refusals, paths, bodies, CORS, limits, the secret. */
import { env, exports } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { app } from "../../src/app.ts";
import configuration from "../../wrangler.toml?raw";
import { agentCall, call, connectAgentOf, makeAccount, makePrinterOf, makeToken, ORIGIN } from "../support/api.ts";
import { uploaded } from "../support/upload.ts";
import { callWith } from "../support/worker.ts";

describe("refusals", () => {
  test("[H1] come in order: path, method, credentials, scope, ownership, body", async () => {
    const owner = await makeAccount();
    const { id } = await makePrinterOf(owner);
    const stranger = await makeAccount();
    const reader = await makeToken(owner.userId, { canWrite: false });
    const bad = { raw: "{", headers: { "Content-Type": "application/json" } };
    const path = `/api/v1/printers/${id}/`;
    const answers = [
      await call("PATCH", "/api/v1/nothing/", { token: "bad", ...bad }),
      await call("PUT", path, { token: "bad", ...bad }),
      await call("GET", `${path}pause_print/`, { token: "bad" }),
      await call("PATCH", path, { token: "bad", ...bad }),
      await call("PATCH", path, bad),
      await call("GET", "/api/v1/printers/abc/"),
      await call("PATCH", path, { token: reader, ...bad }),
      await call("POST", "/api/v1/printers/999999/pause_print/", { token: reader, ...bad }),
      await call("PATCH", path, { token: stranger.token, ...bad }),
      await call("PATCH", path, { token: owner.token, ...bad }),
    ];
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual([
      [404, "not_found"],
      [405, "method_not_allowed"],
      [405, "method_not_allowed"],
      [401, "unauthenticated"],
      [401, "unauthenticated"],
      [401, "unauthenticated"],
      [403, "insufficient_scope"],
      [403, "insufficient_scope"],
      [404, "not_found"],
      [400, "invalid"],
    ]);
    expect(answers.map(({ body }) => body.detail).slice(0, 6)).toEqual([
      "Not found.",
      'Method "PUT" not allowed.',
      'Method "GET" not allowed.',
      "Invalid token.",
      "Authentication credentials were not provided.",
      "Authentication credentials were not provided.",
    ]);
    expect(answers[1]?.headers.get("Allow")?.split(", ").sort()).toEqual(["DELETE", "GET", "HEAD", "PATCH"]);
    expect(answers[3]?.headers.get("WWW-Authenticate")).toBe('Bearer realm="api"');
  });

  test("[H2] are problem documents with the request's id", async () => {
    const { headers, body } = await call("GET", "/api/v1/printers/");
    expect(headers.get("Content-Type")).toBe("application/problem+json");
    expect(body).toEqual({
      type: "about:blank",
      title: "Unauthorized",
      status: 401,
      detail: "Authentication credentials were not provided.",
      code: "unauthenticated",
      request_id: headers.get("X-Request-Id"),
    });
  });

  test.each([
    ["GET", "/nope"],
    ["POST", "/health"],
    ["GET", "/api/v1/octo/ping/"],
    ["POST", "/api/v1/octo/verify/?code=1"],
    ["GET", "/files/1/x?token=x"],
    ["GET", "/ent/api/printers/1/ext/"],
    ["GET", "/ws/dev/"],
    ["GET", "/api/v1/printers/"],
  ])("[H2] the failure of %s %s has one request id, in its body and in its header", async (method, path) => {
    const { headers, body } = await call(method, path);
    expect(body.request_id).toMatch(/^[\w-]{16,}$/);
    expect(headers.get("X-Request-Id")).toBe(body.request_id);
  });

  test.each(["0", "01", "-1", "1.5", "1e3", "9007199254740992", "99999999999999999", "%00", "abc", " 1"])(
    "[H4] the id %j is 404",
    async (id) => {
      const { token } = await makeAccount();
      for (const tail of ["", "pause_print/"]) {
        const answer = await call(tail === "" ? "GET" : "POST", `/api/v1/printers/${id}/${tail}`, { token });
        expect([answer.status, answer.body.detail]).toEqual([404, "No Printer matches the given query."]);
      }
    },
  );

  test("[S1] credentials: X-API-Key, scheme words in any case, and Authorization alone decides", async () => {
    const { userId, token } = await makeAccount();
    const status = async (headers: Record<string, string>) =>
      (await call("GET", "/api/v1/users/me/", { headers })).status;
    expect(await status({ "X-API-Key": token })).toBe(200);
    expect(await status({ Authorization: `bEARER ${token}` })).toBe(200);
    expect(await status({ Authorization: "Bearer plt_nope", "X-API-Key": token })).toBe(401);
    expect(await status({ Authorization: `Token ${token}` })).toBe(401);
    expect(await status({ Authorization: "Bearer" })).toBe(401);
    const expired = await makeToken(userId, { expiresAt: Date.now() - 1 });
    const revoked = await makeToken(userId, { revokedAt: Date.now() });
    expect([await status({ "X-API-Key": expired }), await status({ "X-API-Key": revoked })]).toEqual([401, 401]);
  });
});

describe("bodies", () => {
  const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
  const CASES: [what: string, contentType: string | null, body: string, status: number, code: string | null][] = [
    ["JSON that does not parse", "application/json", "{", 400, "invalid"],
    ["a JSON array", "application/json", "[]", 400, "invalid"],
    ["a JSON string", "application/json", '"x"', 400, "invalid"],
    ["33 levels", "application/json", deep(33), 400, "invalid"],
    ["32 levels", "application/json", deep(32), 200, null],
    ["bytes that are no UTF-8 text type", "text/plain", '{"name":"x"}', 415, "unsupported_media_type"],
    ["no Content-Type", null, '{"name":"x"}', 415, "unsupported_media_type"],
    ["JSON sent as a form", "application/x-www-form-urlencoded", '{"name":"x"}', 400, "invalid"],
    ["a suffix +json", "application/merge-patch+json", '{"name":"x"}', 415, "unsupported_media_type"],
    ["a charset", "application/json; charset=utf-8", '{"name":"x"}', 200, null],
    ["64 KiB", "application/json", `{"x":"${"x".repeat(65_528)}"}`, 200, null],
    ["64 KiB and a byte", "application/json", `{"x":"${"x".repeat(65_529)}"}`, 413, "too_large"],
    ["a broken multipart", "multipart/form-data; boundary=x", "--x", 400, "invalid"],
  ];

  test.each(CASES)("[H9] a PATCH with %s", async (_what, contentType, body, status, code) => {
    const account = await makeAccount();
    const { id } = await makePrinterOf(account);
    const headers = contentType === null ? {} : { "Content-Type": contentType };
    const raw = new TextEncoder().encode(body);
    const answer = await call("PATCH", `/api/v1/printers/${id}/`, { token: account.token, raw, headers });
    expect([answer.status, answer.body.code ?? null]).toEqual([status, code]);
  });

  test.each(["archive", "unarchive", "rotate_token", "mute_current_print"])(
    "[H10] %s reads its body, though it needs none",
    async (action) => {
      const account = await makeAccount();
      const { id } = await makePrinterOf(account);
      const path = `/api/v1/printers/${id}/${action}/`;
      const headers = { "Content-Type": "text/plain" };
      expect((await call("POST", path, { token: account.token, raw: "junk", headers })).status).toBe(415);
      expect((await call("POST", path, { token: account.token, body: [] })).body.detail).toBe(
        "non_field_errors: Invalid data. Expected a dictionary, but got list.",
      );
      expect((await call("GET", `/api/v1/printers/${id}/`, { token: account.token })).status).toBe(200);
    },
  );

  test("[H11] JSON sent as a form is told what is missing", async () => {
    const { token } = await makeAccount();
    const raw = new URLSearchParams('{"name":"x"}');
    const { body } = await call("POST", "/api/v1/printers/", { token, raw });
    expect(body.detail).toContain("Content-Type: application/json");
  });
});

describe("CORS", () => {
  const ALLOWED = "Authorization,X-API-Key,Content-Type,Idempotency-Key,Prefer,Last-Event-ID,If-None-Match";

  test("[S55] every user route answers a preflight without a token", async () => {
    for (const path of ["/api/v1/printers/", "/api/v1/printers/1/pause_print", "/api/v1/users/me/"]) {
      const { status, headers } = await call("OPTIONS", path, { headers: { Origin: "https://app.test" } });
      expect(status).toBe(204);
      expect(headers.get("Access-Control-Allow-Origin")).toBe("*");
      expect(headers.get("Access-Control-Allow-Headers")).toBe(ALLOWED);
      expect(headers.get("Access-Control-Max-Age")).toBe("7200");
      expect(headers.get("Access-Control-Allow-Credentials")).toBeNull();
    }
  });

  test("[S55] failures carry it too, agents' routes do not", async () => {
    for (const path of ["/api/v1/printers/", "/api/v1/nothing/"]) {
      const { headers } = await call("GET", path);
      expect(headers.get("Access-Control-Allow-Origin")).toBe("*");
      expect(headers.get("Access-Control-Expose-Headers")).toContain("Idempotency-Replayed");
    }
    const agents = await call("OPTIONS", "/api/v1/octo/printer/");
    expect([agents.status, agents.headers.get("Access-Control-Allow-Origin")]).toEqual([405, null]);
  });

  test("[S55] files and the description answer any origin too, on failures alike", async () => {
    const account = await makeAccount();
    const { url } = await uploaded(account);
    for (const [path, status] of [
      [url.slice(ORIGIN.length), 200],
      ["/files/1/x?token=x", 404],
      ["/openapi.json", 200],
    ] as const) {
      const headers = { Origin: "https://app.test" };
      const answer = await call("GET", path, { headers });
      expect([answer.status, answer.headers.get("Access-Control-Allow-Origin")]).toEqual([status, "*"]);
      expect(answer.headers.get("Access-Control-Expose-Headers")).toContain("X-Request-Id");
      const asked = await call("OPTIONS", path, { headers });
      expect([asked.status, asked.headers.get("Access-Control-Allow-Origin")]).toEqual([204, "*"]);
    }
  });

  test("[S80] a page may ask to call a server on a local network, where every user route is", async () => {
    const asking = { Origin: "https://app.test", "Access-Control-Request-Private-Network": "true" };
    const allowed = async (path: string, headers: Record<string, string>) =>
      (await call("OPTIONS", path, { headers })).headers.get("Access-Control-Allow-Private-Network");
    for (const path of ["/api/v1/printers/", "/api/v1/printers/1/pause_print/", "/files/1/x", "/openapi.json"]) {
      expect([path, await allowed(path, asking)]).toEqual([path, "true"]);
      expect(await allowed(path, { Origin: "https://app.test" })).toBeNull();
    }
    expect(await allowed("/api/v1/octo/ping/", asking)).toBeNull();
    expect(
      (await call("GET", "/api/v1/version/", { headers: asking })).headers.get("Access-Control-Allow-Private-Network"),
    ).toBeNull();
  });

  test("[S55] so does a service without its secret", async () => {
    const response = await app.fetch(new Request(`${ORIGIN}/api/v1/printers/`), { ...env, AGENT_KEYS: "" });
    expect([response.status, response.headers.get("Access-Control-Allow-Origin")]).toEqual([503, "*"]);
  });

  test("[S56] a list of origins narrows it", async () => {
    const narrow = { ...env, CORS_ORIGINS: "https://a.test, https://b.test" };
    const allowed = async (path: string, origin: string) => {
      const request = new Request(`${ORIGIN}${path}`, { headers: { Origin: origin } });
      return (await app.fetch(request, narrow)).headers.get("Access-Control-Allow-Origin");
    };
    for (const path of ["/api/v1/version/", "/api/v1/nothing/", "/files/1/x", "/openapi.json"]) {
      const answers = [await allowed(path, "https://b.test"), await allowed(path, "https://c.test")];
      expect([path, ...answers]).toEqual([path, "https://b.test", null]);
    }
  });
});

describe("slashes", () => {
  test.each(["//api/v1/version/", "///api/v1/version", "//health", "//app/", "//"])(
    "[H76] %s is read with one in front",
    async (path) => {
      expect((await call("GET", path)).status).toBe(200);
    },
  );

  test("[H76] an agent whose configuration has one too many is served like any other", async () => {
    const account = await makeAccount();
    const printer = await makePrinterOf(account);
    const agent = await connectAgentOf(printer, `${ORIGIN}/`);
    expect(await agent.next("remote_status")).toBeDefined();
    const pinged = await agentCall("GET", "//api/v1/octo/ping/", printer.auth_token);
    expect([pinged.status, pinged.headers.get("Access-Control-Allow-Origin")]).toEqual([200, null]);
    const { status, body } = await call("GET", `//api/v1/printers/${printer.id}/`, account);
    expect([status, body.presence.state]).toEqual([200, "online"]);
    expect((await call("DELETE", "//api/v1/version/")).status).toBe(405);
  });

  test.each(["/api//v1/version/", "/api/v1//version/", "/%2Fapi/v1/version/"])(
    "[H76] anywhere else it is another path: %s",
    async (path) => {
      expect((await call("GET", path)).status).toBe(404);
    },
  );
});

describe("a request's id", () => {
  const idOf = async (sent: string) =>
    (await call("GET", "/api/v1/printers/", { headers: { "X-Request-Id": sent } })).body.request_id;

  test("[H77] is the caller's, if it is short and plain, and one of ours else", async () => {
    expect([await idOf("trace-1_a="), await idOf("x".repeat(255))]).toEqual(["trace-1_a=", "x".repeat(255)]);
    for (const bad of ["x".repeat(256), 'a"b', "a b", "a\tb", "ä", "{}", ""])
      expect(await idOf(bad)).toMatch(/^[\da-f-]{36}$/);
  });
});

describe("pages for people", () => {
  test.each(["/docs", "/docs/", "/app/", "/app/?one_time_passcode=ab12c"])(
    "[S81] %s loads nothing, stands in no frame and tells nobody",
    async (path) => {
      const { headers, body } = await call("GET", path);
      const policy = Object.fromEntries(
        (headers.get("Content-Security-Policy") ?? "").split("; ").map((one) => one.split(/ (.*)/)),
      );
      const [, nonce] = /^'nonce-([\w-]{36})'$/.exec(policy["style-src"]) ?? [];
      expect(policy).toEqual({
        ...{ "default-src": "'none'", "style-src": `'nonce-${nonce}'`, "base-uri": "'none'", "form-action": "'none'" },
        "frame-ancestors": "'none'",
      });
      expect(headers.get("Referrer-Policy")).toBe("no-referrer");
      expect((await call("GET", path)).body).not.toContain(nonce);
      // What the page has in it is all that the policy lets through.
      const tags = [...String(body).matchAll(/<(style|script|img|link|iframe|form|base|object|embed)\b[^>]*>/g)].map(
        ([tag]) => tag,
      );
      expect(tags).toEqual([`<style nonce="${nonce}">`]);
      expect(body).not.toMatch(/ (?:style|on\w+)=|@import|url\(/);
    },
  );
});

describe("HEAD and the open routes", () => {
  test("[H14] HEAD answers like GET without a body", async () => {
    const { token } = await makeAccount();
    const head = await call("HEAD", "/api/v1/printers/", { token });
    const get = await call("GET", "/api/v1/printers/", { token });
    expect([head.status, head.body, head.headers.get("ETag")]).toEqual([200, null, get.headers.get("ETag")]);
  });

  test("[H15] the open routes need no token and no look-up", async () => {
    const bindings = { ...env, DB: undefined as never, PRINTERS: undefined as never };
    for (const path of ["/", "/health", "/api/v1/version/", "/openapi.json", "/docs"]) {
      const response = await app.fetch(new Request(ORIGIN + path), bindings);
      expect([path, response.status]).toEqual([path, 200]);
      await response.body?.cancel();
    }
    expect((await call("GET", "/health")).body).toEqual({ status: "ok", version: expect.any(String) });
    expect(Object.keys((await call("GET", "/")).body)).toEqual(["name", "version", "docs", "openapi", "health"]);
    expect((await call("GET", "/api/v1/version")).body).toEqual({ version: "1.0.0" });
  });

  test("[H15] the version judges a credential that is sent, so that clients can test theirs", async () => {
    const { userId, token } = await makeAccount();
    const revoked = await makeToken(userId, { revokedAt: Date.now() });
    const writer = await makeToken(userId, { canRead: false });
    const status = async (headers: Record<string, string>) =>
      (await call("GET", "/api/v1/version/", { headers })).status;
    for (const [wanted, key] of [
      [200, token],
      [200, writer],
      [401, revoked],
      [401, "plt_made-up"],
      [401, ""],
    ] as const) {
      expect([key, await status({ "X-API-Key": key }), await status({ Authorization: `Bearer ${key}` })]).toEqual([
        key,
        wanted,
        wanted,
      ]);
    }
    expect(await status({ Authorization: "Basic eDp5", "X-API-Key": token })).toBe(401);
    const { status: bad, headers } = await call("HEAD", "/api/v1/version/", { token: "plt_made-up" });
    expect([bad, headers.get("WWW-Authenticate")]).toEqual([401, 'Bearer realm="api"']);
  });

  test.each([
    ["missing", ""],
    ["no key", "nonsense"],
    ["too short", "k1:c2hvcnQ"],
    ["one bad among good", `${"k1:"}${"A".repeat(43)},bad`],
  ])("[H6] without a sound secret (%s) every route says which variable is wanted", async (_what, AGENT_KEYS) => {
    for (const path of ["/health", "/api/v1/printers/", "/ws/dev/", "/nothing"]) {
      const response = await app.fetch(new Request(ORIGIN + path), { ...env, AGENT_KEYS });
      const problem = (await response.json()) as { code: string; detail: string };
      expect([response.status, problem.code]).toEqual([503, "not_configured"]);
      expect(problem.detail).toMatch(/AGENT_KEYS.*wrangler secret put AGENT_KEYS/);
    }
  });
});

describe("limits", () => {
  test("[H7] calls are counted by token, 600 a minute, and one too many is 429 with Retry-After", async () => {
    const { userId, token } = await makeAccount();
    const counted = new Map<string, number>();
    const TOKEN_CALLS: RateLimit = {
      async limit({ key }) {
        counted.set(key, (counted.get(key) ?? 0) + 1);
        return { success: (counted.get(key) ?? 0) <= 2 };
      },
    };
    const ask = (bearer: string) => callWith({ TOKEN_CALLS }, "GET", "/api/v1/users/me/", { token: bearer });
    expect([(await ask(token)).status, (await ask(token)).status]).toEqual([200, 200]);
    const refused = await ask(token);
    expect([refused.status, refused.body.code, refused.headers.get("Retry-After")]).toEqual([429, "throttled", "60"]);
    expect((await ask(await makeToken(userId))).status).toBe(200);
    expect([...counted.keys()].some((key) => key.includes(token))).toBe(false);
    expect(configuration).toMatch(
      /name = "TOKEN_CALLS"\nnamespace_id = "\d+"\nsimple = \{ limit = 600, period = 60 \}/,
    );
    expect(configuration).toMatch(
      /name = "AGENT_CALLS"\nnamespace_id = "\d+"\nsimple = \{ limit = 120, period = 60 \}/,
    );
  });
});

describe("an agent's upgrade", () => {
  test("[A1] is refused with a status before any object wakes", async () => {
    const printer = await makePrinterOf(await makeAccount());
    const dial = (headers: Record<string, string>) => exports.default.fetch(`${ORIGIN}/ws/dev/`, { headers });
    const bearer = `bearer ${printer.auth_token}`;
    expect((await dial({ authorization: bearer })).status).toBe(426);
    expect((await dial({ Upgrade: "websocket" })).status).toBe(401);
    expect((await dial({ Upgrade: "websocket", authorization: `Token ${printer.auth_token}` })).status).toBe(401);
    const last = printer.auth_token.at(-1) === "0" ? "1" : "0";
    const forged = `bearer ${printer.auth_token.slice(0, -1)}${last}`;
    expect((await dial({ Upgrade: "websocket", authorization: forged })).status).toBe(401);
    expect((await connectAgentOf(printer)).closed).toBeNull();
  });

  test("[A76] 30 a minute of a printer: one more is 429 and wakes no object, whoever dials; then they are let in again", async () => {
    const account = await makeAccount();
    const [printer, other] = [await makePrinterOf(account), await makePrinterOf(account)];
    const counted = new Map<string, number>();
    const AGENT_DIALS: RateLimit = {
      async limit({ key }) {
        counted.set(key, (counted.get(key) ?? 0) + 1);
        return { success: (counted.get(key) ?? 0) <= 30 };
      },
    };
    let woken = 0;
    const getByName = (name: string) => {
      woken += 1;
      return env.PRINTERS.getByName(name);
    };
    const PRINTERS = { getByName } as unknown as Env["PRINTERS"]; // safe: nothing else is called
    const dial = async (token: string) => {
      const headers = { Upgrade: "websocket", authorization: `bearer ${token}` };
      const answer = await app.fetch(new Request(`${ORIGIN}/ws/dev/`, { headers }), { ...env, AGENT_DIALS, PRINTERS });
      answer.webSocket?.accept();
      return answer;
    };
    const answers: Response[] = [];
    for (let count = 0; count < 200; count++) answers.push(await dial(printer.auth_token));
    expect(answers.map(({ status }) => status)).toEqual([...Array(30).fill(101), ...Array(170).fill(429)]);
    expect(answers.at(-1)?.headers.get("Retry-After")).toBe("60");
    expect(woken).toBe(30);
    expect((await dial(`${printer.auth_token}x`)).status).toBe(401);
    expect((await dial(other.auth_token)).status).toBe(101);
    expect([...counted.keys()].some((key) => key.includes(printer.auth_token))).toBe(false);
    counted.clear();
    expect((await dial(printer.auth_token)).status).toBe(101);
    expect(configuration).toMatch(/name = "AGENT_DIALS"\nnamespace_id = "\d+"\nsimple = \{ limit = 30, period = 60 \}/);
  });

  test("[S25] takes no credential from a caller's own headers", async () => {
    const printer = await makePrinterOf(await makeAccount());
    const forged = { "x-platen-uid": "x", "x-platen-generation": "7", Upgrade: "websocket" };
    const headers = { ...forged, authorization: `bearer ${printer.auth_token}` };
    const { status, webSocket } = await exports.default.fetch(`${ORIGIN}/ws/dev/`, { headers });
    expect(status).toBe(101);
    webSocket?.accept();
  });
});
