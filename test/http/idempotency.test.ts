/** `Idempotency-Key` on every call that makes something: once, whatever is repeated, lost or sent twice at once. */
import { env } from "cloudflare:workers";
import { eq, sql } from "drizzle-orm";
import { afterEach, describe, expect, test } from "vitest";
import { digest } from "../../src/credentials/digest.ts";
import { apiTokens, idempotencyKeys } from "../../src/db/schema/accounts.ts";
import { gCodeFiles, gCodeFolders } from "../../src/db/schema/g-code.ts";
import { printers } from "../../src/db/schema/printers.ts";
import { isMaking } from "../../src/http/kit/route.ts";
import { type Account, type Answer, call, makeAccount, makeToken } from "../support/api.ts";
import { breakDatabase, meterDatabase } from "../support/database.ts";
import { db } from "../support/printer.ts";
import { ROUTES, titleOf } from "../support/routes.ts";
import { GCODE_TEXT, objectsOf } from "../support/upload.ts";
import { callWith } from "../support/worker.ts";

interface Body {
  readonly name: string;
  readonly content?: string;
}

interface Way {
  readonly path: string;
  readonly table: typeof printers | typeof gCodeFiles | typeof gCodeFolders | typeof apiTokens;
  /** Round trips of a call, with a key or without, and of one that repeats it, beside that of its caller. */
  readonly costs: readonly [number, number];
}

/** How each thing is made; a route that makes another is missed here until it has its line. */
const WAYS: Readonly<Record<string, Omit<Way, "path">>> = {
  // A repeated one asks the printer's object, which loads its row once.
  "POST /api/v1/printers": { table: printers, costs: [1, 3] },
  "POST /api/v1/g_code_files": { table: gCodeFiles, costs: [2, 3] },
  "POST /api/v1/g_code_folders": { table: gCodeFolders, costs: [1, 2] },
  "POST /api/v1/api_tokens": { table: apiTokens, costs: [1, 2] },
};

const MAKING = ROUTES.filter(isMaking);
const EACH = Object.entries(WAYS).map(([title, way]) => ({ ...way, title, path: `${title.slice(5)}/` }));

let counted = 0;
function fresh(): string {
  counted += 1;
  return `key ${counted}`;
}

function optionsOf(path: string, { token }: Pick<Account, "token">, key: string | null, { name, content }: Body) {
  const headers: Record<string, string> = key === null ? {} : { "Idempotency-Key": key };
  if (!path.includes("files")) return { token, headers, body: { name } };
  const form = new FormData();
  form.set("file", new File([content ?? GCODE_TEXT], "x.gcode"));
  form.set("filename", name);
  return { token, headers, raw: form };
}

const post = (path: string, account: Pick<Account, "token">, key: string | null, body: Body = { name: "One" }) =>
  call("POST", path, optionsOf(path, account, key, body));

/** What the account has of them, beside the token that calls. */
const countOf = async ({ table }: Pick<Way, "table">, { userId }: Account) =>
  (await db.$count(table, eq(table.userId, userId))) - (table === apiTokens ? 1 : 0);

/** All that is told but what moves by itself. */
const told = ({ status, headers, body: { url: _signed, ...body } }: Answer) => ({
  ...{ status, location: headers.get("Location"), body },
  isReplayed: headers.get("Idempotency-Replayed"),
});

let undo: () => void = () => {};
afterEach(() => undo());

test("[H95] every POST that makes something is known here", () => {
  expect(MAKING.map(titleOf).sort()).toEqual(Object.keys(WAYS).sort());
});

test("[H95] each of them lists the header in its description, and no other call that makes nothing", async () => {
  const { paths } = (await call("GET", "/openapi.json")).body;
  type Described = { readonly parameters: readonly { readonly name: string; readonly in: string }[] };
  const having = Object.entries<Record<string, Described>>(paths).flatMap(([path, operations]) =>
    Object.entries(operations)
      .filter(([, { parameters }]) => parameters.some((one) => one.in === "header" && one.name === "Idempotency-Key"))
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  );
  const commands = ["cancel_print", "pause_print", "resume_print", "print_file"];
  expect(having.sort()).toEqual(
    [
      ...EACH.map(({ path }) => `POST ${path}`),
      ...commands.map((name) => `POST /api/v1/printers/{printerId}/${name}/`),
    ].sort(),
  );
});

describe.each(EACH)("$title", (way) => {
  const { path } = way;

  test("[H95] the same key: the same answer again, and nothing made; another key makes another", async () => {
    const account = await makeAccount();
    const key = fresh();
    const first = told(await post(path, account, key));
    expect(first).toMatchObject({ status: 201, isReplayed: null });
    for (const _again of [1, 2]) {
      expect(told(await post(path, account, key))).toEqual({ ...first, isReplayed: "true" });
    }
    expect(await countOf(way, account)).toBe(1);
    const other = await post(path, account, fresh(), { name: "Another" });
    expect(other.body.id).not.toBe(first.body.id);
    expect(await countOf(way, account)).toBe(2);
  });

  test("[H95] without a key each call makes one", async () => {
    const account = await makeAccount();
    for (const name of ["One", "Two"]) expect(told(await post(path, account, null, { name })).isReplayed).toBeNull();
    expect(await countOf(way, account)).toBe(2);
    expect(await db.$count(idempotencyKeys, eq(idempotencyKeys.userId, account.userId))).toBe(0);
  });

  test("[H95] twelve at once make one thing, which all of them show", async () => {
    const account = await makeAccount();
    const key = fresh();
    const answers = await Promise.all(Array.from({ length: 12 }, () => post(path, account, key)));
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.id} ${body.token}`)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers.get("Idempotency-Replayed") === null)).toHaveLength(1);
    expect(await countOf(way, account)).toBe(1);
  });

  test("[H95] whose answer D1 lost is found by repeating the call", async () => {
    const account = await makeAccount();
    const key = fresh();
    // An upload is noted first; what counts is the loss of the answer that made it.
    const { batch } = env.DB;
    const forget = breakDatabase("forgetful");
    const lost = await post(path, account, key);
    forget();
    expect([lost.status, env.DB.batch === batch]).toEqual([503, true]);
    expect(await countOf(way, account)).toBe(1);
    const again = await post(path, account, key);
    expect(told(again)).toMatchObject({ status: 201, isReplayed: "true" });
    expect(await countOf(way, account)).toBe(1);
    if (way.table === gCodeFiles) expect(await (await fetchOf(again)).text()).toBe(GCODE_TEXT);
  });

  test("[H96] the same key for another body, or on another path, is 422 and makes nothing", async () => {
    const account = await makeAccount();
    const key = fresh();
    const { body: first } = await post(path, account, key);
    const other = await post(path, account, key, { name: "Other" });
    expect([other.status, other.body.code]).toEqual([422, "idempotency_mismatch"]);
    const elsewhere = EACH.filter((one) => one.path !== path);
    for (const one of elsewhere) {
      expect((await post(one.path, account, key)).status).toBe(422);
      expect(await countOf(one, account)).toBe(0);
    }
    expect((await post(path, account, key)).body.id).toBe(first.id);
  });

  test("[H96] a call that is refused uses no key up", async () => {
    const account = await makeAccount();
    const key = fresh();
    expect((await post(path, account, key, { name: "" })).status).toBe(400);
    const reader = { token: await makeToken(account.userId, { canWrite: false }) };
    expect((await post(path, reader, key)).status).toBe(403);
    await db.delete(apiTokens).where(eq(apiTokens.hash, await digest(reader.token)));
    expect(await db.$count(idempotencyKeys, eq(idempotencyKeys.userId, account.userId))).toBe(0);
    expect(told(await post(path, account, key))).toMatchObject({ status: 201, isReplayed: null });
  });

  test.each([
    ["none", ""],
    ["256 characters", "k".repeat(256)],
    ["a tab", "a\tb"],
    ["a letter beyond ASCII", "\u00fc"],
  ])("[H32] a key of %s is 400 and makes nothing", async (_what, key) => {
    const account = await makeAccount();
    const { status, body } = await post(path, account, key);
    expect([status, Object.keys(body.errors)]).toEqual([400, ["Idempotency-Key"]]);
    expect(await countOf(way, account)).toBe(0);
  });

  test("[H95] a key is its account's own", async () => {
    const key = fresh();
    const made = [];
    for (const account of [await makeAccount(), await makeAccount()]) made.push(await post(path, account, key));
    expect(made.map((answer) => told(answer).isReplayed)).toEqual([null, null]);
    expect(new Set(made.map(({ body }) => body.id)).size).toBe(2);
  });

  test("[H95] after 24 hours the same key makes another, once", async () => {
    const account = await makeAccount();
    const key = fresh();
    const { body: first } = await post(path, account, key);
    await age(account, 86_400_000);
    const second = await post(path, account, key, { name: "Later" });
    expect(told(second)).toMatchObject({ status: 201, isReplayed: null });
    expect(second.body.id).not.toBe(first.id);
    expect((await post(path, account, key, { name: "Later" })).body.id).toBe(second.body.id);
    expect(await countOf(way, account)).toBe(2);
  });

  test("[H95] what was deleted since is 404 and says so, and nothing is made", async () => {
    const account = await makeAccount();
    const key = fresh();
    const { body: first } = await post(path, account, key);
    await call("DELETE", `${path}${first.id}/`, account);
    const before = await countOf(way, account);
    const { status, body } = await post(path, account, key);
    expect([status, body.detail]).toEqual([404, "What this Idempotency-Key made is gone."]);
    expect(await countOf(way, account)).toBe(before);
  });

  test("[H97] a key costs no round trip more, a repeated call one, and one row with its entry in an index", async () => {
    const account = await makeAccount();
    const key = fresh();
    await post(path, account, null, { name: "The day's first use of the token" });
    const costs = [];
    for (const [used, name] of [[null, "Without"] as const, [key, "With"] as const, [key, "With"] as const]) {
      const meter = meterDatabase();
      undo = meter.undo;
      expect((await post(path, account, used, { name })).status).toBe(201);
      meter.undo();
      costs.push(meter.take());
    }
    const [without, first, again] = costs.map((cost) => ({ ...cost, roundTrips: cost.roundTrips - 1 }));
    expect([without?.roundTrips, first?.roundTrips, again?.roundTrips]).toEqual([way.costs[0], ...way.costs]);
    expect((first?.rowsWritten ?? 0) - (without?.rowsWritten ?? 0)).toBe(2);
  });

  test("[H97] kept are hashes, neither key nor body", async () => {
    const account = await makeAccount();
    const key = `secret-${fresh()}`;
    await post(path, account, key, { name: "a name of its own" });
    const [row] = await db.select().from(idempotencyKeys).where(eq(idempotencyKeys.userId, account.userId));
    expect(row?.keyHash).toBe(await digest(key));
    expect(JSON.stringify(row)).not.toMatch(/secret|name/);
  });
});

async function age({ userId }: Account, ms: number): Promise<void> {
  await db
    .update(idempotencyKeys)
    .set({ createdAt: sql`${idempotencyKeys.createdAt} - ${ms}` })
    .where(eq(idempotencyKeys.userId, userId));
}

async function fetchOf({ body }: Answer): Promise<Response> {
  const { exports } = await import("cloudflare:workers");
  return exports.default.fetch(body.url);
}

test("[H95] a printer is shown as it is now, archived ones too, whichever form its body has", async () => {
  const account = await makeAccount();
  const key = fresh();
  const path = "/api/v1/printers/";
  const { body: first } = await post(path, account, key);
  await call("PATCH", `${path}${first.id}/`, { ...account, body: { name: "Renamed" } });
  await call("POST", `${path}${first.id}/archive/`, account);
  const headers = { "Idempotency-Key": key };
  const again = await call("POST", path, { ...account, headers, raw: new URLSearchParams({ name: "One" }) });
  expect([again.status, again.body.id, again.body.name]).toEqual([201, first.id, "Renamed"]);
  expect(again.body.archived_at).not.toBeNull();
});

test("[H96] a full account's refusal uses no key up", async () => {
  const account = await makeAccount();
  const path = "/api/v1/printers/";
  const key = fresh();
  await post(path, account, null);
  const full = await callWith({ MAX_PRINTERS: "1" }, "POST", path, optionsOf(path, account, key, { name: "One" }));
  expect(full.status).toBe(429);
  expect(told(await post(path, account, key))).toMatchObject({ status: 201, isReplayed: null });
  // What was made is shown again, though no more would fit.
  const again = await callWith({ MAX_PRINTERS: "1" }, "POST", path, optionsOf(path, account, key, { name: "One" }));
  expect(told(again)).toMatchObject({ status: 201, isReplayed: "true" });
});

test("[H95] elsewhere the header is nobody's, whatever it says", async () => {
  const account = await makeAccount();
  const { body } = await post("/api/v1/printers/", account, null);
  const headers = { "Idempotency-Key": "\u00fc" };
  const path = `/api/v1/printers/${body.id}/`;
  expect((await call("PATCH", path, { ...account, headers, body: { name: "Renamed" } })).status).toBe(200);
  expect((await call("POST", `${path}archive/`, { ...account, headers })).status).toBe(204);
});

describe("an upload", () => {
  const path = "/api/v1/g_code_files/";
  const MIB = 2 ** 20;
  const long = (last: string) => `${"G1 X1 Y1\n".repeat((6 * MIB) / 9)}; ${last}\n`;

  test.each([
    ["short", GCODE_TEXT, `${GCODE_TEXT};\n`],
    ["of several parts", long("one"), long("two")],
  ])("[H96] %s: its bytes are compared, and a repeated one leaves no second object", async (_what, content, other) => {
    const account = await makeAccount();
    const key = fresh();
    const first = await post(path, account, key, { name: "a.gcode", content });
    const again = await post(path, account, key, { name: "a.gcode", content });
    expect([again.status, again.body.id, again.body.num_bytes]).toEqual([201, first.body.id, first.body.num_bytes]);
    expect((await post(path, account, key, { name: "a.gcode", content: other })).status).toBe(422);
    expect((await post(path, account, key, { name: "b.gcode", content })).status).toBe(422);
    expect(await objectsOf(account)).toHaveLength(1);
    expect((await (await fetchOf(again)).arrayBuffer()).byteLength).toBe(first.body.num_bytes);
  });

  test("[H95] two at once leave one object, and the other's is noted until it is erased", async () => {
    const account = await makeAccount();
    const key = fresh();
    const made = await Promise.all([1, 2].map(() => post(path, account, key)));
    expect(made.map(({ status }) => status)).toEqual([201, 201]);
    const [object, ...others] = await objectsOf(account);
    expect(others).toEqual([]);
    const [file] = await db.select().from(gCodeFiles).where(eq(gCodeFiles.userId, account.userId));
    expect(file?.objectKey).toBe(object?.key);
  });
});

describe("an API token", () => {
  const path = "/api/v1/api_tokens/";

  test("[H98] is shown again and works, and is stored nowhere", async () => {
    const account = await makeAccount();
    const key = fresh();
    const { body: first } = await post(path, account, key);
    const { body: again } = await post(path, account, key);
    expect(again.token).toBe(first.token);
    expect(first.token).toMatch(/^plt_[\w-]{43}$/);
    expect((await call("GET", "/api/v1/users/me/", { token: again.token })).body.id).toBe(account.userId);
    const rows = [await db.select().from(apiTokens), await db.select().from(idempotencyKeys)];
    expect(JSON.stringify(rows)).not.toContain(first.token.slice(4, 20));
  });

  test("[H98] is another one for whoever sends the same header, and for the same account a day later", async () => {
    const key = "1";
    const account = await makeAccount();
    const tokens = [
      (await post(path, account, key)).body.token,
      (await post(path, await makeAccount(), key)).body.token,
    ];
    await age(account, 86_400_000);
    tokens.push((await post(path, account, key)).body.token);
    expect(new Set(tokens).size).toBe(3);
  });

  test("[H98] outlives a new key of the operator's, but not the old one's end", async () => {
    const account = await makeAccount();
    const key = fresh();
    const { body: first } = await post(path, account, key);
    const newer = `n1:${btoa("x".repeat(33))}`;
    const again = (AGENT_KEYS: string) =>
      callWith({ AGENT_KEYS }, "POST", path, optionsOf(path, account, key, { name: "One" }));
    expect((await again(`${newer},${env.AGENT_KEYS}`)).body.token).toBe(first.token);
    expect((await again(newer)).status).toBe(404);
  });

  test("[H98] a narrower caller, or one that ends earlier, does not get what another's call made", async () => {
    const account = await makeAccount();
    const key = fresh();
    const { body: first } = await post(path, account, key);
    const others = [{ canRead: false }, { expiresAt: Date.now() + 86_400_000 }];
    for (const patch of others) {
      const { status, body } = await post(path, { token: await makeToken(account.userId, patch) }, key);
      expect([status, body.token]).toEqual([422, undefined]);
    }
    const equal = { token: await makeToken(account.userId) };
    expect((await post(path, equal, key)).body.token).toBe(first.token);
  });
});
