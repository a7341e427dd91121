/** Commands and alerts over REST, with an agent on a real socket. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { connect } from "../../../src/db/client.ts";
import { commands } from "../../../src/db/schema/history.ts";
import { call, connectAgentOf, makeAccount, makePrinterOf } from "../../support/api.ts";
import { frame, MOONRAKER } from "../../support/frames.ts";
import type { ScriptedAgent } from "../../support/printer.ts";

const T = 1_790_000_100;
const KEYS = [
  ...["id", "kind", "state", "reason", "detail", "print_id", "initiator", "created_at", "expires_at", "settle_by"],
  ...["sent_at", "delivered_at", "ended_at"],
];

async function printing() {
  const account = await makeAccount();
  const printer = await makePrinterOf(account);
  const agent = await connectAgentOf(printer);
  agent.send(MOONRAKER);
  agent.send(frame({ ts: T, event: "PrintStarted" }));
  await agent.settled();
  const path = `/api/v1/printers/${printer.id}/`;
  const post = (action: string, options: object = {}) =>
    call("POST", `${path}${action}`, { token: account.token, ...options });
  return { ...account, printer, agent, path, post };
}

/** Takes the next command and gives its receipt, as Moonraker's agent does. */
async function receive(agent: ScriptedAgent): Promise<Record<string, unknown>> {
  const told = (await agent.next("commands")) as { passthru: { ref: string } };
  agent.send({ passthru: { ref: told.passthru.ref, error: "Request not supported" } });
  return told;
}

describe("pause, resume, cancel", () => {
  const EXPECTED = {
    pause: { retract: 6.5, lift_z: 2.5, tools_off: true },
    resume: {},
    cancel: {},
  };

  test.each(["pause", "resume", "cancel"] as const)(
    "[A25] [A26] [H28] %s reaches the agent in one frame with its probe, and the answer has its three keys",
    async (kind) => {
      const { agent, post, printer } = await printing();
      if (kind === "resume") {
        agent.send(frame({ ts: T, text: "Paused", event: "PrintPaused" }));
        await agent.settled();
      }
      const answer = post(`${kind}_print`);
      const told = await receive(agent);
      expect(told).toEqual({
        commands: [{ cmd: kind, args: EXPECTED[kind], initiator: "api" }],
        passthru: { target: "_printer", func: "get_state_id", ref: expect.stringMatching(/^c:[a-z]{16}$/) },
      });
      const { status, body } = await answer;
      expect([status, body.succeeded, Object.keys(body)]).toEqual([200, true, ["succeeded", "printer", "command"]]);
      expect(Object.keys(body.command)).toEqual(KEYS);
      expect(body.command).toMatchObject({ kind, state: "delivered", initiator: "api", reason: null, ended_at: null });
      expect(body.command.print_id).toBe(body.printer.current_print.id);
      expect(body.printer.id).toBe(printer.id);
    },
  );

  test("[A26] the arguments are the printer's own settings", async () => {
    const { agent, post, path, token } = await printing();
    const body = { retract_on_pause: 0, lift_z_on_pause: 10, tools_off_on_pause: false, bed_off_on_pause: true };
    await call("PATCH", path, { token, body });
    const answer = post("pause_print");
    const [{ args }] = (await receive(agent)).commands as [{ args: object }];
    expect(args).toEqual({ retract: 0, lift_z: 10, bed_off: true });
    await answer;
  });

  test("[C10] [C13] [C24] nobody there: succeeded is false, nothing is sent, and the command has an id", async () => {
    const account = await makeAccount();
    const printer = await makePrinterOf(account);
    const { token } = account;
    const path = `/api/v1/printers/${printer.id}/`;
    const idle = await call("POST", `${path}pause_print`, { token });
    expect(idle.body).toMatchObject({ succeeded: false, command: { state: "rejected", reason: "not_printing" } });
    const agent = await connectAgentOf(printer);
    agent.send(frame({ ts: T, event: "PrintStarted" }));
    await agent.settled();
    agent.close();
    await agent.untilClosed();
    const offline = await call("POST", `${path}cancel_print/`, { token });
    expect(offline.body).toMatchObject({ succeeded: false, command: { state: "rejected", reason: "agent_offline" } });
    expect(offline.body.command).toMatchObject({
      sent_at: null,
      delivered_at: null,
      id: expect.stringMatching(/^\w{16,}$/),
    });
    const back = await connectAgentOf(printer);
    back.send(frame({ ts: T }));
    await back.settled();
    expect(back.pending("commands")).toBe(0);
    const listed = (await call("GET", `${path}commands/`, { token })).body;
    expect(listed.map(({ id }: { id: string }) => id)).toEqual([offline.body.command.id, idle.body.command.id]);
  });

  test("[C72] [C74] without a current print the machine's phase decides: a stop goes out while it prints, and not while a file comes", async () => {
    const account = await makeAccount();
    const printer = await makePrinterOf(account);
    const agent = await connectAgentOf(printer);
    const post = () => call("POST", `/api/v1/printers/${printer.id}/cancel_print/`, { token: account.token });
    agent.send(MOONRAKER);
    agent.send(frame({ ts: -1, text: "G-Code Downloading", name: null }));
    await agent.settled();
    const early = await post();
    expect(early.body.command).toMatchObject({
      ...{ state: "rejected", reason: "not_printing", detail: expect.stringContaining("on its way"), print_id: null },
    });
    agent.send(frame({ ts: -1, text: "Printing", name: null }));
    await agent.settled();
    const answer = post();
    await receive(agent);
    expect((await answer).body).toMatchObject({
      ...{ succeeded: true, command: { state: "delivered", reason: null, detail: null, print_id: null } },
    });
    expect(agent.pending("commands")).toBe(0);
  });

  test("[C70] OctoPrint that is paused, asked to pause: the call that leaves its scripts alone, and its answer", async () => {
    const { agent, post } = await printing();
    agent.send({ settings: { agent: { name: "octoprint_obico", version: "2.6.1" } } });
    agent.send(frame({ ts: T, text: "Paused" }));
    await agent.settled();
    const answer = post("pause_print/");
    const call = agent.next("passthru");
    const { passthru } = (await call) as { passthru: { ref: string } };
    expect(passthru).toEqual({ target: "_printer", func: "pause_print", args: [], ref: passthru.ref });
    agent.send({ passthru: { ref: passthru.ref, ret: null } });
    expect((await answer).body).toMatchObject({ succeeded: true, command: { state: "delivered" } });
    expect(agent.pending("commands")).toBe(0);
  });

  test("[C11] another print than the one that is meant is left alone", async () => {
    const { agent, post } = await printing();
    const wrong = await post("pause_print/", { body: { print_id: 7 } });
    expect(wrong.body).toMatchObject({ succeeded: false, command: { reason: "wrong_print", state: "rejected" } });
    await agent.settled();
    expect(agent.pending("commands")).toBe(0);
    for (const print_id of ["x", 1.5, 0, null, true]) {
      expect((await post("pause_print/", { body: { print_id } })).status).toBe(400);
    }
  });

  test.each([
    ["pause", "Pausing", "PrintPaused"],
    ["resume", "Resuming", "PrintResumed"],
    ["cancel", "Cancelling", "PrintCancelled"],
  ] as const)(
    "[C41] %s: before any receipt on its socket, what the printer shows counts",
    async (kind, text, event) => {
      const { agent, post, path, token } = await printing();
      if (kind === "resume") {
        agent.send(frame({ ts: T, text: "Paused", event: "PrintPaused" }));
        await agent.settled();
      }
      const answer = post(`${kind}_print`);
      await agent.next("commands");
      agent.send(frame({ ts: T, text }));
      const { body } = await answer;
      expect(body).toMatchObject({ succeeded: true, command: { state: "delivered" } });
      agent.send(frame({ ts: T, text, event }));
      await agent.settled();
      const ended = await call("GET", `${path}commands/${body.command.id}/`, { token });
      expect(ended.body).toMatchObject({ state: "succeeded", ended_at: expect.any(String) });
    },
  );

  test("[C41] after a receipt on its socket, nothing shown counts for a frame without one", async () => {
    const { agent, post } = await printing();
    const first = post("pause_print");
    await receive(agent);
    await first;
    agent.send(frame({ ts: T, text: "Paused", event: "PrintPaused" }));
    const answer = post("cancel_print");
    await agent.next("commands");
    agent.send(frame({ ts: T, text: "Cancelling" }));
    expect((await answer).body).toMatchObject({ succeeded: false, command: { state: "sent", reason: "no_receipt" } });
  });

  test("[C55] [C57] a known agent that gives no receipt within 2 s was not heard", async () => {
    const { agent, post } = await printing();
    const { body } = await post("pause_print/");
    expect(body).toMatchObject({ succeeded: false, command: { state: "sent", reason: "no_receipt" } });
    expect(agent.pending("commands")).toBe(1);
  });
});

describe("Idempotency-Key", () => {
  test("[H30] the same key sends once and is answered from the ledger, also for a twin that comes meanwhile", async () => {
    const { agent, post } = await printing();
    const headers = { "Idempotency-Key": "k 1" };
    const [first, twin] = [post("pause_print", { headers }), post("pause_print/", { headers })];
    await receive(agent);
    const [one, two] = [await first, await twin];
    const again = await post("pause_print", { headers });
    expect(new Set([one, two, again].map(({ body }) => body.command.id)).size).toBe(1);
    expect(one.headers.get("Idempotency-Replayed") ?? two.headers.get("Idempotency-Replayed")).toBe("true");
    expect(again.headers.get("Idempotency-Replayed")).toBe("true");
    await agent.settled();
    expect(agent.pending("commands")).toBe(0);
  });

  test("[H31] the same key for another action or body is 422, and sends nothing", async () => {
    const { agent, post } = await printing();
    const headers = { "Idempotency-Key": "k" };
    const first = post("pause_print", { headers });
    await receive(agent);
    await first;
    for (const answer of [
      await post("cancel_print", { headers }),
      await post("pause_print", { headers, body: { print_id: 7 } }),
    ]) {
      expect([answer.status, answer.body.code]).toEqual([422, "idempotency_mismatch"]);
    }
    await agent.settled();
    expect(agent.pending("commands")).toBe(0);
  });

  test("[C62] a refused command consumes no key", async () => {
    const { agent, post } = await printing();
    const headers = { "Idempotency-Key": "k" };
    expect((await post("pause_print", { headers, body: { print_id: 7 } })).body.command.state).toBe("rejected");
    const second = post("pause_print", { headers });
    await receive(agent);
    expect((await second).body.succeeded).toBe(true);
  });

  test.each(["", "x".repeat(256), "a\tb"])("[H32] the key %j is 400", async (key) => {
    const { post } = await printing();
    const answer = await post("pause_print", { headers: { "Idempotency-Key": key } });
    expect([answer.status, answer.body.code]).toEqual([400, "invalid"]);
  });
});

describe("Prefer: wait", () => {
  test("[H33] waits for the end, and says for how long it would have", async () => {
    const { agent, post } = await printing();
    const answer = post("pause_print", { headers: { Prefer: "respond-async, wait=90" } });
    await receive(agent);
    agent.send(frame({ ts: T, text: "Paused", event: "PrintPaused" }));
    const { headers, body } = await answer;
    expect(headers.get("Preference-Applied")).toBe("wait=30");
    expect(body).toMatchObject({ succeeded: true, command: { state: "succeeded", ended_at: expect.any(String) } });
  });

  test("[H33] wait=0 answers at once, and what cannot be read is ignored", async () => {
    const { agent, post } = await printing();
    const { headers, body } = await post("pause_print", { headers: { Prefer: "wait=0" } });
    expect([headers.get("Preference-Applied"), body.command.state]).toEqual(["wait=0", "sent"]);
    const next = post("cancel_print", { headers: { Prefer: "wait=x" } });
    await receive(agent);
    await receive(agent);
    expect((await next).headers.get("Preference-Applied")).toBeNull();
  });
});

describe("the ledger", () => {
  test("[H34] [C59] tells who gave which command, by page and one by one, what only D1 knows too", async () => {
    const { agent, post, path, token, userId, printer } = await printing();
    const answer = post("pause_print");
    await receive(agent);
    const { id } = (await answer).body.command;
    const old = { id: "old", printerId: printer.id, revision: 1, kind: "cancel", state: "failed" } as const;
    const times = { createdAt: 1_000, expiresAt: 31_000, sentAt: 1_000, endedAt: 2_000 };
    await connect(env.DB)
      .insert(commands)
      .values({ ...old, ...times, reason: "not_obeyed", initiator: "api", userId, tokenName: "old" });
    const list = async (query: string) =>
      (await call("GET", `${path}commands/${query}`, { token })).body.map((command: { id: string }) => command.id);
    expect(await list("")).toEqual([id, "old"]);
    expect([await list("?limit=1"), await list("?start=1&limit=1"), await list("?start=2")]).toEqual([
      [id],
      ["old"],
      [],
    ]);
    const read = await call("GET", `${path}commands/${id}/`, { token });
    expect(read.body).toMatchObject({ id, kind: "pause", user_id: userId, token_name: "test", initiator: "api" });
    expect((await call("GET", `${path}commands/old`, { token })).body).toMatchObject({
      state: "failed",
      token_name: "old",
    });
    expect((await call("GET", `${path}commands/nope`, { token })).body.detail).toBe(
      "No Command matches the given query.",
    );
    expect((await call("GET", `${path}commands/?limit=501`, { token })).status).toBe(400);
  });
});

describe("mute and acknowledge", () => {
  test("[H35] are facts of the server: exactly two keys, false without a print, true without an agent", async () => {
    const { agent, post } = await printing();
    agent.close();
    await agent.untilClosed();
    const muted = await post("mute_current_print/");
    expect([muted.status, Object.keys(muted.body), muted.body.succeeded]).toEqual([
      200,
      ["succeeded", "printer"],
      true,
    ]);
    const since = muted.body.printer.current_print.alert_muted_at;
    expect(muted.body.printer.not_watching_reason).not.toBeNull();
    expect((await post("mute_current_print/?mute_alert=true")).body.printer.current_print.alert_muted_at).toBe(since);
    const unmuted = await post("mute_current_print/", { body: { mute_alert: false } });
    expect(unmuted.body.printer.current_print.alert_muted_at).toBeNull();
    expect((await post("acknowledge_alert/?alert_overwrite=NOT_FAILED")).body.succeeded).toBe(true);
  });

  test("[H35] both are false on an idle printer", async () => {
    const account = await makeAccount();
    const { id } = await makePrinterOf(account);
    for (const action of ["mute_current_print", "acknowledge_alert", "pause_print", "resume_print", "cancel_print"]) {
      const { status, body } = await call("POST", `/api/v1/printers/${id}/${action}/`, { token: account.token });
      expect([action, status, body.succeeded]).toEqual([action, 200, false]);
    }
  });

  test.each([
    ["mute_current_print/?mute_alert=maybe", {}],
    ["mute_current_print/", { mute_alert: "maybe" }],
    ["mute_current_print/", { mute_alert: null }],
    ["acknowledge_alert/?alert_overwrite=MAYBE", {}],
    ["acknowledge_alert/", { alert_overwrite: "failed" }],
  ])("[H37] %s with %j is 400", async (action, body) => {
    const { post, path, token } = await printing();
    const before = (await call("GET", path, { token })).body.current_print;
    expect((await post(action, { body })).status).toBe(400);
    expect((await call("GET", path, { token })).body.current_print).toEqual(before);
  });

  test("[L41] [D4] muting tells the agent not to watch, and makes one event each way", async () => {
    const { agent, post, printer } = await printing();
    while (agent.pending("remote_status") > 0) await agent.next("remote_status");
    await post("mute_current_print/");
    await post("mute_current_print/?mute_alert=1");
    expect(await agent.next("remote_status")).toEqual({ remote_status: { should_watch: false } });
    await post("mute_current_print/?mute_alert=no");
    expect(await agent.next("remote_status")).toEqual({ remote_status: { should_watch: true } });
    const { results } = await env.DB.prepare("select event_type from printer_events where printer_id = ? order by id")
      .bind(printer.id)
      .all<{ event_type: string }>();
    expect(results.map(({ event_type }) => event_type)).toEqual(["STARTED", "ALERT_MUTED", "ALERT_UNMUTED"]);
  });
});
