/** Linking by six-digit codes, as accounts and agents see it. */
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { connect } from "../../../src/db/client.ts";
import { findOrInsertCode } from "../../../src/db/linking.ts";
import { CODE_LIFE_MS } from "../../../src/domain/linking.ts";
import { agentCall, call, connectAgentOf, makeAccount, makePrinterOf, makeToken } from "../../support/api.ts";
import { frame } from "../../support/frames.ts";
import { freshDigits, freshIp } from "../../support/linking.ts";
import { askCode, readCode, verify, verifyOn } from "../../support/linking-api.ts";
import { meter } from "../../support/metered.ts";

const CODES = "/api/v1/onetimeverificationcodes/";
afterEach(() => void vi.restoreAllMocks());

const NO_CODE = "No OneTimeVerificationCode matches the given query.";

describe("an account's codes", () => {
  test("[S30] the live one is handed out again, with its shape", async () => {
    const { token } = await makeAccount();
    const first = await call("GET", CODES, { token });
    expect([first.status, first.body]).toEqual([
      200,
      {
        id: expect.any(Number),
        printer: null,
        code: expect.stringMatching(/^\d{6}$/),
        expired_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        verified_at: null,
      },
    ]);
    const lifeMs = Date.parse(first.body.expired_at) - Date.now();
    expect(lifeMs).toBeGreaterThan(CODE_LIFE_MS - 60_000);
    expect(lifeMs).toBeLessThanOrEqual(CODE_LIFE_MS);
    expect((await call("GET", CODES, { token })).body).toEqual(first.body);
    expect(await readCode(token, first.body.id)).toEqual(first.body);
  });

  test("[S30] of a printer shows the printer as its account sees it", async () => {
    const account = await makeAccount();
    const printer = await makePrinterOf(account);
    const { body } = await call("GET", `${CODES}?printer_id=${printer.id}`, account);
    const { body: shown } = await call("GET", `/api/v1/printers/${printer.id}/`, account);
    expect(body.printer).toEqual(shown);
    expect(await readCode(account.token, body.id)).toEqual(body);
  });

  test("[S31] making one needs `write`; looking at one shows a reader nothing that could link", async () => {
    const account = await makeAccount();
    const { id: printerId } = await makePrinterOf(account);
    const { id } = await askCode(account.token, printerId);
    const reader = await makeToken(account.userId, { canWrite: false });
    expect((await call("GET", CODES, { token: reader })).status).toBe(403);
    const read = await call("GET", `${CODES}${id}/`, { token: reader });
    expect([read.status, read.body]).toMatchObject([
      200,
      { id, code: null, printer: { id: printerId, auth_token: null } },
    ]);
    const writer = await makeToken(account.userId, { canRead: false });
    expect((await call("GET", `${CODES}${id}/`, { token: writer })).status).toBe(403);
    expect((await call("GET", CODES)).status).toBe(401);
  });

  test("[S31] are nobody else's, and neither are printers", async () => {
    const owner = await makeAccount();
    const stranger = await makeAccount();
    const printer = await makePrinterOf(owner);
    const { id } = await askCode(owner.token, printer.id);
    const foreign = await call("GET", `${CODES}${id}/`, stranger);
    expect([foreign.status, foreign.body.detail]).toEqual([404, NO_CODE]);
    await call("POST", `/api/v1/printers/${printer.id}/archive/`, owner);
    const gone = await makePrinterOf(owner);
    await call("DELETE", `/api/v1/printers/${gone.id}/`, owner);
    const asked = [
      await call("GET", `${CODES}?printer_id=${(await makePrinterOf(owner)).id}`, stranger),
      await call("GET", `${CODES}?printer_id=${printer.id}`, owner),
      await call("GET", `${CODES}?printer_id=${gone.id}`, owner),
      await call("GET", `${CODES}?printer_id=${2 ** 52}`, owner),
      await call("GET", `${CODES}?printer_id=abc`, owner),
      await call("GET", `${CODES}?printer_id=`, owner),
    ];
    for (const { status, body } of asked) {
      expect([status, body.detail]).toEqual([404, "No Printer matches the given query."]);
    }
  });

  test.each(["0", "abc", "1e3", "99999999999999999999", "%00"])("[H4] the id %s is 404", async (id) => {
    const { token } = await makeAccount();
    expect(await call("GET", `${CODES}${id}/`, { token })).toMatchObject({ status: 404, body: { detail: NO_CODE } });
  });

  test("[H56] one costs a round trip, one of a printer two", async () => {
    const { userId, token } = await makeAccount();
    const { id: printerId } = await makePrinterOf({ userId, token });
    const { database, take } = meter(env.DB);
    const ask = (printer: number | null) =>
      findOrInsertCode(connect(database), { userId, printerId: printer, digits: freshDigits() }, Date.now());
    await ask(null);
    expect(take().roundTrips).toBe(1);
    await ask(printerId);
    expect(take().roundTrips).toBe(2);
    await ask(null);
    expect(take()).toEqual({ roundTrips: 1, rowsWritten: 0 });
  });
});

describe("a code that is used", () => {
  test("[S32] makes a printer whose token works, and shows it to whoever waits for it", async () => {
    const { token } = await makeAccount();
    const { id, code } = await askCode(token);
    const { status, body } = await verify(code);
    expect([status, body]).toMatchObject([
      200,
      { id, code, printer: { name: "My Printer", auth_token: expect.stringMatching(/^[0-9a-z]{1,64}$/) } },
    ]);
    expect(body.expired_at).toBe(body.verified_at);
    expect(Object.keys(body)).toEqual(["id", "printer", "code", "expired_at", "verified_at"]);
    expect((await call("GET", `/api/v1/printers/${body.printer.id}/`, { token })).body).toMatchObject(body.printer);
    expect(await readCode(token, id)).toMatchObject(body);
    const agent = await agentCall("GET", "/api/v1/octo/printer/", body.printer.auth_token);
    expect(agent.body.printer).toMatchObject({ id: body.printer.id, name: "My Printer" });
    const socket = await connectAgentOf(body.printer);
    expect(await socket.next("remote_status")).toBeDefined();
    socket.close();
    expect(await verify(code)).toMatchObject({ status: 404, body: { detail: NO_CODE } });
    expect((await askCode(token)).id).not.toBe(id);
  });

  test.each([
    { name: "spaces", written: (code: string) => `%20${code.slice(0, 3)}+${code.slice(3)}%0A` },
    { name: "a body", written: (code: string) => code, raw: "{", headers: { "Content-Type": "text/plain" } },
    { name: "a token that does not count", written: (code: string) => code, headers: { Authorization: "Token x" } },
  ])("[S34] $name: no matter", async ({ written, raw, headers = {} }) => {
    const { token } = await makeAccount();
    const { code } = await askCode(token);
    const options = { headers: { ...headers, "CF-Connecting-IP": freshIp() }, ...(raw === undefined ? {} : { raw }) };
    expect((await call("POST", `/api/v1/octo/verify/?code=${written(code)}`, options)).status).toBe(200);
  });

  test.each([
    ["", "This field is required."],
    ["?code=", "This field may not be blank."],
    ["?code=%20%09", "This field may not be blank."],
    [`?code=${"1".repeat(65)}`, "Ensure this field has no more than 64 characters."],
    ["?code=%00", "Null characters are not allowed."],
  ])("[S34] verify%s is 400", async (query, sentence) => {
    const { status, body } = await call("POST", `/api/v1/octo/verify/${query}`);
    expect([status, body.errors]).toEqual([400, { code: [sentence] }]);
  });

  test("[S34] by GET as some agents link, and once; one who only looks at the link uses nothing up", async () => {
    const { token } = await makeAccount();
    const { code } = await askCode(token);
    const by = (method: string) =>
      call(method, `/api/v1/octo/verify/?code=${code}`, { headers: { "CF-Connecting-IP": freshIp() } });
    const head = await by("HEAD");
    expect([head.status, head.headers.get("Allow")]).toEqual([405, "GET, POST"]);
    const linked = await by("GET");
    expect([linked.status, linked.headers.get("Cache-Control")]).toEqual([200, "private, no-cache"]);
    expect((await agentCall("GET", "/api/v1/octo/printer/", linked.body.printer.auth_token)).status).toBe(200);
    expect([(await by("GET")).status, (await by("POST")).status]).toEqual([404, 404]);
  });

  test("[S34] [S38] guesses by GET and by POST are counted together", async () => {
    const headers = { "CF-Connecting-IP": freshIp() };
    const guess = async (index: number) =>
      (await call(index % 2 === 0 ? "GET" : "POST", `/api/v1/octo/verify/?code=x${index}`, { headers })).status;
    const statuses: number[] = [];
    for (let index = 0; index < 12; index++) statuses.push(await guess(index));
    expect(statuses).toEqual([...Array(10).fill(404), 429, 429]);
  });

  /** The most that ids and tokens may be. */
  const LONGEST = { id: String(Number.MAX_SAFE_INTEGER), token: "z".repeat(64) };

  test("[S85] is answered in 820 bytes for a new printer, whatever its ids", async () => {
    const { code } = await askCode((await makeAccount()).token);
    const { body } = await verify(code);
    expect(Object.keys(body.printer).sort()).toEqual([
      ...["action_on_failure", "archived_at", "auth_token", "bed_off_on_pause", "created_at", "current_print"],
      ...["detective_sensitivity", "id", "lift_z_on_pause", "min_timelapse_secs_on_cancel"],
      ...["min_timelapse_secs_on_finish", "name", "normalized_p", "not_watching_reason", "pic", "retract_on_pause"],
      ...["settings", "status", "tools_off_on_pause", "watching_enabled"],
    ]);
    const printer = { ...body.printer, id: Number(LONGEST.id), auth_token: LONGEST.token };
    expect(JSON.stringify({ ...body, id: Number(LONGEST.id), printer }).length).toBeLessThanOrEqual(820);
  });

  test("[S85] is answered as shortly for a printer that said much", async () => {
    const account = await makeAccount();
    const printer = await makePrinterOf(account);
    const agent = await connectAgentOf(printer);
    const said = frame({ ts: Math.floor(Date.now() / 1000) });
    const webcams = [{ name: "w".repeat(60_000) }];
    agent.send({ ...said, status: { ...(said.status as object), odd: "x".repeat(900_000) }, settings: { webcams } });
    await agent.settled();
    const { code } = await askCode(account.token, printer.id);
    const { status, body } = await verify(code);
    expect([status, body.printer]).toMatchObject([200, { id: printer.id, status: null, current_print: null }]);
    expect(body.printer.auth_token).not.toBe(printer.auth_token);
    expect(JSON.stringify(body).length).toBeLessThanOrEqual(820);
    const shown = await call("GET", `/api/v1/printers/${printer.id}/`, account);
    expect(shown.body).toMatchObject({ status: { odd: expect.any(String) }, settings: { webcams } });
  });

  test("[S32] by many at once makes one printer", async () => {
    const { token } = await makeAccount();
    const { code } = await askCode(token);
    const answers = await Promise.all(Array.from({ length: 8 }, () => verify(code)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(7).fill(404)]);
    expect((await call("GET", "/api/v1/printers/", { token })).body).toHaveLength(1);
  });

  test("[S35] in a full account is given back, and links once there is room", async () => {
    const { token } = await makeAccount();
    const { id, code } = await askCode(token);
    const { status, headers, body } = await verifyOn({ MAX_PRINTERS: "0" }, code);
    expect([status, body.detail]).toEqual([429, "An account may hold 0 printers."]);
    expect(headers.get("Retry-After")).toMatch(/^\d+$/);
    expect(await readCode(token, id)).toMatchObject({ code, printer: null, verified_at: null });
    expect((await verify(code)).status).toBe(200);
  });

  test("[S35] for a printer whose object does not answer is given back, and links later", async () => {
    const account = await makeAccount();
    const printer = await makePrinterOf(account);
    const { id, code } = await askCode(account.token, printer.id);
    const broken = () => Promise.reject(Object.assign(new Error("gone"), { retryable: true }));
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const PRINTERS = { getByName: () => ({ relink: broken }) } as unknown as Env["PRINTERS"]; // safe: nothing else is called
    expect((await verifyOn({ PRINTERS }, code)).status).toBe(503);
    expect(logged).toHaveBeenCalledOnce();
    expect(await readCode(account.token, id)).toMatchObject({ code, verified_at: null });
    expect((await verify(code)).body.printer.id).toBe(printer.id);
  });

  test.each([
    { lost: "of its use", nth: 1 },
    { lost: "of the making", nth: 2 },
  ])("[S60] whose answer $lost was lost links the same agent when it repeats, to one printer", async ({ nth }) => {
    const { token } = await makeAccount();
    const { id, code } = await askCode(token);
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const ip = freshIp();
    expect((await verifyOn({ DB: losing(env.DB, nth) }, code, ip)).status).toBe(503);
    expect(logged).toHaveBeenCalledOnce();
    const again = await verify(code, ip);
    expect([again.status, again.body]).toMatchObject([200, { id, printer: { auth_token: expect.any(String) } }]);
    expect((await call("GET", "/api/v1/printers/", { token })).body).toHaveLength(1);
    expect((await agentCall("GET", "/api/v1/octo/printer/", again.body.printer.auth_token)).status).toBe(200);
  });

  test("[S60] and whose whole answer was lost gives the same agent the same token; another address gets nothing", async () => {
    const account = await makeAccount();
    const { code } = await askCode(account.token);
    const ip = freshIp();
    const first = await verify(code, ip);
    expect(await verify(code, ip)).toMatchObject({ status: 200, body: first.body });
    expect((await verify(code)).status).toBe(404);
    const relinking = await askCode(account.token, first.body.printer.id);
    const second = await verify(relinking.code, ip);
    expect(second.body.printer.auth_token).not.toBe(first.body.printer.auth_token);
    const repeated = await Promise.all(Array.from({ length: 3 }, () => verify(relinking.code, ip)));
    for (const { body } of repeated) expect(body.printer.auth_token).toBe(second.body.printer.auth_token);
  });

  test("[S60] of a printer to link again makes one generation, though the use's answer was lost and both calls go on", async () => {
    const account = await makeAccount();
    const printer = await makePrinterOf(account);
    const { code } = await askCode(account.token, printer.id);
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const ip = freshIp();
    expect((await verifyOn({ DB: losing(env.DB, 1) }, code, ip)).status).toBe(503);
    expect(logged).toHaveBeenCalledOnce();
    const answers = await Promise.all(Array.from({ length: 4 }, () => verify(code, ip)));
    const tokens = new Set(answers.map(({ body }) => body.printer.auth_token));
    expect(tokens.size).toBe(1);
    expect(tokens).not.toContain(printer.auth_token);
  });

  test("[S60] is not given back by a repetition that fails after the first use linked", async () => {
    const account = await makeAccount();
    const printer = await makePrinterOf(account);
    const { id, code } = await askCode(account.token, printer.id);
    const ip = freshIp();
    expect((await verify(code, ip)).status).toBe(200);
    vi.spyOn(console, "error").mockImplementation(() => {});
    const broken = () => Promise.reject(Object.assign(new Error("gone"), { retryable: true }));
    const PRINTERS = { getByName: () => ({ relink: broken }) } as unknown as Env["PRINTERS"]; // safe: nothing else is called
    expect((await verifyOn({ PRINTERS }, code, ip)).status).toBe(503);
    expect((await readCode(account.token, id)).verified_at).not.toBeNull();
    expect((await verify(code)).status).toBe(404);
  });

  test("[S36] while D1 fails is no 500, and never makes two printers of one code", async () => {
    const { token } = await makeAccount();
    const { id, code } = await askCode(token);
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    expect((await verifyOn({ DB: losing(env.DB, 2) }, code)).status).toBe(503);
    expect(logged).toHaveBeenCalledOnce();
    expect(await readCode(token, id)).toMatchObject({ code, verified_at: null });
    expect((await verify(code)).status).toBe(200);
    expect((await call("GET", "/api/v1/printers/", { token })).body).toHaveLength(1);
  });
});

/** A D1 that carries the nth batch out and loses its answer. */
function losing(database: D1Database, nth: number): D1Database {
  let batches = 0;
  return new Proxy(database, {
    get(target, key) {
      const value = Reflect.get(target, key);
      if (key !== "batch") return typeof value === "function" ? value.bind(target) : value;
      return async (statements: D1PreparedStatement[]) => {
        batches += 1;
        const results = await target.batch(statements);
        if (batches === nth) throw new Error("D1_ERROR: Network connection lost.");
        return results;
      };
    },
  });
}

describe("guessing", () => {
  test("[S38] a guesser at a hundred codes a second is stopped, while somebody else links", async () => {
    const { token } = await makeAccount();
    const { code } = await askCode(token);
    const ip = freshIp();
    const guesses = Array.from({ length: 100 }, () => verify("none", ip));
    const [honest, ...answers] = await Promise.all([verify(code), ...guesses]);
    expect(honest.status).toBe(200);
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 404)).toHaveLength(10);
    expect(statuses.filter((status) => status === 429)).toHaveLength(90);
    const other = await askCode(token);
    const refused = await verify(other.code, ip);
    expect([refused.status, refused.body.code]).toEqual([429, "throttled"]);
    const seconds = Number(refused.headers.get("Retry-After"));
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThanOrEqual(60);
    expect((await verify(other.code)).status).toBe(200);
  });

  test("[S41] what D1 is asked: one round trip to judge a code, two to make a printer, none in a flood", async () => {
    const account = await makeAccount();
    const printer = await makePrinterOf(account);
    const { database: DB, take } = meter(env.DB);
    const ip = freshIp();
    await verifyOn({ DB }, "none", ip);
    expect(take()).toEqual({ roundTrips: 1, rowsWritten: 2 });
    await verifyOn({ DB }, (await askCode(account.token, printer.id)).code);
    expect(take().roundTrips).toBe(1);
    await verifyOn({ DB }, (await askCode(account.token)).code);
    expect(take().roundTrips).toBe(2);
    for (let one = 0; one < 9; one++) await verifyOn({ DB }, "none", ip);
    take();
    expect((await verifyOn({ DB }, "none", ip)).status).toBe(429);
    expect(take()).toEqual({ roundTrips: 1, rowsWritten: 0 });
    const AGENT_CALLS: RateLimit = { limit: async () => ({ success: false }) };
    const flooding = await verifyOn({ DB, AGENT_CALLS }, "none");
    expect([flooding.status, flooding.headers.get("Retry-After")]).toEqual([429, "60"]);
    expect(take()).toEqual({ roundTrips: 0, rowsWritten: 0 });
  });
});
