/** API tokens over REST: never wider, never longer, bounded, shown once, dead at once. */
import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { afterEach, describe, expect, test, vi } from "vitest";
import { digest } from "../../../src/credentials/digest.ts";
import { connect } from "../../../src/db/client.ts";
import { apiTokens } from "../../../src/db/schema/accounts.ts";
import { insertToken, listTokens, listUntold, markTold, revokeToken } from "../../../src/db/tokens.ts";
import { runRetention } from "../../../src/jobs/retention.ts";
import { type Account, type Answer, call, makeAccount, makePrinterOf, makeToken } from "../../support/api.ts";
import { breakDatabase } from "../../support/database.ts";
import { observed, scansOf } from "../../support/history.ts";
import { db } from "../../support/printer.ts";
import { callWith } from "../../support/worker.ts";

const TOKENS = "/api/v1/api_tokens/";
const DAY = 86_400_000;

function make({ token }: Pick<Account, "token">, body: object): Promise<Answer> {
  return call("POST", TOKENS, { token, body });
}

async function listed({ token }: Pick<Account, "token">): Promise<{ id: number; name: string; token?: string }[]> {
  return (await call("GET", TOKENS, { token })).body;
}

afterEach(() => void vi.restoreAllMocks());

const iso = (at: number) => new Date(at).toISOString();

describe("a token made over REST", () => {
  test("[S5] is shown once, works at once, and only its hash is stored", async () => {
    const owner = await makeAccount();
    const { status, body } = await make(owner, { name: "  CI \u{1F6E0} " });
    expect(status).toBe(201);
    expect(body).toEqual({
      ...{ id: expect.any(Number), name: "CI \u{1F6E0}", scopes: ["read", "write"], created_at: expect.any(String) },
      ...{ expires_at: null, last_used_on: null, token: expect.stringMatching(/^plt_[\w-]{43}$/) },
    });
    expect((await call("GET", "/api/v1/users/me/", { token: body.token })).body.id).toBe(owner.userId);
    const { token, ...rest } = body;
    const shown = (await listed(owner)).find(({ id }) => id === body.id);
    expect(shown).toEqual({ ...rest, last_used_on: iso(Date.now()).slice(0, 10) });
    const [row] = await db.select().from(apiTokens).where(eq(apiTokens.id, body.id));
    expect(JSON.stringify(row)).not.toContain(token);
    expect(row?.hash).toBe(await digest(token));
  });

  const BOTH = { canRead: true, canWrite: true };
  test.each([
    { maker: BOTH, scopes: undefined, gives: ["read", "write"] },
    { maker: BOTH, scopes: ["read"], gives: ["read"] },
    { maker: BOTH, scopes: ["write", "write"], gives: ["write"] },
    { maker: { canRead: false, canWrite: true }, scopes: undefined, gives: ["write"] },
    { maker: { canRead: false, canWrite: true }, scopes: ["read"], gives: null },
    { maker: { canRead: false, canWrite: true }, scopes: ["read", "write"], gives: null },
  ])("[S6] by $maker asking for $scopes: $gives", async ({ maker, scopes, gives }) => {
    const { userId } = await makeAccount();
    const token = await makeToken(userId, maker);
    const { status, body } = await make({ token }, { name: "x", ...(scopes === undefined ? {} : { scopes }) });
    if (gives === null) expect({ status, code: body.code }).toEqual({ status: 403, code: "insufficient_scope" });
    else expect(body.scopes).toEqual(gives);
    expect(await db.$count(apiTokens, eq(apiTokens.userId, userId))).toBe(gives === null ? 2 : 3);
  });

  test("[S6] a token that may only read makes none and revokes none", async () => {
    const owner = await makeAccount();
    const reader = { token: await makeToken(owner.userId, { canWrite: false }) };
    expect((await make(reader, { name: "x" })).status).toBe(403);
    const [first] = await listed(owner);
    expect((await call("DELETE", `${TOKENS}${first?.id}/`, reader)).status).toBe(403);
  });

  test("[S7] never lives longer than the one that made it, and takes its end by default", async () => {
    const { userId } = await makeAccount();
    const end = Date.now() + DAY;
    const maker = { token: await makeToken(userId, { expiresAt: end }) };
    expect((await make(maker, { name: "x" })).body.expires_at).toBe(iso(end));
    expect((await make(maker, { name: "x", expires_at: iso(end - 1) })).body.expires_at).toBe(iso(end - 1));
    for (const expires_at of [null, iso(end + 1)]) {
      const { status, body } = await make(maker, { name: "x", expires_at });
      expect({ status, fields: Object.keys(body.errors) }).toEqual({ status: 400, fields: ["expires_at"] });
    }
  });

  test("[S7] with an end counts until then, in any offset of RFC 3339", async () => {
    const owner = await makeAccount();
    const { body } = await make(owner, { name: "x", expires_at: "2099-01-01T01:30:00+01:00" });
    expect(body.expires_at).toBe("2099-01-01T00:30:00.000Z");
    vi.setSystemTime(Date.parse("2099-01-01T00:29:59.999Z"));
    try {
      expect((await call("GET", TOKENS, body)).status).toBe(200);
      vi.setSystemTime(Date.parse("2099-01-01T00:30:00.000Z"));
      expect((await call("GET", TOKENS, body)).status).toBe(401);
      expect((await listed(owner)).map(({ id }) => id)).not.toContain(body.id);
    } finally {
      vi.useRealTimers();
    }
  });

  test.each([
    { body: {}, field: "name" },
    { body: { name: " " }, field: "name" },
    { body: { name: "x".repeat(101) }, field: "name" },
    { body: { name: "x", scopes: [] }, field: "scopes" },
    { body: { name: "x", scopes: "read" }, field: "scopes" },
    { body: { name: "x", scopes: ["admin"] }, field: "scopes" },
    { body: { name: "x", expires_at: "tomorrow" }, field: "expires_at" },
    { body: { name: "x", expires_at: "2020-01-01T00:00:00Z" }, field: "expires_at" },
    { body: { name: "x", expires_at: 4_000_000_000 }, field: "expires_at" },
  ])("[S8] $body is 400 and makes nothing", async ({ body, field }) => {
    const owner = await makeAccount();
    const answer = await make(owner, body);
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body.errors)).toEqual([field]);
    expect(await listed(owner)).toHaveLength(1);
  });

  test("[S9] an account holds 100; calls at once never pass the bound, and a revoked one makes room", async () => {
    const owner = await makeAccount();
    for (let n = 0; n < 95; n += 1) await makeToken(owner.userId);
    await makeToken(owner.userId, { expiresAt: 1 });
    await makeToken(owner.userId, { revokedAt: 1 });
    const answers = await Promise.all(Array.from({ length: 10 }, () => make(owner, { name: "x" })));
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(4).fill(201), ...Array(6).fill(429)]);
    const full = answers.find(({ status }) => status === 429);
    expect(full?.headers.get("Retry-After")).not.toBeNull();
    const [, spare] = await listed(owner);
    await call("DELETE", `${TOKENS}${spare?.id}/`, owner);
    expect((await make(owner, { name: "x" })).status).toBe(201);
  });
});

describe("a revoked token", () => {
  test("[S10] is dead at once, also by its own hand; a second time it is revoked again", async () => {
    const owner = await makeAccount();
    const { body } = await make(owner, { name: "x" });
    const path = `${TOKENS}${body.id}/`;
    expect(await call("DELETE", path, { token: body.token })).toMatchObject({ status: 204, body: null });
    expect((await call("GET", TOKENS, { token: body.token })).status).toBe(401);
    expect((await listed(owner)).map(({ id }) => id)).not.toContain(body.id);
    const [first] = await db.select().from(apiTokens).where(eq(apiTokens.id, body.id));
    expect((await call("DELETE", path, { token: body.token })).status).toBe(401);
    for (let time = 0; time < 2; time += 1) {
      expect(await call("DELETE", path, owner)).toMatchObject({ status: 204, body: null });
    }
    const [again] = await db.select().from(apiTokens).where(eq(apiTokens.id, body.id));
    expect(again?.revokedAt).toBe(first?.revokedAt);
  });

  test("[S10] of another account is not there either, and lives on", async () => {
    const [owner, stranger] = [await makeAccount(), await makeAccount()];
    const [own] = await listed(owner);
    for (const id of [own?.id, 2 ** 40]) {
      expect(await call("DELETE", `${TOKENS}${id}/`, stranger)).toMatchObject({
        status: 404,
        body: { detail: "No ApiToken matches the given query." },
      });
    }
    expect((await listed(owner)).length).toBe(1);
    await call("DELETE", `${TOKENS}${own?.id}/`, owner);
    expect((await call("DELETE", `${TOKENS}${own?.id}/`, stranger)).status).toBe(404);
  });

  test("[S11] is forgotten by the printers that let it pass", async () => {
    const owner = await makeAccount();
    const { id } = await makePrinterOf(owner);
    const { body } = await make(owner, { name: "x" });
    const hash = await digest(body.token);
    await call("GET", `/api/v1/printers/${id}/`, { token: body.token });
    const object = env.PRINTERS.getByName(String(id));
    expect(await object.vouch(hash)).toMatchObject({ ok: true, value: { principal: { userId: owner.userId } } });
    await call("DELETE", `${TOKENS}${body.id}/`, owner);
    await expect.poll(() => object.vouch(hash)).toMatchObject({ ok: false, failure: { code: "unavailable" } });
  });

  /** A token that passed to two printers of its account, whose objects therefore know it. */
  async function known() {
    const owner = await makeAccount();
    const printers = [await makePrinterOf(owner), await makePrinterOf(owner)];
    const { body } = await make(owner, { name: "lost" });
    for (const { id } of printers) await call("GET", `/api/v1/printers/${id}/`, { token: body.token });
    const hash = await digest(body.token);
    const objects = printers.map(({ id }) => env.PRINTERS.getByName(String(id)));
    const knowing = () => Promise.all(objects.map(async (object) => (await object.vouch(hash)).ok));
    const told = async () => {
      const [row] = await db.select().from(apiTokens).where(eq(apiTokens.id, body.id));
      return row?.toldAt ?? null;
    };
    expect(await knowing()).toEqual([true, true]);
    return { owner, printers, path: `${TOKENS}${body.id}/`, token: body.token as string, knowing, told };
  }

  const idOf = (path: string) => Number(path.split("/").at(-2));

  /** Objects of which the printer with that id cannot be reached. */
  function without(lost: number) {
    const gone = () => Promise.reject(Object.assign(new Error("gone"), { retryable: true }));
    const getByName = (name: string) => (name === String(lost) ? { forget: gone } : env.PRINTERS.getByName(name));
    return { getByName } as unknown as Env["PRINTERS"]; // safe: nothing else is called
  }

  test("[S62] whose answer from D1 was lost is told when the call is repeated", async () => {
    const { owner, path, token, knowing, told } = await known();
    vi.spyOn(console, "error").mockImplementation(() => {});
    const heal = breakDatabase("forgetful");
    expect(await call("DELETE", path, owner)).toMatchObject({ status: 503, body: { code: "unavailable" } });
    heal();
    expect((await call("GET", TOKENS, { token })).status).toBe(401);
    expect([await knowing(), await told()]).toEqual([[true, true], null]);
    expect((await call("DELETE", path, owner)).status).toBe(204);
    expect(await knowing()).toEqual([false, false]);
    await expect.poll(told).not.toBeNull();
  });

  test("[S62] of which an object cannot be told is 503 that says so, dead all the same, and done by the next call", async () => {
    const { owner, printers, path, token, knowing, told } = await known();
    vi.spyOn(console, "error").mockImplementation(() => {});
    const PRINTERS = without(printers[1]?.id ?? 0);
    const refused = await callWith({ PRINTERS }, "DELETE", path, owner);
    expect(refused).toMatchObject({
      status: 503,
      body: {
        code: "unavailable",
        detail: "The token is revoked, but 1 of the account's printers could not be told. Try again.",
      },
    });
    expect(refused.headers.get("Retry-After")).not.toBeNull();
    expect((await call("GET", TOKENS, { token })).status).toBe(401);
    expect([await knowing(), await told()]).toEqual([[false, true], null]);
    expect((await call("DELETE", path, owner)).status).toBe(204);
    expect(await knowing()).toEqual([false, false]);
  });

  test("[O81] by its own hand, which cannot call again, is told by the clock's next run; what is told is not told again", async () => {
    const { printers, path, token, knowing, told } = await known();
    vi.spyOn(console, "error").mockImplementation(() => {});
    const PRINTERS = without(printers[0]?.id ?? 0);
    expect((await callWith({ PRINTERS }, "DELETE", path, { token })).status).toBe(503);
    const now = Date.now();
    const [untold] = (await listUntold(db, 0, 1_000)).filter(({ tokenId }) => tokenId === idOf(path));
    expect(untold?.printerIds).toEqual(printers.map(({ id }) => id));
    await runRetention({ ...env, PRINTERS }, now);
    expect([await knowing(), await told()]).toEqual([[true, false], null]);
    await runRetention(env, now);
    expect([await knowing(), await told()]).toEqual([[false, false], now]);
    expect(await listUntold(db, 0, 1_000)).not.toContainEqual(expect.objectContaining({ tokenId: idOf(path) }));
  });

  test("[O81] and in no outage does it hold up what else the clock runs", async () => {
    const { path, owner, knowing } = await known();
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    await db
      .update(apiTokens)
      .set({ revokedAt: Date.now() })
      .where(eq(apiTokens.id, idOf(path)));
    const heal = breakDatabase("refusing");
    await runRetention(env, Date.now());
    heal();
    const parts = logged.mock.calls.map(([line]) => JSON.parse(String(line)).part);
    expect(parts).toEqual(["revocations", "history", "keys", "linking", "files", "names"]);
    await runRetention(env, Date.now());
    expect(await knowing()).toEqual([false, false]);
    expect((await call("DELETE", path, owner)).status).toBe(204);
  });

  test("[O81] one of a day and an hour ago is known nowhere, so nobody is told", async () => {
    const { path, knowing } = await known();
    const now = Date.now();
    const revokedAt = now - DAY - 3_600_000;
    await db
      .update(apiTokens)
      .set({ revokedAt })
      .where(eq(apiTokens.id, idOf(path)));
    await runRetention(env, now);
    expect(await knowing()).toEqual([true, true]);
  });

  test("[S10] makes no other while it dies", async () => {
    const { userId } = await makeAccount();
    const { made: maker } = await insertToken(db, tokenOf(userId), { makerId: null, maxTokens: 9 }, null, Date.now());
    await revokeToken(db, userId, maker?.id ?? 0, Date.now());
    const wish = { makerId: maker?.id ?? 0, maxTokens: 9 };
    expect((await insertToken(db, tokenOf(userId), wish, null, Date.now())).made).toBeUndefined();
  });
});

function tokenOf(userId: number) {
  return { userId, name: "x", hash: crypto.randomUUID(), canRead: true, canWrite: true, expiresAt: null };
}

test("[H56] tokens cost one round trip each way, by key or index only", async () => {
  const { userId } = await makeAccount();
  const acts = [
    (d: D1Database) => listTokens(connect(d), userId, 0),
    (d: D1Database) => insertToken(connect(d), tokenOf(userId), { makerId: 1, maxTokens: 3 }, null, 0),
    (d: D1Database) => revokeToken(connect(d), userId, 0, 0),
    (d: D1Database) => markTold(connect(d), 0, 0),
    (d: D1Database) => listUntold(connect(d), 0, 8),
  ];
  for (const act of acts) {
    const { roundTrips, plan } = await observed<unknown>(act);
    expect({ roundTrips, scans: scansOf(plan) }).toEqual({ roundTrips: 1, scans: [] });
  }
});
