/** The object's one alarm: it is never lost, never late, and never fires for nothing without end. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { AlarmClock } from "../../src/printer/alarm-clock.ts";
import { frame, MOONRAKER } from "../support/frames.ts";
import { connectAgent, makePrinter, projected } from "../support/printer.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

async function clockArmedAt(at: number | null) {
  const set: number[] = [];
  const storage = { getAlarm: async () => at, setAlarm: async (time: number) => void set.push(time) };
  const clock = new AlarmClock(storage as unknown as DurableObjectStorage); // safe: the clock calls nothing else
  await clock.load();
  return { clock, set };
}

const NOW = 1_000_000;

describe("the clock", () => {
  test.each([
    { armed: null, due: [], set: [], why: "nothing is due" },
    { armed: null, due: [null, NOW + 9, NOW + 5], set: [NOW + 5], why: "the earliest counts" },
    { armed: null, due: [NOW - 5], set: [NOW], why: "what is overdue is due now" },
    { armed: NOW + 5, due: [NOW + 9], set: [], why: "never later" },
    { armed: NOW + 5, due: [NOW + 5], set: [], why: "not again" },
    { armed: NOW + 5, due: [NOW + 2], set: [NOW + 2], why: "earlier" },
    { armed: NOW - 30_000, due: [NOW + 9], set: [], why: "it may still be coming" },
    { armed: NOW - 30_001, due: [NOW + 9], set: [NOW + 9], why: "the platform dropped it" },
  ])("[P21] [P22] armed at $armed, due $due: $why", async ({ armed, due, set }) => {
    const { clock, set: seen } = await clockArmedAt(armed);
    clock.arm(due, NOW);
    clock.arm(due, NOW);
    expect(seen).toEqual(set);
  });

  test("[P22] after it fired nothing is armed", async () => {
    const { clock, set } = await clockArmedAt(NOW + 5);
    clock.fired();
    clock.arm([NOW + 9], NOW);
    expect(set).toEqual([NOW + 9]);
  });
});

describe("an alarm", () => {
  test("[P23] whose run fails is armed again, but not at once", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    agent.send({ ...frame({ ts: 1_790_000_100 }), ...MOONRAKER });
    await agent.settled();
    const command = { id: crypto.randomUUID(), kind: "pause", printId: null, file: null, initiator: "api" } as const;
    await printer.stub.command(printer.uid, {
      ...command,
      userId: null,
      tokenName: null,
      idempotency: null,
      waitMs: 0,
    });
    await projected(printer.id);
    const logged = vi.spyOn(console, "error").mockImplementation(() => {});
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
    const restore = await runInDurableObject(printer.stub, (_instance, { storage }) => {
      const transactionSync = storage.transactionSync.bind(storage);
      storage.transactionSync = () => {
        throw new Error("no room");
      };
      return () => Object.assign(storage, { transactionSync });
    });
    const armed = () => runInDurableObject(printer.stub, (_instance, { storage }) => storage.getAlarm());
    for (let run = 0; run < 8; run++) {
      await runDurableObjectAlarm(printer.stub);
      expect(await armed()).toBe(Date.now() + 30_000);
    }
    expect(logged).toHaveBeenCalledWith(expect.stringContaining("alarm.failed"));
    await runInDurableObject(printer.stub, () => void restore());
    await runDurableObjectAlarm(printer.stub);
    expect(await printer.stub.findCommand(printer.uid, command.id)).toMatchObject({ value: { state: "unknown" } });
  });

  test("[P24] that the platform dropped is armed again by the next event, for what waits for D1 too", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    await agent.settled();
    await projected(printer.id);
    agent.close();
    await agent.untilClosed();
    await projected(printer.id);
    await runInDurableObject(printer.stub, async (_instance, { storage }) => {
      const key = "INSERT INTO outbox (key, place, revision, refused, projection) VALUES ('live', 4, 1, 0, ?)";
      storage.sql.exec(key, JSON.stringify({ kind: "live", image: {} }));
      await storage.deleteAlarm();
    });
    await evictDurableObject(printer.stub);
    await printer.stub.mute(printer.uid, true);
    expect(await runInDurableObject(printer.stub, (_instance, { storage }) => storage.getAlarm())).not.toBeNull();
  });

  test("[P25] run twice at the same time does everything once", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    agent.send({ ...frame({ ts: 1_790_000_100 }), ...MOONRAKER });
    await agent.settled();
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 121_000 });
    await runInDurableObject(printer.stub, (instance) => Promise.all([instance.alarm(), instance.alarm()]));
    await agent.next("passthru");
    await agent.settled();
    expect(agent.pending("passthru")).toBe(0);
  });
});
