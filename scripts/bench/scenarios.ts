/** What is measured, and against what. */
import { setTimeout as pause } from "node:timers/promises";
import type { Saying } from "./agent.ts";
import { forEach } from "./caller.ts";
import { copyPrinter, type Member, startFleet, type Team } from "./fleet.ts";
import type { Plan } from "./measure.ts";
import type { Runtime } from "./runtime.ts";

export interface Scenario {
  readonly name: string;
  /** The ratio that is not to be exceeded. */
  readonly goal: number;
  plan(runtime: Runtime): Promise<Plan>;
}

/** Agents of a scenario. */
const CALLED = 20;
const CHANGING = 200;
const PAUSED = 50;
/** Milliseconds between two events of an agent whose clock has whole seconds. */
const SETTLING_MS = 500;
/** Milliseconds without work that end a turn, for what is done at once. */
const AT_ONCE_MS = 150;
/** For what may wait a moment on its way to D1. */
const WRITTEN_MS = 600;

/** Many frames at a time, so that the runtime's own waking and polling is no part of a frame. */
const BUSY = { agents: 20, perAgent: 50, gapMs: 250, count: 2 } as const;

export const SCENARIOS: readonly Scenario[] = [
  { name: "idle-frame", goal: 5, plan: (runtime) => frames(runtime, false) },
  { name: "printing-frame", goal: 5, plan: (runtime) => frames(runtime, true) },
  { name: "text-change", goal: 12, plan: (runtime) => changes(runtime, "pausing", "printing") },
  {
    name: "event",
    goal: 15,
    plan: (runtime) => changes(runtime, "paused-event", "resumed-event"),
  },
  { name: "get-one", goal: 1.25, plan: getOne },
  { name: "list-20", goal: 1.6, plan: (runtime) => list(runtime, 20, 150, "", "list") },
  { name: "list-1000", goal: 2.5, plan: (runtime) => list(runtime, 1000, 6, "", "list") },
  {
    name: "thin-list-20",
    goal: 1.3,
    plan: (runtime) => list(runtime, 20, 150, "?fields=id,name,presence,current_print", "thin"),
  },
  { name: "patch", goal: 1.7, plan: patch },
  { name: "rejected-pause", goal: 1.7, plan: rejectedPause },
  { name: "pause", goal: 3.5, plan: pausePrint },
];

/** Regular statuses, many at a time. */
async function frames(runtime: Runtime, isPrinting: boolean): Promise<Plan> {
  const { agents, perAgent, gapMs, count } = BUSY;
  const { platen, baseline } = await startFleet(runtime, agents, isPrinting);
  const work = ({ members }: Team) => ({
    turn: async () => {
      for (let burst = 0; burst < count; burst += 1) {
        for (let frame = 0; frame < perAgent; frame += 1) {
          for (const { agent } of members) agent.send("status");
        }
        await pause(gapMs);
      }
    },
  });
  return { platen: work(platen), baseline: work(baseline), operations: agents * perAgent * count, quietMs: AT_ONCE_MS };
}

/** A frame that tells something new of each agent, one thing in one turn and the other in the next. */
async function changes(runtime: Runtime, first: Saying, second: Saying): Promise<Plan> {
  const { platen, baseline } = await startFleet(runtime, CHANGING, true);
  const work = ({ members }: Team) => {
    let saying = second;
    return {
      turn: () => {
        saying = saying === first ? second : first;
        for (const { agent } of members) agent.send(saying);
        return pause(SETTLING_MS);
      },
    };
  };
  return { platen: work(platen), baseline: work(baseline), operations: CHANGING, quietMs: WRITTEN_MS };
}

async function getOne(runtime: Runtime): Promise<Plan> {
  const { platen, baseline } = await startFleet(runtime, CALLED, true);
  const operations = 300;
  return {
    platen: calls(platen, operations, ({ id }) => platen.caller.call("GET", `/api/v1/printers/${id}/`)),
    baseline: calls(baseline, operations, ({ id }) => baseline.caller.call("GET", `/printers/${id}`)),
    operations,
    quietMs: AT_ONCE_MS,
  };
}

async function list(runtime: Runtime, count: number, operations: number, query: string, noun: string): Promise<Plan> {
  const fleet = await startFleet(runtime, 1, true);
  await pause(WRITTEN_MS);
  const { platen, baseline } = await copyPrinter(runtime, fleet.platen.members[0]?.id ?? 0, count);
  return {
    platen: { turn: () => forEach(operations, () => platen.call("GET", `/api/v1/printers/${query}`)) },
    baseline: { turn: () => forEach(operations, () => baseline.call("GET", `/${noun}`)) },
    operations,
    quietMs: AT_ONCE_MS,
  };
}

async function patch(runtime: Runtime): Promise<Plan> {
  const { platen, baseline } = await startFleet(runtime, CALLED, false);
  const operations = 200;
  let count = 0;
  const body = () => {
    count += 1;
    return { name: `Name ${count}` };
  };
  return {
    platen: calls(platen, operations, ({ id }) => platen.caller.call("PATCH", `/api/v1/printers/${id}/`, body())),
    baseline: calls(baseline, operations, ({ id }) => baseline.caller.call("PATCH", `/printers/${id}`, body())),
    operations,
    quietMs: WRITTEN_MS,
  };
}

async function rejectedPause(runtime: Runtime): Promise<Plan> {
  const { platen, baseline } = await startFleet(runtime, CALLED, false);
  const operations = 200;
  return {
    platen: calls(platen, operations, ({ id }) => platen.caller.call("POST", `/api/v1/printers/${id}/pause_print/`)),
    baseline: calls(baseline, operations, ({ id }) => baseline.caller.call("POST", `/printers/${id}`)),
    operations,
    quietMs: WRITTEN_MS,
  };
}

/** From the receipt to the printer's standing still. */
const PAUSING_MS = 500;

/** A pause's whole life: the call, its receipt, and what the agent reports of it. */
async function pausePrint(runtime: Runtime): Promise<Plan> {
  const { platen, baseline } = await startFleet(runtime, PAUSED, true);
  const whole = ({ caller, members }: Team, path: (id: number) => string) => {
    return {
      before: async () => {
        for (const { agent } of members) agent.send("resumed-event");
        await pause(PAUSING_MS);
        for (const { agent } of members) agent.send("printing");
      },
      turn: async () => {
        const ends: Promise<void>[] = [];
        await forEach(PAUSED, async (index) => {
          const member = members[index];
          if (member === undefined) return;
          const { agent, id } = member;
          agent.onceCommanded(() => {
            agent.send("pausing");
            ends.push(pause(PAUSING_MS).then(() => agent.send("paused-event")));
          });
          await caller.call("POST", path(id));
        });
        await Promise.all(ends);
      },
    };
  };
  return {
    platen: whole(platen, (id) => `/api/v1/printers/${id}/pause_print/`),
    baseline: whole(baseline, (id) => `/printers/${id}/send`),
    operations: PAUSED,
    quietMs: WRITTEN_MS,
  };
}

/** Calls about the team's printers in turn. */
function calls({ members }: Team, operations: number, call: (member: Member) => Promise<unknown>) {
  const one = async (index: number) => {
    const member = members[index % members.length];
    if (member !== undefined) await call(member);
  };
  return { turn: () => forEach(operations, one) };
}
