/** The list of printers against GET of one: what a status changes reaches both. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { between, pick } from "../../../scripts/virtual/random.ts";
import { makeOwned } from "../../support/agent-calls.ts";
import { call, connectAgentOf } from "../../support/api.ts";
import { frame, MOONRAKER, type Said } from "../../support/frames.ts";
import { projected, type ScriptedAgent } from "../../support/printer.ts";
import { AGAIN, random } from "../../support/random.ts";

const T = 1_790_000_100;

/** A year ahead, so that no alarm goes off by itself. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 365 * 24 * 60 * 60 * 1000 });
});

afterEach(() => {
  vi.useRealTimers();
});

type Status = Record<string, unknown>;

async function connected() {
  const { account, printer } = await makeOwned();
  const agent = await connectAgentOf(printer);
  agent.send(MOONRAKER);
  await agent.settled();
  const stub = env.PRINTERS.getByName(String(printer.id));
  const one = async () => (await call("GET", `/api/v1/printers/${printer.id}/`, { token: account.token })).body;
  const listed = async () => (await call("GET", "/api/v1/printers/", { token: account.token })).body[0];
  const say = async (said: Said, more: Status = {}) => {
    const whole = frame({ text: "Operational", ...said });
    const { state, ...status } = whole.status as { state: object };
    agent.send({ ...whole, status: { ...status, ...more, state: { ...state, ...(more.state ?? {}) } } });
    await agent.settled();
  };
  /** Time goes by, alarms go off when they are due, and the agent answers. */
  const pass = async (ms: number) => {
    const end = Date.now() + ms;
    for (;;) {
      const due = await runInDurableObject(stub, (_instance, state) => state.storage.getAlarm());
      if (due === null || due > end) break;
      vi.setSystemTime(Math.max(Date.now(), due));
      await runDurableObjectAlarm(stub);
      await agent.settled();
      while (agent.pending("passthru") > 0) await answer(agent);
      await agent.settled();
    }
    vi.setSystemTime(end);
    await projected(printer.id);
  };
  return { agent, stub, printer, one, listed, say, pass };
}

async function answer(agent: ScriptedAgent): Promise<void> {
  const { passthru } = (await agent.next("passthru")) as { passthru: { ref: string } };
  agent.send({ passthru: { ref: passthru.ref, error: "Request not supported" } });
}

type Bench = Awaited<ReturnType<typeof connected>>;

/** What may differ for longer is made the same: the agent's clock, and where `isExact` is false what moves by itself. */
function comparable({ presence, status, ...printer }: Status, isExact: boolean): Status {
  const { last_seen_at: _seen, status_age_ms: _age, ...present } = presence as Status;
  if (isExact) return { ...printer, presence: present, status };
  const { _ts, progress: _progress, currentZ: _z, temperatures, ...steady } = status as Status;
  const heaters = Object.entries(temperatures as Record<string, Status>).map(([name, { target }]) => [name, target]);
  return { ...printer, presence: present, status: { ...steady, heaters } };
}

/** A straight copy is on its way when the alarm's run ends: asks a few times. */
async function expectAgreement({ one, listed }: Bench, isExact: boolean): Promise<void> {
  const shown = comparable(await one(), isExact);
  let list = comparable(await listed(), isExact);
  for (let tries = 0; tries < 20 && JSON.stringify(list) !== JSON.stringify(shown); tries++) {
    list = comparable(await listed(), isExact);
  }
  expect(list, AGAIN).toEqual(shown);
}

const many = (count: number, last: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `chamber sensor behind the left door ${index}`,
      { actual: 20, target: index === count - 1 ? last : 0 },
    ]),
  );

describe.each([
  ["without a print", -1],
  ["in a print", T],
])("%s", (_title, ts) => {
  test("[P26] an error of a printer whose text stays is in the list at once", async () => {
    const bench = await connected();
    await bench.say({ ts });
    await bench.say({ ts, error: true }, { state: { error: "Heater extruder not heating at expected rate" } });
    await projected(bench.printer.id);
    const { status } = await bench.listed();
    expect(status.state).toMatchObject({ flags: { error: true }, error: expect.stringContaining("not heating") });
    expect((await bench.one()).status).toEqual(status);
  });

  test.each([
    ["the 17th heater's target", { temperatures: many(17, 0) }, { temperatures: many(17, 60) }],
    ["the 300th heater's target", { temperatures: many(300, 0) }, { temperatures: many(300, 60) }],
    ["a message", {}, { display_status: { message: "hello" } }],
  ])("[P60] [P61] %s is in the list a minute later, though no frame comes", async (_what, before, after) => {
    const bench = await connected();
    await bench.say({ ts }, before);
    await bench.pass(20_000);
    await bench.say({ ts }, after);
    await evictDurableObject(bench.stub);
    await bench.pass(60_000);
    await expectAgreement(bench, false);
  });
});

test("[O4] [P60] a change of a long status that an eviction lost is copied once it comes again", async () => {
  const bench = await connected();
  const long = { odd: "x".repeat(20_000) };
  await bench.say({ ts: -1 }, { ...long, note: 1 });
  await bench.pass(30_000);
  await bench.say({ ts: -1 }, { ...long, note: 2 });
  await evictDurableObject(bench.stub);
  await bench.pass(70_000);
  await bench.say({ ts: -1 }, { ...long, note: 2 });
  await bench.pass(60_000);
  expect((await bench.one()).status.note).toBe(2);
  await expectAgreement(bench, false);
});

test("[P60] [P62] a minute after the last status list and GET one agree but for what moves, and after a look on everything", async () => {
  for (let round = 0; round < 6; round++) {
    const bench = await connected();
    const ts = pick(random, [-1, T]);
    for (let frames = between(random, 1, 12); frames >= 1; frames--) {
      const said = { ts, error: random() < 0.3, temperature: between(random, 195, 205) };
      await bench.say(said, oddities());
      if (random() < 0.2) bench.agent.send({});
      if (random() < 0.2) await evictDurableObject(bench.stub);
      await bench.pass(pick(random, [0, 5_000, 30_000, 59_000, 61_000]));
    }
    await bench.say({ ts }, oddities());
    await bench.pass(60_000);
    await expectAgreement(bench, false);
    await bench.pass(16 * 60_000);
    await expectAgreement(bench, true);
    bench.agent.close();
  }
});

/** Some of what an agent may say beside its state. */
function oddities(): Status {
  const values: Status[] = [
    { currentZ: random() },
    { currentFanSpeed: pick(random, [0, 0.4, 1]) },
    { display_status: { message: pick(random, ["", "hello", "ü"]) } },
    { user_interaction_required: random() < 0.5 },
    { file_metadata: { obico: { totalLayerCount: pick(random, [7, null]) } } },
    { temperatures: many(between(random, 1, 40), pick(random, [0, 60])) },
    { state: { error: pick(random, [null, "shut down"]) } },
    { "an odd key": "x".repeat(pick(random, [1, 16_000])) },
  ];
  return Object.assign({}, ...values.filter(() => random() < 0.4));
}
