/** What calls and frames cost in D1: counted at the binding, for the Worker and its objects together. */
import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test } from "vitest";
import { type Account, call, connectAgentOf, makeAccount, makePrinterOf } from "../support/api.ts";
import { meterDatabase } from "../support/database.ts";
import { frame, MOONRAKER } from "../support/frames.ts";
import { projected, type ScriptedAgent } from "../support/printer.ts";

const T = 1_790_000_100;

let undo: () => void = () => {};

afterEach(() => undo());

interface Bench extends Account {
  readonly id: number;
  readonly path: string;
  readonly agent: ScriptedAgent;
}

/** A printer that prints, with everything that is written once a day or once at all behind it. */
async function printing(): Promise<Bench> {
  const account = await makeAccount();
  const printer = await makePrinterOf(account);
  const agent = await connectAgentOf(printer);
  const path = `/api/v1/printers/${printer.id}/`;
  agent.send({ ...frame({ ts: T }), ...MOONRAKER });
  await agent.settled();
  await call("GET", path, { token: account.token });
  await projected(printer.id);
  return { ...account, id: printer.id, path, agent };
}

/** What the call answers: the agent says `first`, and that it read the frame. */
async function pause({ token, path, agent }: Bench, ...first: object[]) {
  const answer = call("POST", `${path}pause_print/`, { token });
  const { passthru } = (await agent.next("commands")) as { passthru: { ref: string } };
  for (const said of [...first, { passthru: { ref: passthru.ref, error: "Request not supported" } }]) agent.send(said);
  return (await answer).body;
}

async function costOf(bench: Bench, act: () => Promise<unknown>) {
  const meter = meterDatabase();
  undo = meter.undo;
  await act();
  await projected(bench.id);
  meter.undo();
  return meter.take();
}

describe("round trips to D1", () => {
  test.each([
    ["GET one", 1, ({ token, path }: Bench) => call("GET", path, { token })],
    ["the list", 1, ({ token }: Bench) => call("GET", "/api/v1/printers/", { token })],
    ["a command's page", 1, ({ token, path }: Bench) => call("GET", `${path}commands/?limit=1`, { token })],
  ])("[O39] %s: %i, and no row", async (_what, roundTrips, act) => {
    const bench = await printing();
    await call("POST", `${bench.path}pause_print/`, { token: bench.token, body: { print_id: 1 } });
    await projected(bench.id);
    expect(await costOf(bench, () => act(bench))).toEqual({ roundTrips, rowsWritten: 0 });
  });

  test("[O39] a pause: 1, though its answer comes from the agent", async () => {
    const bench = await printing();
    const cost = await costOf(bench, async () => {
      expect(await pause(bench)).toMatchObject({ succeeded: true });
    });
    expect(cost).toEqual({ roundTrips: 1, rowsWritten: 0 });
  });

  test("[O39] [O63] a pause until the printer shows it: 1, and one batch for its texts, its event and its end", async () => {
    const bench = await printing();
    const { token, path, agent } = bench;
    const cost = await costOf(bench, async () => {
      const { command } = await pause(bench, frame({ ts: T, text: "Pausing" }));
      agent.send(frame({ ts: T, text: "Pausing", event: "PrintPaused" }));
      agent.send(frame({ ts: T, text: "Paused" }));
      await agent.settled();
      const ended = await call("GET", `${path}commands/${command.id}/`, { token });
      expect(ended.body).toMatchObject({ state: "succeeded" });
    });
    expect(cost.roundTrips).toBe(1 + 1 + 1);
  });

  test("[O63] a print that began is in D1 without delay: its id can be asked for at once", async () => {
    const bench = await printing();
    const meter = meterDatabase();
    undo = meter.undo;
    bench.agent.send(frame({ ts: T, text: "Paused" }));
    await bench.agent.settled();
    expect(meter.take().roundTrips).toBe(0);
    bench.agent.send(frame({ ts: T + 1_000, text: "Printing", event: "PrintStarted" }));
    await bench.agent.settled();
    expect(meter.take().roundTrips).toBe(1);
  });

  test("[O39] a PATCH: 1 and the object's batch of one row", async () => {
    const bench = await printing();
    const { token, path } = bench;
    const cost = await costOf(bench, () => call("PATCH", path, { token, body: { name: "Renamed" } }));
    expect(cost).toEqual({ roundTrips: 2, rowsWritten: 1 });
  });

  test("[O39] a PATCH that changes nothing: 1", async () => {
    const bench = await printing();
    const { token, path } = bench;
    const cost = await costOf(bench, () => call("PATCH", path, { token, body: { name: "Bench" } }));
    expect(cost).toEqual({ roundTrips: 1, rowsWritten: 0 });
  });

  test("[O39] a frame that changes nothing that matters: none, also after an eviction", async () => {
    const bench = await printing();
    await evictDurableObject(env.PRINTERS.getByName(String(bench.id)));
    const cost = await costOf(bench, async () => {
      bench.agent.send(frame({ ts: T, temperature: 204 }));
      await bench.agent.settled();
    });
    expect(cost).toEqual({ roundTrips: 0, rowsWritten: 0 });
  });

  test("[O39] a print's end: one batch", async () => {
    const bench = await printing();
    const cost = await costOf(bench, async () => {
      bench.agent.send(frame({ ts: T, text: "Operational", event: "PrintDone" }));
      await bench.agent.settled();
    });
    expect(cost.roundTrips).toBe(1);
  });
});
