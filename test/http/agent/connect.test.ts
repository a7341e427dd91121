/** What agents say over their socket besides reports of prints, and how reports are shown. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { makeOwned } from "../../support/agent-calls.ts";
import { call, connectAgentOf } from "../../support/api.ts";
import { frame, MOONRAKER } from "../../support/frames.ts";
import type { ScriptedAgent } from "../../support/printer.ts";
import { RECORDINGS } from "../../support/recordings.ts";

const T = 1_790_000_100;

async function connected() {
  const { account, printer } = await makeOwned();
  const agent = await connectAgentOf(printer);
  const shown = async () => (await call("GET", `/api/v1/printers/${printer.id}/`, { token: account.token })).body;
  return { printer, agent, shown };
}

/** `settled` takes one error frame, its own. */
async function faultless(agent: ScriptedAgent): Promise<void> {
  await agent.settled();
  expect(agent.pending("error")).toBe(0);
}

describe("frames that say nothing of the printer", () => {
  const said = RECORDINGS.moonraker.flatMap((line) =>
    line.kind === "frame" && line.frame.passthru !== undefined ? [line.frame] : [],
  );
  const table: [title: string, frames: readonly (object | ArrayBuffer)[]][] = [
    ["answers, console lines and events for viewers, as recorded", said],
    ["signalling", [{ janus: '{"janus":"keepalive"}' }]],
    ["a tunnel's, in text", [{ "http.tunnelv2": { ref: "r" } }, { "ws.tunnel": { ref: "w" } }, { "http.tunnel": {} }]],
    ["a tunnel's, in bytes", [new Uint8Array([5, 0, 0, 0, 0]).buffer, new ArrayBuffer(0), new ArrayBuffer(100_000)]],
    ["an event of a print that nobody knows", [{ event: { event_type: "PrintDone" } }]],
  ];

  test.each(table)("[A20] %s: the printer is what it was", async (_title, frames) => {
    const { agent, shown } = await connected();
    agent.send({ ...frame({ ts: T }), ...MOONRAKER });
    await faultless(agent);
    const before = await shown();
    for (const one of frames) agent.send(one);
    await faultless(agent);
    const { presence, ...after } = await shown();
    expect({ ...after, presence: presence.state }).toEqual({ ...before, presence: "online" });
    expect(after.current_print.filename).toBe("hook.gcode");
  });
});

test("[A75] a print's 3001 console lines close nothing, nor the agent's next socket, and the print can be stopped", async () => {
  const { account, printer } = await makeOwned();
  for (const action of ["pause_print", "cancel_print"]) {
    const agent = await connectAgentOf(printer);
    agent.send({ ...frame({ ts: T }), ...MOONRAKER });
    await agent.answerOpening();
    for (let index = 0; index < 3_001; index++) agent.send({ passthru: { terminal_feed: { msg: "ok", _ts: index } } });
    const answer = call("POST", `/api/v1/printers/${printer.id}/${action}/`, { token: account.token });
    const { passthru } = (await agent.next("commands")) as { passthru: { ref: string } };
    agent.send({ passthru: { ref: passthru.ref, error: "Request not supported" } });
    expect((await answer).body).toMatchObject({ succeeded: true });
    await faultless(agent);
    agent.close();
    await agent.untilClosed();
  }
});

test("[A17] a status comes back with every key and value, whatever else is in it", async () => {
  const { agent, shown } = await connected();
  const said = frame({ ts: -1 });
  const odd = { "ключ 🛠": { deep: [[{ x: null }], "\u2028", 1.5, -0.1, true, ""], __proto: 1 }, "": 0 };
  const status = { ...(said.status as object), ...odd, user_interaction_required: true };
  agent.send({ ...said, status, unknown: { at: "the top" } });
  await faultless(agent);
  expect((await shown()).status).toEqual(status);
});

test("[A19] the names of old agents' keys are known", async () => {
  const { agent, shown } = await connected();
  const { status, current_print_ts } = frame({ ts: T, name: "old.gcode" });
  agent.send({
    octoprint_data: status,
    octoprint_event: { event_type: "PrintStarted", data: { name: "old.gcode" } },
    octoprint_settings: {
      temperature: { profiles: [{ name: "ABS" }] },
      agent: { name: "octoprint_obico", version: "1" },
    },
    tsd_gcode_file_id: 7,
    current_print_ts,
  });
  await faultless(agent);
  expect(await shown()).toMatchObject({
    ...{ status, agent_name: "octoprint_obico", agent_version: "1" },
    ...{ current_print: { filename: "old.gcode" }, settings: { temp_profiles: [{ name: "ABS" }] } },
  });
});

describe("settings and silence", () => {
  test("[A14] settings alone say nothing of the printer, before or after a status", async () => {
    const { agent, shown } = await connected();
    agent.send(MOONRAKER);
    await faultless(agent);
    expect(await shown()).toMatchObject({ status: null, presence: { state: "online" } });
    agent.send(frame({ ts: T }));
    agent.send(MOONRAKER);
    await faultless(agent);
    expect(await shown()).toMatchObject({ status: { state: { text: "Printing" } }, presence: { state: "online" } });
  });

  test("[A21] settings that do not all fit are told to the agent, and the report beside them counts", async () => {
    const { agent, shown } = await connected();
    agent.send({ ...frame({ ts: T }), settings: { ...MOONRAKER.settings, junk: "x".repeat(96_000) } });
    expect(await agent.next("error")).toEqual({
      error: { code: "invalid_frame", detail: "settings: no room within 65536 characters for junk." },
    });
    expect(await shown()).toMatchObject({
      current_print: { filename: "hook.gcode" },
      settings: { agent_name: "moonraker_obico" },
    });
  });

  test("[A21] settings outlive sockets, agents that send them seldom, and the archive", async () => {
    const { account, printer } = await makeOwned();
    const agent = await connectAgentOf(printer);
    agent.send(MOONRAKER);
    await faultless(agent);
    agent.close();
    await agent.untilClosed();
    const again = await connectAgentOf(printer);
    again.send(frame({ ts: -1, text: "Operational" }));
    await faultless(again);
    const path = `/api/v1/printers/${printer.id}/`;
    await call("POST", `${path}archive/`, { token: account.token });
    const { body } = await call("GET", `${path}?with_archived=1`, { token: account.token });
    expect(body).toMatchObject({ agent_name: "moonraker_obico", settings: { agent_version: "2.1.4" } });
  });
});

describe("the order of reports", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 365 * 24 * 60 * 60 * 1000);
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  const now = () => Date.now() / 1000;

  test.each([
    [0, "shown", "shown"],
    [9, "shown", "shown"],
    [10, "not shown", "shown"],
    [59, "not shown", "shown"],
    [60, "shown", "shown"],
    [4000, "shown", "shown"],
    [-4000, "shown", "shown"],
  ])(
    "[P9] [P14] a status %i s older than the shown one is %s, and %s once a probe is answered",
    async (age, ...both) => {
      for (const isAnswered of [false, true]) {
        const { agent, shown } = await connected();
        if (isAnswered) await agent.answerOpening();
        agent.send(frame({ ts: T, at: now() }));
        agent.send(frame({ ts: T, at: now() - age, text: "Paused", event: "PrintCancelled" }));
        await faultless(agent);
        const { status, current_print } = await shown();
        expect(status.state.text).toBe(both[Number(isAnswered)] === "shown" ? "Paused" : "Printing");
        expect(current_print.cancelled_at).not.toBeNull();
      }
    },
  );

  test("[A8] [P9] OctoPrint's backlog of 1000 passes in one burst; the newest status is shown, the last print current", async () => {
    const { printer, agent: before, shown } = await connected();
    before.close();
    await before.untilClosed();
    const start = now();
    vi.setSystemTime(Date.now() + 60_000_000);
    const agent = await connectAgentOf(printer);
    for (let index = 0; index < 1000; index++) {
      const at = start + index * 50;
      const ts = Math.floor(start + Math.floor(index / 100) * 5000);
      const event = index % 100 === 0 ? "PrintStarted" : index % 100 === 99 && index < 999 ? "PrintDone" : undefined;
      agent.send(frame({ ts, at, temperature: index, ...(event === undefined ? {} : { event }) }));
    }
    await faultless(agent);
    const { status, current_print } = await shown();
    expect(status.temperatures.tool0.actual).toBe(999);
    expect(Date.parse(current_print.started_at)).toBe(Math.floor((start + 900 * 50) * 1000));
  });

  test.each([
    ["five seconds", 5, "stale"],
    ["59 s", 59, "stale"],
    ["a minute", 60, "offline"],
  ])("[P1] [P2] gone for %s: %s", async (_title, seconds, state) => {
    const { agent, shown } = await connected();
    agent.send(frame({ ts: T, at: now() }));
    await faultless(agent);
    agent.close();
    await agent.untilClosed();
    await shown();
    vi.setSystemTime(Date.now() + seconds * 1000);
    const body = await shown();
    expect(body.presence.state).toBe(state);
    expect(body.status === null).toBe(state === "offline");
    expect(body.current_print.filename).toBe("hook.gcode");
  });
});
