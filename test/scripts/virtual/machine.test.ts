/** The simulated printer: what holds of it whatever is asked of it. */
import { describe, expect, test } from "vitest";
import {
  act,
  advance,
  idleMachine,
  isPrinting,
  layer,
  type Machine,
  type Order,
  progress,
} from "../../../scripts/virtual/machine.ts";
import { fc } from "../../support/random.ts";
import { shortJob } from "./bench.ts";

const orders: fc.Arbitrary<Order> = fc.oneof(
  fc.constant<Order>({ kind: "start", job: shortJob(40), at: 1790000000 }),
  fc.record({
    kind: fc.constant("pause" as const),
    nozzleOff: fc.boolean(),
    bedOff: fc.boolean(),
    liftMm: fc.constant(2.5),
  }),
  fc.constantFrom<Order>(
    { kind: "resume" },
    { kind: "cancel" },
    { kind: "fail", error: "fault" },
    { kind: "power_cut" },
  ),
);

function run(machine: Machine, seconds: number): Machine {
  let moved = machine;
  for (let step = 0; step < seconds * 2; step += 1) moved = advance(moved, 0.5);
  return moved;
}

describe("a machine", () => {
  test("[V2] heats up, prints every layer, and ends complete after its job's time", () => {
    const job = shortJob(100);
    const started = act(idleMachine(1), { kind: "start", job, at: 1790000000 });
    const heating = run(started, 5);
    expect([heating.phase, heating.printSeconds, layer(heating)]).toEqual(["printing", 0, 0]);
    const half = run(started, 60);
    expect(progress(half)).toBeGreaterThan(0.2);
    expect(half.nozzle.actualC).toBeGreaterThan(job.nozzleC - 2);
    const done = run(started, 140);
    expect(done).toMatchObject({ phase: "idle", outcome: "complete", printSeconds: 100 });
    expect([progress(done), layer(done)]).toEqual([1, job.layers]);
    expect(run(done, 3600).nozzle.actualC).toBeLessThan(25);
  });

  test("[V3] a pause with cold heaters takes its time to come back, and loses no progress", () => {
    const printing = run(act(idleMachine(1), { kind: "start", job: shortJob(600), at: 1790000000 }), 60);
    const paused = run(act(printing, { kind: "pause", nozzleOff: true, bedOff: true, liftMm: 2.5 }), 900);
    expect([paused.phase, progress(paused)]).toEqual(["paused", progress(printing)]);
    expect(paused.nozzle.actualC).toBeLessThan(printing.nozzle.actualC - 10);
    const resuming = run(act(paused, { kind: "resume" }), 2);
    expect(resuming.phase).toBe("resuming");
    expect(run(resuming, 60)).toMatchObject({ phase: "printing" });
  });

  test("[V1] the same seed and orders give the same machine; progress never falls, layers never pass the last", () => {
    const script = fc.array(fc.tuple(orders, fc.integer({ min: 0, max: 40 })), { maxLength: 20 });
    fc.assert(
      fc.property(fc.integer(), script, (seed, steps) => {
        const walk = () =>
          steps.reduce((machine, [order, seconds]) => run(checked(machine, order), seconds), idleMachine(seed));
        expect(walk()).toEqual(walk());
      }),
      { numRuns: 60 },
    );
  });
});

function checked(machine: Machine, order: Order): Machine {
  const after = act(machine, order);
  if (order.kind !== "start" && order.kind !== "power_cut") expect(progress(after)).toBe(progress(machine));
  expect(layer(after)).toBeLessThanOrEqual(after.job?.layers ?? 0);
  expect(isPrinting(after) && after.outcome !== null).toBe(false);
  expect(isPrinting(after) && after.job === null).toBe(false);
  return after;
}
