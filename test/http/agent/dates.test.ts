/** What reports are dated, through the whole Worker, by an agent whose clock is wrong. */
import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { makeOwned } from "../../support/agent-calls.ts";
import { call, connectAgentOf, dialAgent } from "../../support/api.ts";
import { frame, MOONRAKER, type Said } from "../../support/frames.ts";
import { projected } from "../../support/printer.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** A new printer with its agent, whose clock is `ahead` seconds ahead. */
async function bench(ahead: number) {
  const { account, printer } = await makeOwned();
  const agent = await connectAgentOf(printer);
  const start = Date.now();
  const at = `/api/v1/printers/${printer.id}`;
  const world = {
    ahead,
    agent,
    start,
    /** Waits that many seconds, then says it. */
    async say(seconds: number, said: Partial<Said> = {}) {
      vi.setSystemTime(Date.now() + seconds * 1000);
      const ts = Math.floor(start / 1000) + ahead;
      agent.send({ ...frame({ ts, at: Date.now() / 1000 + world.ahead, ...said }), ...MOONRAKER });
      await agent.settled();
      await evictDurableObject(env.PRINTERS.getByName(String(printer.id)));
    },
    shown: async () => (await call("GET", `${at}/`, { token: account.token })).body,
    post: async (path: string) => (await call("POST", `${at}/${path}/`, { token: account.token, body: {} })).body,
    prints: async () => {
      await projected(printer.id);
      return (await call("GET", "/api/v1/prints/", { token: account.token })).body;
    },
  };
  return world;
}

const seconds = (date: string, start: number) => Math.round((Date.parse(date) - start) / 1000);

test("[P13] a print with which a new printer begins did not start before the printer was made", async () => {
  const { agent, start, say, shown } = await bench(-28_800);
  await say(3, { event: "PrintStarted" });
  const { current_print } = await shown();
  const startedAt = seconds(current_print.started_at, start);
  expect(startedAt).toBeGreaterThanOrEqual(-1);
  expect(startedAt).toBeLessThanOrEqual(3);
  await agent.answerOpening();
  await say(100, { event: "PrintPaused", text: "Paused" });
  expect((await shown()).status.state.text).toBe("Paused");
});

test.each([-7_200, -600])(
  "[P12] [P14] [P45] a clock set by %i s in a print changes no date and no state",
  async (by) => {
    const world = await bench(0);
    await world.agent.answerOpening();
    await world.say(1, { event: "PrintStarted" });
    await world.say(60);
    world.ahead = by;
    await world.say(60, { event: "PrintPaused", text: "Pausing" });
    await world.say(1, { text: "Paused" });
    expect((await world.shown()).status.state.text).toBe("Paused");
    const resumed = world.post("resume_print");
    const sent = (await world.agent.next("commands")) as { passthru: { ref: string } };
    world.agent.send({ passthru: { ref: sent.passthru.ref, error: "Request not supported" } });
    expect(await resumed).toMatchObject({ succeeded: true, command: { kind: "resume" } });
    await world.say(1, { text: "Resuming" });
    await world.say(1, { event: "PrintResumed" });
    await world.say(76, { event: "PrintDone", text: "Operational", printTime: null });
    const [print] = await world.prints();
    expect([seconds(print.started_at, world.start), seconds(print.ended_at, world.start)]).toEqual([1, 200]);
    expect(print).toMatchObject({ print_time: 199, outcome: "finished" });
  },
);

test("[A3] [P40] [P41] a new socket hears what to do with pictures, then a probe, and more until it answers", async () => {
  const { printer } = await makeOwned();
  const { webSocket } = await dialAgent(printer.auth_token);
  const heard: { remote_status?: unknown; passthru?: { ref: string; func: string }; error?: unknown }[] = [];
  let onError = () => {};
  webSocket?.addEventListener("message", ({ data }) => {
    heard.push(JSON.parse(String(data)));
    if (heard.at(-1)?.error !== undefined) onError();
  });
  webSocket?.accept();
  const say = async (said: unknown) => {
    const settled = new Promise<void>((resolve) => {
      onError = resolve;
    });
    webSocket?.send(JSON.stringify(said));
    webSocket?.send("settled?");
    await settled;
  };
  await say({});
  expect(heard.map((frame) => Object.keys(frame)[0])).toEqual(["remote_status", "passthru", "error"]);
  const ref = heard[1]?.passthru?.ref ?? "";
  expect(heard[1]?.passthru).toEqual({
    target: "_printer",
    func: "get_state_id",
    ref: expect.stringMatching(/^p:[a-p]{16}$/),
  });
  for (let second = 0; second < 20; second++) {
    vi.setSystemTime(Date.now() + 1_000);
    await say({});
  }
  const probes = heard.flatMap(({ passthru }) => (passthru === undefined ? [] : [passthru.ref]));
  expect(probes).toHaveLength(11);
  expect(new Set(probes).size).toBe(11);
  expect(probes.every((one) => one.startsWith(ref))).toBe(true);
});
