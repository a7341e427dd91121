/**
 * Who may call what, on every route that the program declares: a new route is in here by being declared.
 */
import { beforeAll, describe, expect, test } from "vitest";
import type { RouteSpec } from "../../src/http/kit/route.ts";
import { type Account, type Answer, call, makeAccount, makePrinterOf, makeToken } from "../support/api.ts";
import { freshIp } from "../support/linking.ts";
import { from } from "../support/linking-api.ts";
import { parametersOf, pathOf, ROUTES, titleOf, UNDECLARED } from "../support/routes.ts";

/** No row has it. */
const UNKNOWN = 999_999_999;

const named = (specs: readonly RouteSpec[]) => specs.map((spec) => ({ title: titleOf(spec), spec }));
const userRoutes = named(ROUTES.filter(({ access }) => access === "read" || access === "write"));
const agentRoutes = named(ROUTES.filter(({ access }) => access === "agent"));
const openRoutes = named(ROUTES.filter(({ access }) => access === "open"));

let account: Account;
let agentToken = "";

beforeAll(async () => {
  account = await makeAccount();
  agentToken = (await makePrinterOf(account)).auth_token;
});

function send(
  spec: RouteSpec,
  headers: Readonly<Record<string, string>>,
  method: string = spec.method,
): Promise<Answer> {
  const ids = Object.fromEntries(parametersOf(spec).map((name) => [name, UNKNOWN]));
  const hasBody = method !== "GET" && method !== "HEAD";
  return call(method, pathOf(spec, ids), {
    headers: { ...from(freshIp()), ...headers },
    ...(hasBody ? { body: {} } : {}),
  });
}

function refused(reason: "missing" | "invalid", challenge: string) {
  const detail = reason === "missing" ? "Authentication credentials were not provided." : "Invalid token.";
  return { status: 401, code: "unauthenticated", detail, challenge };
}

const shownRefusal = ({ status, body, headers }: Answer) => ({
  ...{ status, code: body?.code, detail: body?.detail },
  challenge: headers.get("WWW-Authenticate"),
});

/** Whatever it answers, the caller was let in. */
function expectLetIn({ status, body }: Answer): void {
  expect([401, 403, 405, 500].includes(status), `${status} ${JSON.stringify(body)}`).toBe(false);
}

describe("routes", () => {
  test("[S4] are all declared, but for the descriptions, the sockets and what a signed URL opens", () => {
    expect(ROUTES.length).toBeGreaterThan(40);
    expect(UNDECLARED.filter((route) => !/^GET \/(openapi\.json|docs|app|ws\/.*|files\/.*)$/.test(route))).toEqual([]);
  });

  test("[S4] that change nothing are GET, but for the one that makes a linking code", () => {
    const odd = ROUTES.filter(
      ({ method, access }) => (access === "read") !== (method === "GET") && access !== "agent" && access !== "open",
    );
    expect(odd.map(titleOf)).toEqual(["GET /api/v1/onetimeverificationcodes"]);
  });
});

describe.each(userRoutes)("$title", ({ spec }) => {
  const API = 'Bearer realm="api"';

  test("[S2] without a token, with a bad one, or with an agent's: 401", async () => {
    expect(shownRefusal(await send(spec, {}))).toEqual(refused("missing", API));
    for (const [header, reason] of [
      ["Bearer plt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "invalid"],
      ["Bearer a.b.c", "invalid"],
      [`Bearer ${agentToken}`, "invalid"],
      ["Bearer", "invalid"],
      [`Token ${agentToken}`, "missing"],
      [`Token ${account.token}`, "missing"],
      [`Basic ${btoa(`x:${account.token}`)}`, "missing"],
      ["", "missing"],
    ] as const) {
      expect(shownRefusal(await send(spec, { Authorization: header })), header).toEqual(refused(reason, API));
    }
    expect(shownRefusal(await send(spec, { "X-API-Key": agentToken }))).toEqual(refused("invalid", API));
  });

  test("[S2] with a revoked or an expired token: 401", async () => {
    for (const patch of [{ revokedAt: 1 }, { expiresAt: Date.now() }]) {
      const token = await makeToken(account.userId, patch);
      expect(shownRefusal(await send(spec, { Authorization: `Bearer ${token}` }))).toEqual(refused("invalid", API));
    }
  });

  test("[S3] without the scope: 403, whatever the path and the body are", async () => {
    const scopes = spec.access === "read" ? { canRead: false } : { canWrite: false };
    const token = await makeToken(account.userId, scopes);
    const { status, body } = await send(spec, { Authorization: `Bearer ${token}` });
    expect({ status, code: body.code, detail: body.detail }).toEqual({
      status: 403,
      code: "insufficient_scope",
      detail: "You do not have permission to perform this action.",
    });
    const odd = Object.fromEntries(parametersOf(spec).map((name) => [name, "abc"]));
    const raw = spec.method === "GET" ? {} : { raw: "{" };
    const answer = await call(spec.method, pathOf(spec, odd), { token, headers: from(freshIp()), ...raw });
    expect(answer.status).toBe(403);
  });

  test("[S1] [S3] with the scope alone: let in, as a bearer in any case of the word or as X-API-Key", async () => {
    const scopes = spec.access === "read" ? { canWrite: false } : { canRead: false };
    const token = await makeToken(account.userId, scopes);
    expectLetIn(await send(spec, { Authorization: `Bearer ${token}` }));
    expectLetIn(await send(spec, { Authorization: `bEARER ${token}` }));
    expectLetIn(await send(spec, { "X-API-Key": token }));
  });

  test("[S1] Authorization decides alone if it is there", async () => {
    const keyed = { "X-API-Key": account.token };
    for (const header of [`Token ${agentToken}`, "Bearer plt_bad", "Bearer"]) {
      expect((await send(spec, { ...keyed, Authorization: header })).status).toBe(401);
    }
    expectLetIn(
      await send(spec, { "X-API-Key": "plt_bad", Authorization: `Bearer ${await makeToken(account.userId)}` }),
    );
  });

  if (parametersOf(spec).length > 0)
    test("[H4] [S26] an id that no row has, or none could have: 404", async () => {
      const token = await makeToken(account.userId);
      for (const id of [UNKNOWN, "abc", "0", "-1", "1.5", "9007199254740993", "1e3", "%00"]) {
        const ids = Object.fromEntries(parametersOf(spec).map((name) => [name, id]));
        const { status, body } = await call(spec.method, pathOf(spec, ids), { token, headers: from(freshIp()) });
        expect({ status, code: body.code, id }).toEqual({ status: 404, code: "not_found", id });
        expect(body.detail).toMatch(/^No \w+ matches the given query\.$/);
      }
    });
});

describe.each(agentRoutes)("$title", ({ spec }) => {
  test("[S20] without an agent's token: 401", async () => {
    expect(shownRefusal(await send(spec, {}))).toEqual(refused("missing", "Token"));
    const forged = `${agentToken.slice(0, -4)}${agentToken.endsWith("0000") ? "1111" : "0000"}`;
    for (const [header, reason] of [
      [`Bearer ${account.token}`, "missing"],
      [`Bearer ${agentToken}`, "missing"],
      [`Token ${account.token}`, "invalid"],
      [`Token ${forged}`, "invalid"],
      [`Token ${agentToken}x`, "invalid"],
      ["Token", "invalid"],
      ["", "missing"],
    ] as const) {
      expect(shownRefusal(await send(spec, { Authorization: header })), header).toEqual(refused(reason, "Token"));
    }
    expect((await send(spec, { "X-API-Key": account.token })).status).toBe(401);
    expect((await send(spec, { "X-API-Key": agentToken })).status).toBe(401);
  });

  test("[S20] with it: let in, in any case of the word", async () => {
    const { auth_token } = await makePrinterOf(account);
    expectLetIn(await send(spec, { Authorization: `Token ${auth_token}` }));
    expectLetIn(await send(spec, { Authorization: `tOKEN ${auth_token}` }));
  });

  test("[S21] that of an archived or a deleted printer: 401", async () => {
    for (const [method, path] of [
      ["POST", "archive/"],
      ["DELETE", ""],
    ] as const) {
      const { id, auth_token } = await makePrinterOf(account);
      await call(method, `/api/v1/printers/${id}/${path}`, { token: account.token });
      const answer = await send(spec, { Authorization: `Token ${auth_token}` });
      expect(shownRefusal(answer)).toEqual(refused("invalid", "Token"));
    }
  });
});

test.each(openRoutes)("[S4] $title is open to everybody", async ({ spec }) => {
  expectLetIn(await send(spec, {}));
});

const paths = [...new Set(ROUTES.map(({ path }) => path))].map((path) => ({
  path,
  specs: ROUTES.filter((spec) => spec.path === path),
}));

test.each(paths)("[H5] $path: another method is 405 with Allow, before anybody asks who calls", async ({ specs }) => {
  const [spec] = specs;
  if (spec === undefined) return;
  const known = specs.flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method])).sort();
  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"].filter((name) => !known.includes(name))) {
    const { status, headers, body } = await send(spec, {}, method);
    const allow = headers.get("Allow")?.split(", ").sort();
    expect({ status, allow, code: body.code, method }).toEqual({
      status: 405,
      allow: known,
      code: "method_not_allowed",
      method,
    });
    expect(body.detail).toBe(`Method "${method}" not allowed.`);
  }
});
