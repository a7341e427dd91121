/** An agent of either dialect on a clock that stands still, before a server that only listens. */
import { type Dialect, makeAgent, type VirtualAgent } from "../../../scripts/virtual/agent.ts";
import { type Job, makeNamedJob } from "../../../scripts/virtual/job.ts";
import { idleMachine, type Machine } from "../../../scripts/virtual/machine.ts";
import { seededRandom } from "../../../scripts/virtual/random.ts";
import { ManualClock } from "../../support/virtual/manual-clock.ts";
import { StubServer } from "../../support/virtual/stub-server.ts";
import { gist } from "./recording.ts";

export interface Bench {
  readonly clock: ManualClock;
  readonly server: StubServer;
  readonly agent: VirtualAgent;
  /** The frames since the last call, each in a few words. */
  news(): string[];
}

/** The agent has made its calls and is idle, unless `machine` says otherwise; its first look at the printer is done. */
export async function startBench(dialect: Dialect, machine: Machine = idleMachine(7)): Promise<Bench> {
  const bench = makeBench(dialect, machine);
  await bench.agent.start();
  await bench.clock.advance(1100);
  bench.news();
  return bench;
}

/** The agent has not started yet. */
export function makeBench(dialect: Dialect, machine: Machine = idleMachine(7)): Bench {
  const clock = new ManualClock();
  const server = new StubServer(clock);
  const agent = makeAgent(dialect, { token: "f00d", transport: server, clock, seed: 1, machine });
  let read = 0;
  const news = () => {
    const fresh = server.frames.slice(read);
    read += fresh.length;
    return fresh.map(gist);
  };
  return { clock, server, agent, news };
}

export function shortJob(seconds = 60): Job {
  const job = makeNamedJob(seededRandom(3), Date.UTC(2026, 10, 23), "kitchen/hook.gcode", seconds);
  return { ...job, nozzleC: 40, bedC: 30 };
}
