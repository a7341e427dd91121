import { expect, test } from "vitest";
import { Waiters } from "../../src/printer/waiters.ts";

test("[C56] sixteen callers wait at once; one more is answered, and a place is free when one was settled", async () => {
  const waiters = new Waiters();
  const settled = new Set<number>();
  const answered = new Set<number>();
  const ask = (caller: number) =>
    void waiters.wait(() => settled.has(caller), 600_000).then(() => answered.add(caller));
  const tick = () => scheduler.wait(0);
  for (let caller = 1; caller <= 17; caller += 1) ask(caller);
  await tick();
  expect([...answered]).toEqual([17]);
  settled.add(3);
  waiters.settle();
  ask(18);
  await tick();
  expect([...answered]).toEqual([17, 3]);
  for (let caller = 1; caller <= 18; caller += 1) settled.add(caller);
  waiters.settle();
  await tick();
  expect(answered.size).toBe(18);
});
