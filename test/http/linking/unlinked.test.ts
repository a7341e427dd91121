/** What agents without a token are told, whatever they send. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { app } from "../../../src/app.ts";
import moonraker from "../../agent-traffic/moonraker-obico-2.1.4.jsonl?raw";
import octoprint from "../../agent-traffic/octoprint-obico-2.6.1.jsonl?raw";
import { call, ORIGIN } from "../../support/api.ts";
import { freshIp } from "../../support/linking.ts";
import { from, networkFrom } from "../../support/linking-api.ts";
import { meter } from "../../support/metered.ts";
import { fc, random } from "../../support/random.ts";
import { UnlinkedAgent } from "../../support/virtual/unlinked.ts";

const UNLINKED = "/api/v1/octo/unlinked/";
const JSON_TYPE = { "Content-Type": "application/json" };

/** A poll on a Worker with other bindings. */
async function pollOn(changes: Partial<Env>, body: object) {
  const ctx = createExecutionContext();
  const headers = { ...JSON_TYPE, ...from(freshIp()) };
  const request = new Request(ORIGIN + UNLINKED, { method: "POST", headers, body: JSON.stringify(body) });
  const response = await app.fetch(request, { ...env, ...changes }, ctx);
  await waitOnExecutionContext(ctx);
  return { status: response.status, body: await response.json() };
}

afterEach(() => void vi.restoreAllMocks());

describe("a poll is never refused", () => {
  test("[S47] whatever comes", async () => {
    const wordy = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("", "a".repeat(300), "\0", "\ud800", "__proto__"),
    );
    const field = fc.oneof(wordy, fc.jsonValue(), fc.dictionary(wordy, wordy));
    const names = ["device_id", "hostname", "host_or_ip", "port", "meta", "one_time_passcode", "messages", "__proto__"];
    const near = fc
      .dictionary(fc.constantFrom(...names), field)
      .map((fields) => JSON.stringify({ device_id: "d", ...fields }));
    const body = fc.oneof(near, fc.json(), fc.string({ unit: "binary" }), fc.uint8Array({ maxLength: 300 }));
    const type = fc.constantFrom(
      "application/json",
      "application/x-www-form-urlencoded",
      "multipart/form-data",
      "image/png",
      "",
    );
    const query = fc.constantFrom("", "?code=", "?one_time_passcode=%00", "?%");
    await fc.assert(
      fc.asyncProperty(body, type, query, async (raw, contentType, text) => {
        const headers = { ...from(freshIp()), ...(contentType === "" ? {} : { "Content-Type": contentType }) };
        const { status, body: answer } = await call("POST", UNLINKED + text, { raw, headers });
        expect(status).toBe(200);
        expect(answer.messages).toEqual([]);
        expect([1, 4]).toContain(Object.keys(answer).length);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    { name: "nothing", raw: "" },
    {
      name: "a megabyte",
      raw: JSON.stringify({ device_id: "d", hostname: "a".repeat(2 ** 20), one_time_passcode: "" }),
    },
    { name: "a hundred levels", raw: `${'{"a":'.repeat(100)}1${"}".repeat(100)}` },
    { name: "no device", raw: '{"one_time_passcode":""}' },
    { name: "a device id that is none", raw: `{"device_id":"${"d".repeat(65)}","one_time_passcode":""}` },
  ])("[S47] $name has no messages", async ({ raw }) => {
    const { status, body } = await call("POST", UNLINKED, { raw, headers: { ...JSON_TYPE, ...from(freshIp()) } });
    expect([status, body]).toEqual([200, { messages: [] }]);
  });

  test.each([5, null, "a".repeat(300), { a: 1 }, "\0"])(
    "[S42] %j for a passcode is as good as none: the agent gets one",
    async (one_time_passcode) => {
      const headers = from(freshIp());
      const { body } = await call("POST", UNLINKED, { body: { device_id: "d", one_time_passcode }, headers });
      expect(body.one_time_passcode).toMatch(/^[a-z0-9]{5}$/);
    },
  );

  test("[S47] nor while D1 is down, nor in a flood, which never reaches D1", async () => {
    const poll = { device_id: "d", one_time_passcode: "" };
    const down = () => {
      throw new Error("D1_ERROR: Network connection lost.");
    };
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    const DB = { prepare: down, batch: down } as unknown as D1Database; // safe: nothing else is called
    expect(await pollOn({ DB }, poll)).toEqual({ status: 200, body: { messages: [] } });
    expect(logged).toHaveBeenCalledOnce();
    const metered = meter(env.DB);
    const AGENT_CALLS: RateLimit = { limit: async () => ({ success: false }) };
    expect(await pollOn({ DB: metered.database, AGENT_CALLS }, poll)).toEqual({ status: 200, body: { messages: [] } });
    expect(metered.take().roundTrips).toBe(0);
    await pollOn({ DB: metered.database }, poll);
    expect(metered.take().roundTrips).toBe(1);
  });

  test("[S54] over the bound of its network an agent gets no passcode, and goes on", async () => {
    const ip = freshIp();
    const passcodes: string[] = [];
    for (let one = 0; one < 12; one++) {
      const agent = new UnlinkedAgent({ dialect: "moonraker", transport: networkFrom(ip), random });
      await agent.poll();
      expect(agent.hasEnded).toBe(false);
      passcodes.push(agent.passcode);
    }
    expect(passcodes.filter((passcode) => passcode !== "")).toHaveLength(10);
  });

  test.each([
    { name: "moonraker", recording: moonraker, keys: 4 },
    { name: "octoprint", recording: octoprint, keys: 1 },
  ])("[S48] $name's polls as recorded: all four keys if it sends a passcode", async ({ recording, keys }) => {
    const lines = recording.trim().split("\n");
    const polls = lines
      .map((line) => JSON.parse(line))
      .filter(({ path }) => path === UNLINKED)
      .slice(0, 5);
    expect(polls.length).toBeGreaterThan(0);
    const ip = freshIp();
    for (const { body: raw } of polls) {
      const { body } = await call("POST", UNLINKED, { raw, headers: { ...JSON_TYPE, ...from(ip) } });
      expect([Object.keys(body).length, body.messages]).toEqual([keys, []]);
    }
  });
});
