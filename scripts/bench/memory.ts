/** What the runtime's process grows by for each agent that is connected and idle. */
import { connectAgents, openAccount } from "./fleet.ts";
import { untilQuiet } from "./measure.ts";
import { CpuMeter, proportionalBytes } from "./process.ts";
import { startRuntime } from "./runtime.ts";

/** So many come first, so that what the first ones load is not counted. */
const FIRST = 30;
const MORE = 300;
/** Statuses that each agent has sent. */
const STATUSES = 10;
const QUIET_MS = 300;

/** Bytes an agent, in a new runtime in which only that side has any. */
export async function measureMemory(side: "platen" | "baseline"): Promise<number> {
  const runtime = await startRuntime();
  try {
    const meter = new CpuMeter(runtime.processId);
    const grow = async (count: number) => {
      const { userId } = await openAccount(runtime);
      const members = await connectAgents(runtime, side, userId, count, false);
      for (let status = 0; status < STATUSES; status += 1) {
        for (const { agent } of members) agent.send("status");
        await untilQuiet(meter, QUIET_MS);
      }
      return proportionalBytes(runtime.processId);
    };
    const before = await grow(FIRST);
    return ((await grow(MORE)) - before) / MORE;
  } finally {
    await runtime.stop();
  }
}
