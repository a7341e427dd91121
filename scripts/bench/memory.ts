/** What the runtime's process grows by for each agent that is connected and idle. */
import { type Door, startTeam } from "./fleet.ts";
import { untilQuiet } from "./measure.ts";
import { CpuMeter, proportionalKibibytes } from "./process.ts";
import type { Runtime } from "./runtime.ts";

/** So many come first, so that what the first ones load is not counted. */
const FIRST = 30;
const MORE = 300;
/** Statuses that each agent has sent. */
const STATUSES = 5;
const QUIET_MS = 200;

/** Kibibytes an agent, in a new runtime in which only that side has any. */
export async function measureMemory(runtime: Runtime, door: Door): Promise<number> {
  const meter = new CpuMeter(runtime.processId);
  const grow = async (count: number) => {
    const { members } = await startTeam(runtime, door, count, false);
    for (let status = 0; status < STATUSES; status += 1) {
      for (const { agent } of members) agent.send("status");
      await untilQuiet(meter, QUIET_MS);
    }
    return proportionalKibibytes(runtime.processId);
  };
  const before = await grow(FIRST);
  return ((await grow(MORE)) - before) / MORE;
}
