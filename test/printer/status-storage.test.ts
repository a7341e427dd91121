/** Where a status lives between two frames, and what that costs. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test, vi } from "vitest";
import { frame } from "../support/frames.ts";
import { connectAgent, makePrinter, projected, type TestPrinter } from "../support/printer.ts";

const T = 1_790_000_100;

afterEach(() => {
  vi.useRealTimers();
});

async function statusOf(printer: TestPrinter) {
  const view = await printer.stub.view(printer.uid);
  return view.ok ? JSON.parse(view.value.status ?? "null") : null;
}

/** Arrival of the status that is a row; null: none is. */
function storedAt(printer: TestPrinter): Promise<number | null> {
  return runInDurableObject(printer.stub, (_instance, { storage }) => {
    const [row] = storage.sql.exec<{ text: string }>("SELECT text FROM document WHERE name = 'status'").toArray();
    return row === undefined ? null : JSON.parse(row.text).at;
  });
}

function said(patch: object) {
  const { status, ...rest } = frame({ ts: T });
  return { ...rest, status: { ...(status as object), ...patch } };
}

describe("a long status", () => {
  test("[O4] is a row at most once a minute, evicted or not, and at the disconnection", async () => {
    const printer = await makePrinter();
    const agent = await connectAgent(printer);
    const start = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: start });
    const rows = new Set<number | null>();
    for (let second = 0; second <= 60; second += 10) {
      vi.setSystemTime(start + second * 1000);
      agent.send(said({ odd: "x".repeat(20_000), second }));
      await agent.settled();
      rows.add(await storedAt(printer));
      await evictDurableObject(printer.stub);
    }
    expect([...rows]).toEqual([start, start + 60_000]);
    vi.setSystemTime(start + 65_000);
    agent.send(said({ odd: "x".repeat(20_000), second: 65 }));
    await agent.settled();
    expect((await statusOf(printer)).second).toBe(65);
    agent.close();
    await agent.untilClosed();
    expect(await storedAt(printer)).toBe(start + 65_000);
    await evictDurableObject(printer.stub);
    expect((await statusOf(printer)).second).toBe(65);
  });
});

describe("a short status", () => {
  const HEATERS = Object.fromEntries(
    Array.from({ length: 16 }, (_, index) => [
      `${String.fromCharCode(1)}`.repeat(22) + (10 + index),
      { actual: 1e300 },
    ]),
  );

  test.each([14_000, 14_900, 15_000, 15_001])(
    "[O3] with a rest of about %i bytes survives an eviction, however odd its names are",
    async (length) => {
      const printer = await makePrinter();
      const agent = await connectAgent(printer);
      const status = {
        _ts: Date.now() / 1000,
        state: { text: "\u0001".repeat(80), flags: {} },
        temperatures: HEATERS,
        odd: "",
      };
      const odd = "é".repeat(
        Math.max(0, Math.floor((length - new TextEncoder().encode(JSON.stringify(status)).length) / 2)),
      );
      agent.send({ current_print_ts: T, status: { ...status, odd } });
      await agent.settled();
      expect(await statusOf(printer)).toEqual({ ...status, odd });
      await evictDurableObject(printer.stub);
      expect(await statusOf(printer)).toEqual({ ...status, odd });
      await projected(printer.id);
    },
  );
});
