import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { eq } from "drizzle-orm";
import { afterEach, describe, expect, test, vi } from "vitest";
import { commands } from "../../src/db/schema/history.ts";
import type { CommandKind } from "../../src/domain/command-kind.ts";
import type { CommandCall } from "../../src/printer/rpc.ts";
import { frame, MOONRAKER } from "../support/frames.ts";
import { connectAgent, db, makePrinter, projected, type ScriptedAgent, type TestPrinter } from "../support/printer.ts";

const T = 1_790_000_100;

function aRequest(kind: CommandKind, patch: Partial<CommandCall> = {}): CommandCall {
  return {
    id: crypto.randomUUID(),
    kind,
    printId: null,
    file: null,
    initiator: "api",
    userId: null,
    tokenName: "ci",
    idempotency: null,
    waitMs: null,
    ...patch,
  };
}

async function ask(printer: TestPrinter, kind: CommandKind, patch: Partial<CommandCall> = {}) {
  const result = await printer.stub.command(printer.uid, aRequest(kind, patch));
  if (!result.ok) throw new Error(result.failure.code);
  return result.value;
}

async function printing(): Promise<{ printer: TestPrinter; agent: ScriptedAgent }> {
  const printer = await makePrinter();
  const agent = await connectAgent(printer);
  agent.send({ ...frame({ ts: T }), ...MOONRAKER });
  await agent.settled();
  return { printer, agent };
}

interface CommandFrame {
  readonly commands: readonly { readonly cmd: string; readonly args: object; readonly initiator: string }[];
  readonly passthru: { readonly target: string; readonly func: string; readonly ref: string };
}

async function nextCommand(agent: ScriptedAgent): Promise<CommandFrame> {
  return (await agent.next("commands")) as unknown as CommandFrame; // safe: the key was asked for, the test reads the rest
}

/** Answers the next command as Moonraker's agent does. */
async function receive(agent: ScriptedAgent): Promise<CommandFrame> {
  const received = await nextCommand(agent);
  agent.send({ passthru: { ref: received.passthru.ref, error: "Request not supported" } });
  return received;
}

afterEach(() => {
  vi.useRealTimers();
});

describe("the answer", () => {
  test("[A25] [A26] [C53] is true once the agent's receipt came, with the frame and arguments that agents understand", async () => {
    const { printer, agent } = await printing();
    const answer = ask(printer, "pause");
    const received = await receive(agent);
    expect(received).toMatchObject({
      commands: [{ cmd: "pause", args: { retract: 6.5, lift_z: 2.5, tools_off: true }, initiator: "api" }],
      passthru: { target: "_printer", func: "get_state_id", ref: expect.stringMatching(/^c:[a-p]{16}$/) },
    });
    expect(Object.keys(received.commands[0]?.args ?? {})).toEqual(["retract", "lift_z", "tools_off"]);
    expect(await answer).toMatchObject({
      succeeded: true,
      replayed: false,
      command: { state: "delivered", reason: null },
    });
  });

  test("[A26] a pause with everything off carries its three keys at most, resume and cancel carry {}", async () => {
    const { printer, agent } = await printing();
    await printer.stub.configure(printer.uid, { toolsOffOnPause: false, bedOffOnPause: true, retractOnPause: 0 });
    const pause = ask(printer, "pause");
    expect((await receive(agent)).commands[0]?.args).toEqual({ retract: 0, lift_z: 2.5, bed_off: true });
    await pause;
    agent.send(frame({ ts: T, text: "Paused", event: "PrintPaused" }));
    await agent.settled();
    const resume = ask(printer, "resume");
    expect((await receive(agent)).commands).toEqual([{ cmd: "resume", args: {}, initiator: "api" }]);
    await resume;
  });

  test("[C1] [C13] [C24] is false when nobody is connected, and nothing is released when somebody comes", async () => {
    const { printer, agent } = await printing();
    agent.close();
    await agent.untilClosed();
    expect(await ask(printer, "pause")).toMatchObject({
      succeeded: false,
      command: { state: "rejected", reason: "agent_offline" },
    });
    const back = await connectAgent(printer);
    back.send(frame({ ts: T }));
    await back.settled();
    expect(back.pending("commands")).toBe(0);
  });

  test("[C10] [C11] is false when nothing is printing, or another print than the one that is meant", async () => {
    const { printer, agent } = await printing();
    expect(await ask(printer, "pause", { printId: 1 })).toMatchObject({
      succeeded: false,
      command: { reason: "wrong_print" },
    });
    agent.send(frame({ ts: -1, text: "Operational" }));
    await agent.settled();
    expect(await ask(printer, "cancel")).toMatchObject({
      succeeded: false,
      command: { reason: "not_printing", printId: null },
    });
    expect(agent.pending("commands")).toBe(0);
  });

  test("[C53] [C57] without a receipt it is false for an agent that gives receipts, and the command is only sent", async () => {
    const { printer, agent } = await printing();
    const answer = await ask(printer, "pause", { waitMs: 0 });
    expect(answer).toMatchObject({ succeeded: false, command: { state: "sent", reason: null } });
    await nextCommand(agent);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2_000 });
    expect(await printer.stub.findCommand(printer.uid, answer.command.id)).toMatchObject({
      value: { reason: "no_receipt" },
    });
  });

  test("[C54] an agent that nobody knows and that never gave a receipt is believed", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    agent.send(frame({ ts: T }));
    await agent.settled();
    expect(await ask(printer, "pause", { waitMs: 0 })).toMatchObject({ succeeded: true, command: { state: "sent" } });
  });

  test("[C56] Prefer: wait waits for the outcome", async () => {
    const { printer, agent } = await printing();
    const answer = ask(printer, "pause", { waitMs: 20_000 });
    await receive(agent);
    agent.send(frame({ ts: T, text: "Pausing" }));
    agent.send(frame({ ts: T, text: "Pausing", event: "PrintPaused" }));
    expect(await answer).toMatchObject({
      succeeded: true,
      command: { state: "succeeded", endedAt: expect.any(Number) },
    });
  });
});

describe("a command is handed over once", () => {
  test("[C60] a repeated call with the same id sends nothing and answers the same", async () => {
    const { printer, agent } = await printing();
    const request = aRequest("pause", { waitMs: 0 });
    await printer.stub.command(printer.uid, request);
    const again = await printer.stub.command(printer.uid, request);
    expect(again).toMatchObject({ ok: true, value: { command: { id: request.id, state: "sent" } } });
    await nextCommand(agent);
    await agent.settled();
    expect(agent.pending("commands")).toBe(0);
  });

  test("[C61] the same key is one command, another body is a mismatch, another user is another key", async () => {
    const { printer, agent } = await printing();
    const idempotency = { keyHash: crypto.randomUUID(), requestHash: "a" };
    const [first, twin] = await Promise.all([
      ask(printer, "pause", { idempotency, waitMs: 0 }),
      ask(printer, "pause", { idempotency, waitMs: 0 }),
    ]);
    expect(twin.command.id).toBe(first.command.id);
    expect([first.replayed, twin.replayed]).toEqual([false, true]);
    const mismatch = { ...idempotency, requestHash: "b" };
    expect(await printer.stub.command(printer.uid, aRequest("cancel", { idempotency: mismatch }))).toMatchObject({
      ok: false,
      failure: { code: "idempotency_mismatch" },
    });
    expect((await ask(printer, "cancel", { idempotency, userId: printer.userId, waitMs: 0 })).replayed).toBe(false);
    await agent.settled();
    expect(agent.pending("commands")).toBe(2);
  });

  test("[C63] of a key its hash is kept with its user, a hash of action and body, and the command's id", async () => {
    const { printer } = await printing();
    const idempotency = { keyHash: "hash", requestHash: "a" };
    const { command } = await ask(printer, "pause", { idempotency, userId: printer.userId, waitMs: 0 });
    const kept = await runInDurableObject(printer.stub, (_instance, { storage }) =>
      storage.sql.exec("SELECT key, request, command_id FROM idempotency").toArray(),
    );
    expect(kept).toEqual([{ key: `${printer.userId}:hash`, request: "a", command_id: command.id }]);
  });

  test("[C62] a refused command consumes no key", async () => {
    const { printer, agent } = await printing();
    const idempotency = { keyHash: crypto.randomUUID(), requestHash: "a" };
    expect((await ask(printer, "pause", { idempotency, printId: 1 })).command.state).toBe("rejected");
    const second = await ask(printer, "pause", { idempotency, waitMs: 0 });
    expect(second).toMatchObject({ replayed: false, command: { state: "sent" } });
    await agent.settled();
    expect(agent.pending("commands")).toBe(1);
  });
});

describe("deadlines and evictions", () => {
  test("[C7] [C35] a frame without a receipt is unknown after 30 s, whatever was evicted meanwhile", async () => {
    const { printer, agent } = await printing();
    const { command } = await ask(printer, "pause", { waitMs: 0 });
    await nextCommand(agent);
    await evictDurableObject(printer.stub);
    vi.useFakeTimers({ toFake: ["Date"], now: command.expiresAt });
    expect(await runDurableObjectAlarm(printer.stub)).toBe(true);
    const found = await printer.stub.findCommand(printer.uid, command.id);
    expect(found).toMatchObject({ ok: true, value: { state: "unknown", reason: "no_receipt" } });
  });

  test("[C2] [C19] [C55] a resume to an agent that was silent for 5 s waits for its probe's answer", async () => {
    const { printer, agent } = await printing();
    agent.send(frame({ ts: T, text: "Paused", event: "PrintPaused" }));
    await agent.settled();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 6_000 });
    const answer = ask(printer, "resume");
    const probe = (await agent.next("passthru")) as unknown as CommandFrame;
    expect(probe.passthru.ref).toMatch(/^p:/);
    expect(agent.pending("commands")).toBe(0);
    agent.send({ passthru: { ref: probe.passthru.ref, error: "Request not supported" } });
    await receive(agent);
    expect(await answer).toMatchObject({ succeeded: true, command: { kind: "resume", state: "delivered" } });
  });

  test("[C59] a command's end reaches D1 and the ledger, newest first", async () => {
    const { printer, agent } = await printing();
    const rejected = await ask(printer, "pause", { printId: 1 });
    const pause = ask(printer, "pause", { userId: printer.userId });
    await receive(agent);
    agent.send(frame({ ts: T, text: "Paused", event: "PrintPaused" }));
    await agent.settled();
    const id = (await pause).command.id;
    const listed = await printer.stub.listCommands(printer.uid, { start: 0, limit: 10 });
    expect(listed.ok && listed.value.commands.map((command) => command.id).sort()).toEqual(
      [id, rejected.command.id].sort(),
    );
    await projected(printer.id);
    const rows = await db.select().from(commands).where(eq(commands.printerId, printer.id));
    expect(rows.find((row) => row.id === id)).toMatchObject({
      state: "succeeded",
      userId: printer.userId,
      tokenName: "ci",
    });
  });
});

describe("mute and acknowledge are facts of the server", () => {
  test("[L41] [L42] true iff a print is current; muting twice keeps the time and makes no event", async () => {
    const { printer, agent } = await printing();
    const first = await printer.stub.mute(printer.uid, true);
    const second = await printer.stub.mute(printer.uid, true);
    const mutedAt = first.ok ? first.value.printer.currentPrint?.alertMutedAt : null;
    expect(mutedAt).not.toBeNull();
    expect(second).toMatchObject({
      ok: true,
      value: { succeeded: true, printer: { currentPrint: { alertMutedAt: mutedAt } } },
    });
    agent.send(frame({ ts: -1, text: "Operational" }));
    await agent.settled();
    expect(await printer.stub.mute(printer.uid, true)).toMatchObject({ ok: true, value: { succeeded: false } });
    expect(await printer.stub.acknowledge(printer.uid, "FAILED")).toMatchObject({
      ok: true,
      value: { succeeded: false },
    });
  });

  test("[L34] [L35] [L36] a print without an agent starts and finishes, and one after it gets another time stamp", async () => {
    const printer = await makePrinter();
    const started = await printer.stub.startPrint(printer.uid, "a.gcode");
    const next = await printer.stub.startPrint(printer.uid, "b.gcode");
    const ids = [started, next].map((result) => (result.ok ? result.value.printer.currentPrint?.extId : null));
    expect(new Set(ids).size).toBe(2);
    const finished = await printer.stub.finishPrint(printer.uid, true);
    expect(finished).toMatchObject({ ok: true, value: { succeeded: true, printer: { currentPrint: null } } });
    expect(await printer.stub.finishPrint(printer.uid, false)).toMatchObject({ ok: true, value: { succeeded: false } });
  });
});
