/** What strangers cost D1, and whom their flood shuts out: nobody who passed lately. */
import { eq } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { drawApiToken } from "../../../src/credentials/api-token.ts";
import { apiTokens } from "../../../src/db/schema/accounts.ts";
import { Strangers } from "../../../src/http/kit/strangers.ts";
import configuration from "../../../wrangler.toml?raw";
import { type Answer, agentCall, call, makeAccount, makePrinterOf, makeToken } from "../../support/api.ts";
import { breakDatabase, meterDatabase } from "../../support/database.ts";
import { freshIp } from "../../support/linking.ts";
import { db } from "../../support/printer.ts";
import { callWith } from "../../support/worker.ts";

const ME = "/api/v1/users/me/";
const MINUTE = 60_000;

let meter: ReturnType<typeof meterDatabase>;
let lookedUp = 0;

beforeEach(() => {
  meter = meterDatabase();
  lookedUp = 0;
});

afterEach(() => {
  meter.undo();
  vi.useRealTimers();
});

const from = (ip: string, bearer: string) => ({
  headers: { Authorization: `Bearer ${bearer}`, "CF-Connecting-IP": ip },
});

function me(ip: string, token: string): Promise<Answer> {
  return call("GET", ME, from(ip, token));
}

/** Look-ups of tokens since the last call: what a printer's object writes by its alarm meanwhile is none. */
function lookUps(): number {
  const all = meter.statements.filter((statement) => /^select .* from "api_tokens"/.test(statement)).length;
  const counted = all - lookedUp;
  lookedUp = all;
  return counted;
}

const countOf = (answers: readonly Answer[], status: number) => answers.filter((answer) => answer.status === status);

describe("made-up tokens", () => {
  test.each(["one after the other", "at once"])("[S63] 200 of one address, %s, cost 30 round trips", async (how) => {
    const ip = freshIp();
    const answers: Answer[] = [];
    if (how === "at once")
      answers.push(...(await Promise.all(Array.from({ length: 200 }, () => me(ip, drawApiToken())))));
    else for (let guess = 0; guess < 200; guess += 1) answers.push(await me(ip, drawApiToken()));
    expect(meter.take()).toEqual({ roundTrips: 30, rowsWritten: 0 });
    expect(countOf(answers, 401)).toHaveLength(30);
    const over = countOf(answers, 429);
    expect(over).toHaveLength(170);
    for (const { headers, body } of over) {
      expect(body.code).toBe("throttled");
      expect(Number(headers.get("Retry-After"))).toBeGreaterThan(0);
      expect(Number(headers.get("Retry-After"))).toBeLessThanOrEqual(60);
    }
  });

  test("[S63] of which D1 says nothing count for nothing: an outage shuts out nobody", async () => {
    const ip = freshIp();
    const { token } = await makeAccount();
    const heal = breakDatabase("refusing");
    for (let guess = 0; guess < 40; guess += 1) expect((await me(ip, drawApiToken())).status).toBe(503);
    heal();
    expect((await me(ip, token)).status).toBe(200);
  });

  test("[S63] the addresses of a /64 are one; another address is none of it", async () => {
    const subnet = `2001:db8:63:${Math.floor(Date.now() % 60_000).toString(16)}`;
    for (let host = 1; host <= 30; host += 1) await me(`${subnet}::${host}`, drawApiToken());
    expect((await me(`${subnet}::ffff`, drawApiToken())).status).toBe(429);
    expect((await me(freshIp(), drawApiToken())).status).toBe(401);
  });

  test("[S63] shut out no token that passed within an hour: its printer can be stopped from the same address", async () => {
    const account = await makeAccount();
    const printer = await makePrinterOf(account);
    const ip = freshIp();
    expect((await me(ip, account.token)).status).toBe(200);
    for (let guess = 0; guess < 31; guess += 1) await me(ip, drawApiToken());
    expect((await me(ip, drawApiToken())).status).toBe(429);
    const path = `/api/v1/printers/${printer.id}/`;
    expect((await call("GET", path, from(ip, account.token))).status).toBe(200);
    expect((await call("POST", `${path}cancel_print/`, from(ip, account.token))).status).toBe(200);
    expect((await call("GET", ME, { headers: { "X-API-Key": account.token, "CF-Connecting-IP": ip } })).status).toBe(
      200,
    );
    const unseen = await makeToken(account.userId);
    expect((await me(ip, unseen)).status).toBe(429);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + MINUTE });
    expect((await me(ip, unseen)).status).toBe(200);
  });

  test("[S63] good tokens count for nothing, however many one address has", async () => {
    const { userId } = await makeAccount();
    const ip = freshIp();
    for (let integration = 0; integration < 40; integration += 1) {
      expect((await me(ip, await makeToken(userId))).status).toBe(200);
    }
  });

  test("[S63] where the platform counted as many at the location, the address waits", async () => {
    const ip = freshIp();
    const UNKNOWN_TOKENS: RateLimit = { limit: async ({ key }) => ({ success: key !== ip }) };
    const ask = (token: string) => callWith({ UNKNOWN_TOKENS }, "GET", ME, from(ip, token));
    expect((await ask(drawApiToken())).status).toBe(401);
    expect((await ask(drawApiToken())).status).toBe(429);
    expect(lookUps()).toBe(1);
    expect(configuration).toMatch(
      /name = "UNKNOWN_TOKENS"\nnamespace_id = "\d+"\nsimple = \{ limit = 300, period = 60 \}/,
    );
  });
});

describe("a stale token", () => {
  test("[S63] counts once a minute and is refused from memory, so it shuts nobody out", async () => {
    const { userId } = await makeAccount();
    const ip = freshIp();
    const stale = await makeToken(userId, { revokedAt: 1 });
    lookUps();
    for (let poll = 0; poll < 100; poll += 1) expect((await me(ip, stale)).status).toBe(401);
    expect(lookUps()).toBe(1);
    expect((await me(ip, await makeToken(userId))).status).toBe(200);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + MINUTE });
    lookUps();
    expect((await me(ip, stale)).status).toBe(401);
    expect(lookUps()).toBe(1);
  });

  test("[S63] that passed a moment ago is judged by D1: a revoked one is let in nowhere", async () => {
    const { userId } = await makeAccount();
    const ip = freshIp();
    const token = await makeToken(userId);
    expect((await me(ip, token)).status).toBe(200);
    await db.update(apiTokens).set({ revokedAt: 1 }).where(eq(apiTokens.userId, userId));
    for (const address of [ip, ip, freshIp()]) expect((await me(address, token)).status).toBe(401);
  });
});

describe("what D1 is never asked about", () => {
  test.each([
    { what: "a bearer of no token's form", headers: { Authorization: "Bearer plt_short" } },
    { what: "one too long", headers: { Authorization: `Bearer ${drawApiToken()}A` } },
    { what: "one of other characters", headers: { Authorization: `Bearer ${drawApiToken().slice(0, -1)}=` } },
    { what: "a key of no token's form", headers: { "X-API-Key": "0123456789abcdef" } },
    {
      what: "a JWT that nobody signed",
      headers: { Authorization: "Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6ImEifQ.e30.AAAA" },
    },
    { what: "no credential", headers: {} },
  ])("[S64] $what", async ({ headers }) => {
    expect((await call("GET", ME, { headers })).status).toBe(401);
    expect(lookUps()).toBe(0);
  });

  test("[S64] an agent's token, a socket's, and a file's URL whose MAC is wrong", async () => {
    const { auth_token } = await makePrinterOf(await makeAccount());
    const forged = `${auth_token.slice(0, -4)}${auth_token.endsWith("0000") ? "1111" : "0000"}`;
    const before = meter.statements.length;
    expect((await agentCall("GET", "/api/v1/octo/printer/", forged)).status).toBe(401);
    const dial = { headers: { Upgrade: "websocket", Authorization: `bearer ${forged}` } };
    expect((await call("GET", "/ws/dev/", dial)).status).toBe(401);
    expect((await call("GET", `/files/1/a.gcode?token=${forged}`)).status).toBe(404);
    // Printers of other tests write their rows meanwhile.
    expect(meter.statements.slice(before).filter((statement) => /^(?:select|with) /i.test(statement))).toEqual([]);
  });
});

describe("what is remembered", () => {
  const NOW = 1_900_000_000_000;
  const ask = { kind: "ask" };

  test("[S63] a token is known for an hour after it passed, and no longer once it was refused", () => {
    const strangers = new Strangers();
    for (let n = 0; n < 30; n += 1) strangers.judge("a", `guess ${n}`, NOW + 59 * MINUTE);
    expect(strangers.judge("a", "good", NOW + 59 * MINUTE)).toEqual({ kind: "over", againAt: NOW + 60 * MINUTE });
    strangers.passed("b", "good", NOW);
    expect(strangers.judge("a", "good", NOW + 60 * MINUTE - 1)).toEqual(ask);
    for (let n = 0; n < 30; n += 1) strangers.judge("c", `guess ${n}`, NOW + 60 * MINUTE);
    expect(strangers.judge("c", "good", NOW + 60 * MINUTE)).toMatchObject({ kind: "over" });
    strangers.passed("b", "good", NOW + 60 * MINUTE);
    strangers.refused("b", "good", NOW + 60 * MINUTE, false);
    expect(strangers.judge("c", "good", NOW + 60 * MINUTE)).toMatchObject({ kind: "over" });
  });

  test("[S63] a flood from many addresses makes it forget the oldest, and grows nothing", () => {
    const strangers = new Strangers();
    for (let n = 0; n < 30; n += 1) strangers.judge("first", `guess ${n}`, NOW);
    expect(strangers.judge("first", "one more", NOW)).toMatchObject({ kind: "over" });
    for (let n = 0; n < 2_000; n += 1) strangers.judge(`address ${n}`, "x", NOW);
    expect(strangers.judge("first", "one more", NOW)).toEqual(ask);
  });
});
