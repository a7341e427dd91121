/** Recordings of commands within seconds of each other, through the whole Worker, held against what the printer really did. */
import { asc, eq } from "drizzle-orm";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { printerEvents, prints } from "../../src/db/schema/history.ts";
import { call } from "../support/api.ts";
import { db, projected } from "../support/printer.ts";
import { QUICK_RECORDINGS } from "../support/recordings.ts";
import { Replay, type Replayed } from "../support/replay.ts";
import { type Claim, contradictions, KLIPPER_TRUTH, printsOf, refusalsOf, unsettled } from "../support/truth.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Until every command has an end: one that was delivered is given up after six minutes. */
const QUIET_S = 7 * 60;

async function replay(name: keyof typeof QUICK_RECORDINGS): Promise<Replayed> {
  const replayed = await Replay.run(QUICK_RECORDINGS[name], async () => 0, QUIET_S);
  await projected(replayed.printerId);
  return replayed;
}

/** What the ledger says in the end of each command. */
async function claimsOf({ account, printerId, commands }: Replayed): Promise<Claim[]> {
  const claims: Claim[] = [];
  for (const { recorded, body } of commands) {
    const path = `/api/v1/printers/${printerId}/commands/${body.command.id}/`;
    const { state, reason } = (await call("GET", path, { token: account.token })).body;
    claims.push({ command: recorded, state, reason });
  }
  return claims;
}

/** Seconds of the recording. */
async function historyOf({ printerId, startS }: Replayed) {
  const rows = await db.select().from(prints).where(eq(prints.printerId, printerId)).orderBy(asc(prints.id));
  const events = await db.select().from(printerEvents).where(eq(printerEvents.printerId, printerId));
  return rows.map(({ id, outcome, startedAt, endedAt }) => {
    const told = events.filter((event) => event.printId === id).map((event) => event.eventType);
    const once = ["STARTED", "ENDED"].every((type) => told.filter((one) => one === type).length === 1);
    return { outcome, once, start: startedAt / 1000 - startS, end: (endedAt ?? 0) / 1000 - startS };
  });
}

/** The agent looks at its printer once a second. */
const LATE_S = 2;

function expectSoon(seconds: number | undefined, truth: number): void {
  expect.soft(Math.abs((seconds ?? 0) - truth), `${seconds} for ${truth}`).toBeLessThanOrEqual(LATE_S);
}

/** One row a print of Klipper's, begun and cancelled when it was; how one ended that went with Klipper nobody knows. */
function expectHistory(history: Awaited<ReturnType<typeof historyOf>>): void {
  const truth = printsOf(KLIPPER_TRUTH);
  const ends = truth.map(({ end }) => ({ outcome: end === "cancelled" ? "cancelled" : "unknown", once: true }));
  expect.soft(history.map(({ outcome, once }) => ({ outcome, once }))).toEqual(ends);
  for (const [place, { startedAt, endedAt, end }] of truth.entries()) {
    expectSoon(history[place]?.start, startedAt);
    if (end === "cancelled") expectSoon(history[place]?.end, endedAt);
  }
}

test("[A60] Klipper, Moonraker and moonraker-obico: nothing that is said contradicts Klipper", async () => {
  const replayed = await replay("klipper");
  const claims = await claimsOf(replayed);
  expect(claims).toHaveLength(152);
  expect.soft(contradictions(KLIPPER_TRUTH, claims)).toEqual([]);
  expect.soft(unsettled(KLIPPER_TRUTH, claims)).toEqual([]);
  // It refused none of those that stood alone; a refusal would have to be found.
  const found = refusalsOf(KLIPPER_TRUTH, claims).map(({ state }) => state);
  expect.soft(found).toEqual(found.map(() => "failed"));
  expectHistory(await historyOf(replayed));
  expect.soft(replayed.faults).toBe(0);
});

test("[A61] moonraker-obico under macros that run one after the other: each command succeeded", async () => {
  const replayed = await replay("quick");
  const claims = await claimsOf(replayed);
  expect(claims).toHaveLength(27);
  expect.soft(claims.filter(({ state }) => state !== "succeeded")).toEqual([]);
  expect.soft(replayed.faults).toBe(0);
});
