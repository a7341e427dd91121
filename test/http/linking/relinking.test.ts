/** What re-linking and rotation do to tokens and sockets. */
import { afterEach, describe, expect, test, vi } from "vitest";
import {
  agentCall,
  call,
  connectAgentOf,
  dialAgent,
  makeAccount,
  makePrinterOf,
  makeToken,
} from "../../support/api.ts";
import { askCode, verify } from "../../support/linking-api.ts";

const MINUTE = 60_000;

afterEach(() => {
  vi.useRealTimers();
});

async function makeOwned() {
  const account = await makeAccount();
  const printer = await makePrinterOf(account);
  return { account, id: printer.id, first: printer.auth_token };
}

/** The token that a new code of that printer gives. */
async function relink(token: string, printerId: number): Promise<string> {
  const { code } = await askCode(token, printerId);
  const { status, body } = await verify(code);
  expect([status, body.printer.id]).toEqual([200, printerId]);
  return body.printer.auth_token;
}

async function rotate(token: string, printerId: number): Promise<string> {
  const { status, body } = await call("POST", `/api/v1/printers/${printerId}/rotate_token/`, { token });
  expect([status, body.id]).toEqual([200, printerId]);
  return body.auth_token;
}

/** Whether an agent's HTTP call with each of these tokens is answered. */
async function counting(...tokens: string[]): Promise<boolean[]> {
  const statuses: number[] = [];
  for (const token of tokens) statuses.push((await agentCall("GET", "/api/v1/octo/printer/", token)).status);
  for (const status of statuses) expect([200, 401]).toContain(status);
  return statuses.map((status) => status === 200);
}

describe("re-linking", () => {
  test("[S22] the agent before goes on until the new one dials in, then it is out", async () => {
    const { account, id, first } = await makeOwned();
    const before = await connectAgentOf({ auth_token: first });
    const second = await relink(account.token, id);
    expect(second).not.toBe(first);
    expect((await call("GET", `/api/v1/printers/${id}/`, account)).body.auth_token).toBe(second);
    expect(before.closed).toBeNull();
    expect(await counting(first)).toEqual([true]);
    const again = await connectAgentOf({ auth_token: first });
    expect((await before.untilClosed()).code).toBe(4409);
    const after = await connectAgentOf({ auth_token: second });
    expect((await again.untilClosed()).code).toBe(4409);
    expect((await dialAgent(first)).status).toBe(401);
    expect(await counting(first, second)).toEqual([false, true]);
    expect(after.closed).toBeNull();
    after.close();
  });

  test("[S22] any between are dead; the first call of the newest ends the older one", async () => {
    const { account, id, first } = await makeOwned();
    expect(await counting(first)).toEqual([true]);
    const second = await relink(account.token, id);
    const third = await relink(account.token, id);
    expect((await dialAgent(second)).status).toBe(401);
    expect(await counting(first, second, third, first)).toEqual([true, false, true, false]);
  });

  test("[S22] without the new one ever used, the old one lasts 15 min", async () => {
    const { account, id, first } = await makeOwned();
    expect(await counting(first)).toEqual([true]);
    const now = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now });
    const second = await relink(account.token, id);
    vi.setSystemTime(now + 15 * MINUTE - 1);
    expect(await counting(first)).toEqual([true]);
    vi.setSystemTime(now + 15 * MINUTE);
    expect((await dialAgent(first)).status).toBe(401);
    expect(await counting(first, second)).toEqual([false, true]);
  });

  test("[S22] a token that no agent used yet is dead at once", async () => {
    const { account, id, first } = await makeOwned();
    const second = await relink(account.token, id);
    expect(await counting(first, second)).toEqual([false, true]);
  });

  test("[S33] the code of a printer that was archived meanwhile links nothing", async () => {
    const { account, id } = await makeOwned();
    const { code } = await askCode(account.token, id);
    await call("POST", `/api/v1/printers/${id}/archive/`, account);
    expect((await verify(code)).status).toBe(404);
  });
});

describe("rotation", () => {
  test("[S23] older tokens are dead at once, and the socket is closed", async () => {
    const { account, id, first } = await makeOwned();
    const agent = await connectAgentOf({ auth_token: first });
    const second = await relink(account.token, id);
    const third = await rotate(account.token, id);
    expect((await agent.untilClosed()).code).toBe(4404);
    expect((await dialAgent(first)).status).toBe(401);
    expect(await counting(first, second, third)).toEqual([false, false, true]);
    const after = await connectAgentOf({ auth_token: third });
    expect(await after.next("remote_status")).toBeDefined();
    after.close();
  });

  test("[S23] no re-linking after it brings an older token back", async () => {
    const { account, id, first } = await makeOwned();
    expect(await counting(first)).toEqual([true]);
    const second = await rotate(account.token, id);
    const third = await relink(account.token, id);
    expect(await counting(first, second, third)).toEqual([false, false, true]);
  });

  test("[S3] [S26] is its owner's alone, with `write`", async () => {
    const { account, id, first } = await makeOwned();
    const path = `/api/v1/printers/${id}/rotate_token/`;
    expect((await call("POST", path, await makeAccount())).status).toBe(404);
    expect((await call("POST", path, { token: await makeToken(account.userId, { canWrite: false }) })).status).toBe(
      403,
    );
    expect((await call("POST", path)).status).toBe(401);
    expect((await call("GET", path, account)).status).toBe(405);
    expect(await counting(first)).toEqual([true]);
  });
});
