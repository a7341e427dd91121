/** What still works while D1 is down: for callers that passed before, a printer can be seen and stopped. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { printers } from "../../src/db/schema/printers.ts";
import type { Principal } from "../../src/printer/rpc.ts";
import { type Account, call, connectAgentOf, makeAccount, makePrinterOf, makeToken } from "../support/api.ts";
import { breakDatabase } from "../support/database.ts";
import { frame, MOONRAKER } from "../support/frames.ts";
import { db, projected, type ScriptedAgent } from "../support/printer.ts";
import { random } from "../support/random.ts";

const T = 1_790_000_100;
const DAY = 24 * 60 * 60 * 1000;

let heal: () => void = () => {};
let logged = vi.spyOn(console, "error");

beforeEach(() => {
  logged = vi.spyOn(console, "error").mockImplementation(() => {});
});

afterEach(() => {
  heal();
  logged.mockRestore();
  vi.useRealTimers();
});

interface Bench extends Account {
  readonly id: number;
  readonly agent: ScriptedAgent;
}

/** A printer that prints, of an account whose token passed to it. */
async function printing(): Promise<Bench> {
  const account = await makeAccount();
  const printer = await makePrinterOf(account);
  const agent = await connectAgentOf(printer);
  agent.send({ ...frame({ ts: T }), ...MOONRAKER });
  await agent.settled();
  await pass(account.token, printer.id);
  await projected(printer.id);
  return { ...account, id: printer.id, agent };
}

async function pass(token: string, id: number): Promise<void> {
  await call("GET", `/api/v1/printers/${id}/`, { token });
}

function act(token: string, id: number, verb: string) {
  return call("POST", `/api/v1/printers/${id}/${verb}/`, { token });
}

/** Answers the next command as Moonraker's agent does. */
async function receive(agent: ScriptedAgent): Promise<string> {
  const { commands, passthru } = (await agent.next("commands")) as {
    commands: [{ cmd: string }];
    passthru: { ref: string };
  };
  agent.send({ passthru: { ref: passthru.ref, error: "Request not supported" } });
  return commands[0].cmd;
}

const UNAVAILABLE = { status: 503, body: { code: "unavailable" } };

describe("a caller that passed before", () => {
  test("[O29] [S24] still reads its printer, pauses and cancels it, and sees no agent's token", async () => {
    const { token, id, agent } = await printing();
    heal = breakDatabase("refusing");
    expect(await call("GET", `/api/v1/printers/${id}/`, { token })).toMatchObject({
      status: 200,
      body: {
        id,
        current_print: { filename: "hook.gcode" },
        presence: { state: "online" },
        auth_token: null,
      },
    });
    for (const [verb, kind] of [
      ["pause_print", "pause"],
      ["cancel_print", "cancel"],
    ] as const) {
      const answer = act(token, id, verb);
      expect(await receive(agent)).toBe(kind);
      const body = { succeeded: true, command: { kind }, printer: { auth_token: null } };
      expect(await answer).toMatchObject({ status: 200, body });
    }
    heal();
    const { body } = await call("GET", `/api/v1/printers/${id}/commands/`, { token });
    expect(body[0]).toMatchObject({ kind: "cancel", token_name: "test" });
  });

  test("[O29] after 5 s when D1 gives no answer at all, and after the object was evicted", async () => {
    const { token, id, agent } = await printing();
    await evictDurableObject(env.PRINTERS.getByName(String(id)));
    heal = breakDatabase("silent");
    const answer = act(token, id, "pause_print");
    expect(await receive(agent)).toBe("pause");
    expect(await answer).toMatchObject({ status: 200, body: { succeeded: true } });
  }, 20_000);

  test("[S24] nor does one whose call asks for the token by name", async () => {
    const { token, id } = await printing();
    heal = breakDatabase("refusing");
    expect((await call("GET", `/api/v1/printers/${id}/?fields=auth_token`, { token })).body).toEqual({
      id,
      auth_token: null,
    });
  });

  test("[O30] gets 503 with Retry-After for everything else", async () => {
    const { token, id } = await printing();
    heal = breakDatabase("refusing");
    const calls = [
      call("GET", "/api/v1/printers/", { token }),
      call("PATCH", `/api/v1/printers/${id}/`, { token, body: { name: "x" } }),
      call("DELETE", `/api/v1/printers/${id}/`, { token }),
      ...["resume_print", "mute_current_print", "acknowledge_alert", "archive"].map((verb) => act(token, id, verb)),
      call("GET", `/api/v1/printers/${id}/commands/`, { token }),
      call("GET", "/api/v1/users/me/", { token }),
    ];
    for (const answer of await Promise.all(calls)) {
      expect(answer).toMatchObject(UNAVAILABLE);
      expect(Number(answer.headers.get("Retry-After"))).toBeGreaterThan(0);
    }
  });

  test.each([
    { canRead: true, canWrite: false, read: 200, pause: 403 },
    { canRead: false, canWrite: true, read: 403, pause: 200 },
  ])("[O31] keeps to its scopes (read $canRead, write $canWrite)", async ({ read, pause, ...scopes }) => {
    const { userId, id, agent } = await printing();
    const token = await makeToken(userId, scopes);
    await pass(token, id);
    if (scopes.canWrite) {
      const passed = act(token, id, "pause_print");
      await receive(agent);
      await passed;
    }
    heal = breakDatabase("refusing");
    expect((await call("GET", `/api/v1/printers/${id}/`, { token })).status).toBe(read);
    expect((await act(token, id, "pause_print")).status).toBe(pause);
  });

  test("[O31] is judged as ever when its printer was archived, taken out again, or deleted", async () => {
    const { token, id } = await printing();
    const path = `/api/v1/printers/${id}/`;
    await act(token, id, "archive");
    heal = breakDatabase("refusing");
    expect((await call("GET", path, { token })).status).toBe(404);
    expect((await call("GET", `${path}?with_archived=true`, { token })).status).toBe(200);
    expect((await act(token, id, "pause_print")).status).toBe(404);
    heal();
    await act(token, id, "unarchive");
    await call("DELETE", path, { token });
    heal = breakDatabase("refusing");
    expect((await call("GET", path, { token })).status).toBe(404);
  });
});

describe("nobody else", () => {
  /** The three calls that go on for others. */
  async function expectUnavailable(token: string, id: number): Promise<void> {
    const answers = await Promise.all([
      call("GET", `/api/v1/printers/${id}/`, { token }),
      act(token, id, "pause_print"),
      act(token, id, "cancel_print"),
    ]);
    for (const answer of answers) {
      expect(answer).toMatchObject(UNAVAILABLE);
      expect(answer.headers.get("Retry-After")).not.toBeNull();
    }
  }

  test("[O32] a token that never passed to this printer, a stranger's, and one that never was: 503", async () => {
    const bench = await printing();
    const other = await makePrinterOf(bench);
    const unused = await makeToken(bench.userId);
    const stranger = await printing();
    heal = breakDatabase("refusing");
    for (const token of [unused, stranger.token, `plt_${"a".repeat(43)}`]) await expectUnavailable(token, bench.id);
    await expectUnavailable(bench.token, other.id);
    await bench.agent.settled();
    expect(bench.agent.pending("commands")).toBe(0);
  });

  test("[O32] of a printer that does not exist or was never asked: 503, and nothing is left behind", async () => {
    const { token } = await makeAccount();
    const id = 4_000_000_000_000 + Math.floor(random() * 1e9);
    heal = breakDatabase("refusing");
    await expectUnavailable(token, id);
    const tables = await runInDurableObject(env.PRINTERS.getByName(String(id)), (_instance, state) =>
      state.storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'").toArray(),
    );
    expect(tables).toEqual([]);
  });

  describe("while D1 is slow", () => {
    /** Answers once the object was asked in D1's place, and D1 after that. */
    async function slowly(token: string, id: number) {
      const undo = breakDatabase("slow");
      heal = undo;
      const answer = call("GET", `/api/v1/printers/${id}/`, { token });
      await expect.poll(() => logged.mock.calls.length, { timeout: 30_000 }).toBe(1);
      undo();
      return answer;
    }

    test("[O80] a token that is new to the printer is answered by D1 after all, with everything that it may see", async () => {
      const { userId, id } = await printing();
      expect(await slowly(await makeToken(userId), id)).toMatchObject({
        status: 200,
        body: { id, auth_token: expect.any(String) },
      });
    }, 40_000);

    test("[O80] and one that does not count is 401, not 503", async () => {
      const { userId, id } = await printing();
      expect((await slowly(await makeToken(userId, { revokedAt: 1 }), id)).status).toBe(401);
    }, 40_000);
  });

  test("[O32] without a token or with a bad path it is refused as ever", async () => {
    const { id, token } = await printing();
    heal = breakDatabase("refusing");
    expect((await call("GET", `/api/v1/printers/${id}/`)).status).toBe(401);
    expect(await call("GET", "/api/v1/printers/abc/", { token })).toMatchObject(UNAVAILABLE);
  });

  test("[O33] a token that was revoked, though it passed before, on every printer that knew it", async () => {
    const bench = await printing();
    const second = await makePrinterOf(bench);
    const token = await makeToken(bench.userId, { name: "lost" });
    for (const id of [bench.id, second.id]) await pass(token, id);
    const { body: tokens } = await call("GET", "/api/v1/api_tokens/", { token: bench.token });
    const lost = tokens.find(({ name }: { name: string }) => name === "lost");
    expect((await call("DELETE", `/api/v1/api_tokens/${lost.id}/`, { token: bench.token })).status).toBe(204);
    heal = breakDatabase("refusing");
    for (const id of [bench.id, second.id]) await expectUnavailable(token, id);
    expect((await call("GET", `/api/v1/printers/${bench.id}/`, { token: bench.token })).status).toBe(200);
  });

  test("[O33] a token that expired, and one that was written down 24 h ago", async () => {
    const bench = await printing();
    const short = await makeToken(bench.userId, { expiresAt: Date.now() + DAY / 2 });
    await pass(short, bench.id);
    heal = breakDatabase("refusing");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + DAY / 2 });
    await expectUnavailable(short, bench.id);
    expect((await call("GET", `/api/v1/printers/${bench.id}/`, { token: bench.token })).status).toBe(200);
    vi.setSystemTime(Date.now() + DAY / 2);
    await expectUnavailable(bench.token, bench.id);
  });

  test("[O33] a token of whoever owned this id before D1 was restored", async () => {
    const bench = await printing();
    const uid = crypto.randomUUID().slice(0, 13);
    await db.update(printers).set({ uid }).where(eq(printers.id, bench.id));
    await env.PRINTERS.getByName(String(bench.id)).view(uid);
    heal = breakDatabase("refusing");
    await expectUnavailable(bench.token, bench.id);
  });
});

describe("what a printer's object remembers", () => {
  function aPrincipal(userId: number, patch: Partial<Principal> = {}): Principal {
    const hash = crypto.randomUUID();
    return { hash, userId, tokenName: null, canRead: true, canWrite: true, expiresAt: null, ...patch };
  }

  async function remembering() {
    const { userId, id } = await printing();
    const [row] = await db.select().from(printers).where(eq(printers.id, id));
    const stub = env.PRINTERS.getByName(String(id));
    const passes = async (principal: Principal) => {
      await stub.view(row?.uid ?? "", principal);
    };
    const knows = async ({ hash }: Principal) => (await stub.vouch(hash)).ok;
    const held = (): Promise<{ hash: string; noted_at: number }[]> =>
      runInDurableObject(stub, (_instance, state) =>
        state.storage.sql.exec<{ hash: string; noted_at: number }>("SELECT hash, noted_at FROM principal").toArray(),
      );
    return { userId, stub, passes, knows, held };
  }

  test("[O34] is written once a day for each, and is eight at most", async () => {
    const { userId, passes, knows, held } = await remembering();
    const start = Date.now();
    const seven = Array.from({ length: 7 }, () => aPrincipal(userId));
    for (const principal of seven) await passes(principal);
    const full = await held();
    expect(full).toHaveLength(8);
    vi.useFakeTimers({ toFake: ["Date"], now: start + DAY / 2 });
    const ninth = aPrincipal(userId);
    for (const principal of [...seven, ninth]) await passes(principal);
    expect(await held()).toEqual(full);
    expect(await knows(ninth)).toBe(false);
    vi.setSystemTime(start + 2 * DAY);
    for (const principal of [...seven.slice(1), ninth]) await passes(principal);
    expect(await held()).toHaveLength(8);
    expect(await knows(ninth)).toBe(true);
    for (const principal of seven.slice(1)) expect(await knows(principal)).toBe(true);
  });

  test("[O35] a call that is under way while its token is revoked does not bring it back", async () => {
    const { userId, stub, passes, knows } = await remembering();
    for (const wasKnown of [true, false]) {
      const principal = aPrincipal(userId);
      if (wasKnown) await passes(principal);
      await stub.forget(principal.hash);
      await passes(principal);
      expect(await knows(principal)).toBe(false);
    }
  });

  test("[O35] somebody of another account is not remembered", async () => {
    const { userId, passes, knows } = await remembering();
    const foreign = aPrincipal(userId + 1_000_000);
    await passes(foreign);
    expect(await knows(foreign)).toBe(false);
  });

  test("[O34] who was let pass by memory alone does not stay longer for it", async () => {
    const { token, id } = await printing();
    const start = Date.now();
    heal = breakDatabase("refusing");
    vi.useFakeTimers({ toFake: ["Date"], now: start + DAY - 60_000 });
    expect((await call("GET", `/api/v1/printers/${id}/`, { token })).status).toBe(200);
    vi.setSystemTime(start + DAY + 60_000);
    expect((await call("GET", `/api/v1/printers/${id}/`, { token })).status).toBe(503);
  });
});
