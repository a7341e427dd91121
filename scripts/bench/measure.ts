/** Turns of both sides by turns, and the CPU time that the runtime took for each. */
import { setTimeout as pause } from "node:timers/promises";
import type { CpuMeter } from "./process.ts";
import type { Measured } from "./statistics.ts";

/** One side's work. */
interface Work {
  /** Not measured; before each turn. */
  readonly before?: () => Promise<unknown>;
  /** Measured, with all that follows from it. */
  readonly turn: () => Promise<unknown>;
  /** Milliseconds without work after which nothing is to follow. */
  readonly quietMs: number;
}

export interface Plan {
  readonly subject: Work;
  readonly baseline: Work;
  /** What one turn does that often. */
  readonly operations: number;
}

const LOOK_MS = 25;
/** Of one CPU, while nothing is done. */
const IDLE_SHARE = 0.02;
const LONGEST_MS = 30_000;

/** CPU microseconds an operation. The turns that warm up are not in it. */
export async function measure(plan: Plan, meter: CpuMeter, turns: number, warmUps: number): Promise<Measured> {
  const one = async ({ before, turn, quietMs }: Work) => {
    if (before !== undefined) {
      await before();
      await untilQuiet(meter, quietMs);
    }
    const began = meter.read();
    await turn();
    await untilQuiet(meter, quietMs);
    return ((meter.read() - began) * 1000) / plan.operations;
  };
  const subject: number[] = [];
  const baseline: number[] = [];
  for (let turn = 0; turn < warmUps + turns; turn += 1) {
    const [ours, theirs] = [await one(plan.subject), await one(plan.baseline)];
    if (turn < warmUps) continue;
    subject.push(ours);
    baseline.push(theirs);
  }
  return { subject, baseline };
}

/** Resolves once the process did next to nothing for so long. */
export async function untilQuiet(meter: CpuMeter, quietMs: number): Promise<void> {
  const began = performance.now();
  let quietSince = began;
  let [at, spent] = [began, meter.read()];
  while (performance.now() - quietSince < quietMs && performance.now() - began < LONGEST_MS) {
    await pause(LOOK_MS);
    const [now, read] = [performance.now(), meter.read()];
    if (read - spent > (now - at) * IDLE_SHARE) quietSince = now;
    [at, spent] = [now, read];
  }
}
