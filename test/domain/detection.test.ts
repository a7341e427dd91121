import { expect, test } from "vitest";
import { DEFAULT_CONFIGURATION } from "../../src/domain/configuration.ts";
import { detectionState, notWatchingReason, shouldWatch } from "../../src/domain/detection.ts";
import { printByServer } from "../../src/domain/print.ts";
import { viewOf } from "../../src/domain/view.ts";
import { frame } from "../support/frames.ts";
import { MemoryPrinter } from "../support/memory-printer.ts";

const T = 1_790_000_100;
const NOW = T * 1000;
const PRINT = printByServer(700_001, T, "hook.gcode", NOW);
const MUTED = { ...PRINT, alertMutedAt: NOW };

/** Watching enabled, the current print, what the status shows; then `should_watch`, the reason and the state. */
const CASES = [
  [true, PRINT, true, true, null, "unavailable"],
  [true, PRINT, false, true, "Printer is not actively printing", "waiting"],
  [true, null, true, false, "Printer is not actively printing", "waiting"],
  [true, MUTED, true, false, "Alerts are muted for current print", "off"],
  [true, MUTED, false, false, "Printer is not actively printing", "off"],
  [false, MUTED, true, false, "AI failure detection is disabled", "off"],
  [false, null, false, false, "AI failure detection is disabled", "off"],
] as const;

test.each(CASES)(
  "[D1] [D2] [D3] %#: what the agent, and what the owner is told",
  (watchingEnabled, current, isPrinting, watched, reason, state) => {
    const configuration = { ...DEFAULT_CONFIGURATION, name: "Bench", watchingEnabled };
    expect(shouldWatch({ configuration, current })).toBe(watched);
    const view = { ...viewOf(new MemoryPrinter(NOW).printer, NOW), configuration, currentPrint: current, isPrinting };
    expect(notWatchingReason(view)).toBe(reason);
    expect(detectionState(view)).toBe(state);
  },
);

test("[D4] the agent is told when it connects, a print begins or ends, and a person changes something", () => {
  const bench = new MemoryPrinter(NOW);
  const told = () =>
    bench.effects.flatMap((effect) => (effect.type === "send-remote-status" ? [effect.shouldWatch] : []));
  bench.open();
  expect(told()).toEqual([false]);
  bench.hear(frame({ ts: T, at: T }));
  bench.hear(frame({ ts: T, at: T, text: "Paused" }));
  expect(told().slice(1)).toEqual([true]);
  for (const isMuted of [true, true, false]) bench.apply({ type: "mute", isMuted });
  expect(told().slice(2)).toEqual([false, true]);
  bench.apply({ type: "configure", patch: { watchingEnabled: false } });
  bench.apply({ type: "configure", patch: { watchingEnabled: true } });
  expect(told().slice(4)).toEqual([false, true]);
  bench.hear(frame({ ts: -1, at: T, text: "Operational" }));
  expect(told().slice(6)).toEqual([false]);
});
