import { describe, expect, test } from "vitest";
import { nextLook } from "../../src/domain/connection.ts";
import { viewOf } from "../../src/domain/view.ts";
import { frame } from "../support/frames.ts";
import { MemoryPrinter } from "../support/memory-printer.ts";

const T = 1_790_000_100;
const NOW = T * 1000;

/** A printer whose agent reported once, at `NOW`. */
function heard(): MemoryPrinter {
  const bench = new MemoryPrinter(NOW);
  bench.open();
  bench.hear(frame({ ts: T, at: T }));
  return bench;
}

const shown = (bench: MemoryPrinter) => {
  const { presence, status } = viewOf(bench.printer, bench.now);
  return { ...presence, hasStatus: status !== null };
};

describe("what is shown of a printer", () => {
  test("[P2] [P8] a stale printer has its last status with its age, an offline one none", () => {
    const bench = heard();
    bench.now += 4_000;
    bench.close();
    bench.now += 59_999;
    const stale = { state: "stale", lastSeenAt: NOW, statusAgeMs: 63_999, hasStatus: true };
    expect(shown(bench)).toMatchObject(stale);
    bench.now += 1;
    expect(shown(bench)).toMatchObject({ state: "offline", lastSeenAt: NOW, statusAgeMs: null, hasStatus: false });
  });

  test("[P8] a frame of any kind was seen; only a status has an age", () => {
    const bench = heard();
    bench.now += 5_000;
    bench.hear({ passthru: { ref: "1", ret: null } });
    expect(shown(bench)).toMatchObject({ state: "online", lastSeenAt: NOW + 5_000, statusAgeMs: 5_000 });
  });

  test("[P3] {} without a status before it counts 45 s after the opening, and not earlier", () => {
    const bench = new MemoryPrinter(NOW);
    bench.open();
    bench.now += 44_999;
    bench.hear({});
    expect(shown(bench).state).toBe("online");
    bench.now += 1;
    bench.hear({});
    expect(shown(bench)).toMatchObject({ state: "unreachable", since: NOW + 45_000 });
    bench.open();
    expect(shown(bench).state).toBe("online");
  });
});

test("[P17] the look comes every 300 s in a print, every 15 min without one, and never for nobody", () => {
  const bench = heard();
  expect(nextLook(bench.printer, NOW)).toBe(NOW + 300_000);
  bench.hear(frame({ ts: -1, at: T, text: "Operational" }));
  expect(nextLook(bench.printer, NOW)).toBe(NOW + 900_000);
  bench.close();
  expect(nextLook(bench.printer, NOW)).toBeNull();
});
