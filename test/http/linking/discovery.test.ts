/** Agents without a token and the accounts that find them. */
import { describe, expect, test } from "vitest";
import type { Dialect } from "../../../scripts/virtual/agent.ts";
import { type Account, agentCall, call, makeAccount, makeToken, ORIGIN } from "../../support/api.ts";
import { freshIp } from "../../support/linking.ts";
import { askCode, from, networkFrom } from "../../support/linking-api.ts";
import { random } from "../../support/random.ts";
import { UnlinkedAgent } from "../../support/virtual/unlinked.ts";

const PASSCODES = "/api/v1/one_time_passcodes/";
const DISCOVERY = "/api/v1/printer_discovery/";

const dialects: readonly Dialect[] = ["moonraker", "octoprint"];

/** An agent behind an address of its own. */
function makeAgent(dialect: Dialect, ip = freshIp()) {
  return { ip, agent: new UnlinkedAgent({ dialect, transport: networkFrom(ip), random }) };
}

function claim(account: { token: string }, verification_code: string, one_time_passcode: string) {
  return call("POST", PASSCODES, { token: account.token, body: { verification_code, one_time_passcode } });
}

function send(account: Account, ip: string, body: object) {
  return call("POST", DISCOVERY, { token: account.token, headers: from(ip), body });
}

async function listAt(account: { token: string }, ip: string) {
  return (await call("GET", DISCOVERY, { token: account.token, headers: from(ip) })).body;
}

async function expectLinked(account: Account, token: string | null): Promise<void> {
  const { status, body } = await agentCall("GET", "/api/v1/octo/printer/", token ?? "");
  expect(status).toBe(200);
  const printers = (await call("GET", "/api/v1/printers/", account)).body;
  expect(printers).toMatchObject([{ id: body.printer.id, name: "My Printer", auth_token: token }]);
}

describe("a passcode that the printer shows", () => {
  test("[S42] stays the same until it is claimed; then its agent links", async () => {
    const account = await makeAccount();
    const { agent } = makeAgent("moonraker");
    await agent.poll();
    const { passcode, passlink } = agent;
    expect(passcode).toMatch(/^[a-z0-9]{5}$/);
    expect(passlink).toBe(`${ORIGIN}/app/?one_time_passcode=${passcode}`);
    await agent.poll();
    expect(agent.passcode).toBe(passcode);
    const { code } = await askCode(account.token);
    const claimed = await claim(account, ` ${code} `, ` ${passcode.toUpperCase()} `);
    expect([claimed.status, claimed.body]).toEqual([200, { detail: "OK" }]);
    await agent.poll();
    await expectLinked(account, agent.token);
  });

  test("[S43] is claimed once, with a code of one's own, by a token with `write`", async () => {
    const [owner, thief] = [await makeAccount(), await makeAccount()];
    const { agent } = makeAgent("moonraker");
    await agent.poll();
    const { code } = await askCode(owner.token);
    const foreign = await claim(thief, code, agent.passcode);
    expect([foreign.status, foreign.body.detail]).toEqual([404, "No OneTimeVerificationCode matches the given query."]);
    const reader = await makeToken(owner.userId, { canWrite: false });
    expect((await claim({ token: reader }, code, agent.passcode)).status).toBe(403);
    expect((await claim(owner, code, agent.passcode)).status).toBe(200);
    const second = await claim(thief, (await askCode(thief.token)).code, agent.passcode);
    expect([second.status, second.body.detail]).toEqual([404, "No OneTimePasscode matches the given query."]);
  });

  test("[S45] may be guessed ten times a minute", async () => {
    const account = await makeAccount();
    const { code } = await askCode(account.token);
    const guesses = await Promise.all(Array.from({ length: 15 }, () => claim(account, code, "zzzzz")));
    expect(guesses.map(({ status }) => status).sort()).toEqual([...Array(10).fill(404), ...Array(5).fill(429)]);
    expect(guesses.find(({ status }) => status === 429)?.headers.get("Retry-After")).toMatch(/^\d+$/);
  });

  test.each([
    [{}, ["verification_code", "one_time_passcode"]],
    [{ verification_code: "123456", one_time_passcode: " " }, ["one_time_passcode"]],
    [{ verification_code: 123456, one_time_passcode: "ab3de" }, ["verification_code"]],
  ])("[S45] %j is 400", async (body, fields) => {
    const { status, body: answer } = await call("POST", PASSCODES, { token: (await makeAccount()).token, body });
    expect([status, Object.keys(answer.errors)]).toEqual([400, fields]);
  });
});

describe.each(dialects)("%s found at its owner's address", (dialect) => {
  test("[S49] [S52] is shown there and nowhere else, and links by its secret", async () => {
    const account = await makeAccount();
    const { ip, agent } = makeAgent(dialect);
    await agent.poll();
    expect(await listAt(account, ip)).toMatchObject([{ device_id: agent.deviceId, host_or_ip: "192.168.1.23" }]);
    expect(JSON.stringify(await listAt(account, ip))).not.toContain("passcode");
    expect(await listAt(account, freshIp())).toEqual([]);
    const { code } = await askCode(account.token);
    const message = { code, device_id: agent.deviceId, device_secret: agent.secret };
    const sent = await send(account, ip, message);
    expect([sent.status, sent.body]).toEqual([200, { queued: true }]);
    await agent.poll();
    await expectLinked(account, agent.token);
  });

  test("[S52] takes nothing by its address alone: neither a wrong secret nor a message from elsewhere", async () => {
    const account = await makeAccount();
    const { code } = await askCode(account.token);
    const { agent } = makeAgent(dialect);
    const message = { code, device_id: agent.deviceId, device_secret: agent.secret };
    await send(account, freshIp(), message);
    await agent.poll();
    expect([agent.token, agent.hasEnded]).toEqual([null, false]);
    const other = makeAgent(dialect);
    await send(account, other.ip, { code, device_id: other.agent.deviceId, device_secret: "0".repeat(64) });
    await other.agent.poll();
    expect([other.agent.token, other.agent.hasEnded]).toEqual([null, true]);
    expect((await call("GET", "/api/v1/printers/", account)).body).toEqual([]);
  });
});

describe("discovery", () => {
  test("[S53] shows nothing to those whose address nobody told", async () => {
    const transport = { ...networkFrom(""), dial: async () => null };
    await new UnlinkedAgent({ dialect: "octoprint", transport, random }).poll();
    expect(await listAt(await makeAccount(), "")).toEqual([]);
  });

  test("[S53] needs an account, and `write` to send", async () => {
    const { userId } = await makeAccount();
    const reader = await makeToken(userId, { canWrite: false });
    expect((await call("GET", DISCOVERY)).status).toBe(401);
    expect((await call("GET", DISCOVERY, { token: reader })).status).toBe(200);
    expect((await call("POST", DISCOVERY, { token: reader, body: {} })).status).toBe(403);
  });

  test.each([
    [{}, ["code", "device_id", "device_secret"]],
    [{ code: "1", device_id: "short", device_secret: "s" }, ["device_id"]],
    [{ code: "1", device_id: "d".repeat(33), device_secret: "s" }, ["device_id"]],
    [{ code: "1".repeat(65), device_id: "d".repeat(32), device_secret: "s".repeat(129) }, ["code", "device_secret"]],
  ])("[S53] %j is 400", async (body, fields) => {
    const { status, body: answer } = await send(await makeAccount(), freshIp(), body);
    expect([status, Object.keys(answer.errors)]).toEqual([400, fields]);
  });

  test("[S53] somebody else's code is sent to nobody", async () => {
    const [owner, thief] = [await makeAccount(), await makeAccount()];
    const { ip, agent } = makeAgent("octoprint");
    const { code } = await askCode(owner.token);
    const sent = await send(thief, ip, { code, device_id: agent.deviceId, device_secret: agent.secret });
    expect(sent.status).toBe(404);
    await agent.poll();
    expect([agent.token, agent.hasEnded]).toEqual([null, false]);
  });
});
