/** The person at a virtual printer: when the next print begins. */
import { afterEach, describe, expect, test } from "vitest";
import type { Dialect } from "../../../scripts/virtual/agent.ts";
import { idleMachine, type Machine } from "../../../scripts/virtual/machine.ts";
import { cancelledIdleSeconds, Operator } from "../../../scripts/virtual/operator.ts";
import { seededRandom } from "../../../scripts/virtual/random.ts";
import { type Bench, startBench } from "./bench.ts";

const GAP_SECONDS = 200;
const MINUTE_MS = 60_000;

const operators: Operator[] = [];

afterEach(() => {
  for (const operator of operators.splice(0)) operator.stop();
});

async function startOperated(dialect: Dialect, machine?: Machine): Promise<Bench> {
  const bench = await startBench(dialect, machine);
  const { agent, clock } = bench;
  operators.push(new Operator({ agent, clock, random: seededRandom(5), gapSeconds: GAP_SECONDS, isRestless: false }));
  return bench;
}

function phaseOf({ agent }: Bench): string {
  return agent.printer.machine.phase;
}

/** Printing, then cancelled by its server's order, then a moment later. */
async function cancelPrint(bench: Bench): Promise<void> {
  await bench.clock.advance(MINUTE_MS);
  expect(phaseOf(bench)).toBe("printing");
  bench.agent.printer.order({ kind: "cancel" });
  await bench.clock.advance(MINUTE_MS);
  expect(bench.agent.printer.machine).toMatchObject({ phase: "idle", outcome: "cancelled" });
}

describe.each<Dialect>(["moonraker", "octoprint"])("the operator of a %s printer", (dialect) => {
  test("[V40] whose print was cancelled leaves it idle for long, then begins the next", async () => {
    const bench = await startOperated(dialect);
    await cancelPrint(bench);
    await bench.clock.advance(95 * MINUTE_MS);
    expect(phaseOf(bench)).toBe("idle");
    await bench.clock.advance(6 * MINUTE_MS);
    expect(phaseOf(bench)).toBe("printing");
  });

  test("[V40] of a later life heeds the cancel of the one before", async () => {
    const first = await startOperated(dialect);
    await cancelPrint(first);
    const second = await startOperated(dialect, first.agent.printer.machine);
    await second.clock.advance(10 * MINUTE_MS);
    expect(phaseOf(second)).toBe("idle");
    expect(cancelledIdleSeconds(second.agent.printer.machine)).toBeLessThanOrEqual(89 * 60);
    await second.clock.advance(90 * MINUTE_MS);
    expect(phaseOf(second)).toBe("printing");
  });

  test("[V41] begins the next print soon after one that ended otherwise, and at once in a later life", async () => {
    const bench = await startOperated(dialect);
    await bench.clock.advance(MINUTE_MS);
    bench.agent.printer.order({ kind: "fail", error: "fault" });
    await bench.clock.advance((GAP_SECONDS - 10) * 1000);
    expect(phaseOf(bench)).toBe("idle");
    await bench.clock.advance(MINUTE_MS);
    expect(phaseOf(bench)).toBe("printing");
    const later = await startOperated(dialect, { ...idleMachine(7), outcome: "complete", phaseSeconds: 1 });
    await later.clock.advance(MINUTE_MS);
    expect(phaseOf(later)).toBe("printing");
  });
});
