/** The rows of the catalogue whose CPU time is measured, as work of both sides. */
import { setTimeout as pause } from "node:timers/promises";
import type { Saying } from "./agent.ts";
import { type Caller, forEach } from "./caller.ts";
import type { Name } from "./catalogue.ts";
import { copyPrinter, type Door, type Member, startTeam, type Team } from "./fleet.ts";
import type { Plan } from "./measure.ts";
import type { Runtime } from "./runtime.ts";

/** Agents of a scenario. */
const CALLED = 20;
const CHANGING = 200;
const PAUSED = 50;
/** Milliseconds from a transient text to the final one. */
const TRANSIENT_MS = 100;
/** Milliseconds without work that end a turn, for what is done at once. */
const AT_ONCE_MS = 150;
/** For what gathers on its way to D1 [O63]. */
const WRITTEN_MS = 900;

/** Many frames at a time, so that the runtime's own waking and polling is no part of a frame. */
const BUSY = { agents: 20, perAgent: 50, gapMs: 250, count: 2 } as const;

export const PLANS: Record<Exclude<Name, "memory">, (runtime: Runtime) => Promise<Plan>> = {
  "idle-frame": (runtime) => frames(runtime, false),
  "printing-frame": (runtime) => frames(runtime, true),
  "text-change": (runtime) => changes(runtime, "platen", ["pausing", "paused"], ["resuming", "printing"]),
  event: (runtime) => changes(runtime, "platen", ["paused-event"], ["resumed-event"]),
  "row-a-frame": (runtime) => changes(runtime, "writing", ["status"], ["status"]),
  "get-one": getOne,
  "list-20": (runtime) => list(runtime, 20, 150, "", "list"),
  "list-1000": (runtime) => list(runtime, 1000, 6, "", "list"),
  "thin-list-20": (runtime) => list(runtime, 20, 150, "?fields=id,name,presence,current_print", "thin-list"),
  patch,
  "rejected-pause": rejectedPause,
  pause: pausePrint,
};

/** Regular statuses, many at a time. */
async function frames(runtime: Runtime, isPrinting: boolean): Promise<Plan> {
  const { agents, perAgent, gapMs, count } = BUSY;
  const work = async (door: Door) => {
    const { members } = await startTeam(runtime, door, agents, isPrinting);
    return {
      quietMs: AT_ONCE_MS,
      turn: async () => {
        for (let burst = 0; burst < count; burst += 1) {
          for (let frame = 0; frame < perAgent; frame += 1) {
            for (const { agent } of members) agent.send("status");
          }
          await pause(gapMs);
        }
      },
    };
  };
  const [subject, baseline] = await Promise.all([work("platen"), work("counting")]);
  return { subject, baseline, operations: agents * perAgent * count };
}

/** Frames that tell something new of each agent, some in one turn and the others in the next. */
async function changes(
  runtime: Runtime,
  subject: Door,
  odd: readonly Saying[],
  even: readonly Saying[],
): Promise<Plan> {
  const work = async (door: Door) => {
    const { members } = await startTeam(runtime, door, CHANGING, true);
    let next = [odd, even] as const;
    return {
      quietMs: door === "platen" ? WRITTEN_MS : AT_ONCE_MS,
      turn: async () => {
        const [sayings, others] = next;
        next = [others, sayings];
        for (const saying of sayings) {
          for (const { agent } of members) agent.send(saying);
          await pause(TRANSIENT_MS);
        }
      },
    };
  };
  const [ours, theirs] = await Promise.all([work(subject), work("counting")]);
  return { subject: ours, baseline: theirs, operations: CHANGING * odd.length };
}

async function startTeams(runtime: Runtime, size: number, isPrinting: boolean) {
  const start = (door: Door) => startTeam(runtime, door, size, isPrinting);
  const [platen, baseline] = await Promise.all([start("platen"), start("counting")]);
  return { platen, baseline };
}

/** The baseline's objects keep the text that Platen answers with. */
async function getOne(runtime: Runtime): Promise<Plan> {
  const { platen, baseline } = await startTeams(runtime, CALLED, true);
  const [first] = platen.members;
  const answer = JSON.parse(await platen.caller.call("GET", `/api/v1/printers/${first?.id}/`)) as object; // safe: a Printer
  for (const { id } of baseline.members) await baseline.caller.call("PATCH", `/printers/${id}`, answer);
  const operations = 300;
  return {
    subject: calls(platen, AT_ONCE_MS, operations, ({ id }) => platen.caller.call("GET", `/api/v1/printers/${id}/`)),
    baseline: calls(baseline, AT_ONCE_MS, operations, ({ id }) => baseline.caller.call("GET", `/printers/${id}`)),
    operations,
  };
}

async function list(runtime: Runtime, count: number, operations: number, query: string, noun: string): Promise<Plan> {
  const { members } = await startTeam(runtime, "platen", 1, true);
  await pause(WRITTEN_MS);
  const { platen, baseline } = await copyPrinter(runtime, members[0]?.id ?? 0, count);
  const work = (caller: Caller, path: string) => ({
    turn: () => forEach(operations, () => caller.call("GET", path)),
    quietMs: AT_ONCE_MS,
  });
  return { subject: work(platen, `/api/v1/printers/${query}`), baseline: work(baseline, `/${noun}`), operations };
}

async function patch(runtime: Runtime): Promise<Plan> {
  let count = 0;
  const body = () => {
    count += 1;
    return { name: `Name ${count}` };
  };
  return write(runtime, "PATCH", "", body);
}

function rejectedPause(runtime: Runtime): Promise<Plan> {
  return write(runtime, "POST", "pause_print/", () => ({}));
}

/** Calls that write, about printers which print nothing. */
async function write(runtime: Runtime, method: "PATCH" | "POST", verb: string, body: () => object): Promise<Plan> {
  const { platen, baseline } = await startTeams(runtime, CALLED, false);
  const operations = 200;
  const ours = ({ id }: Member) => platen.caller.call(method, `/api/v1/printers/${id}/${verb}`, body());
  const theirs = ({ id }: Member) => baseline.caller.call(method, `/printers/${id}`, body());
  return {
    subject: calls(platen, WRITTEN_MS, operations, ours),
    baseline: calls(baseline, AT_ONCE_MS, operations, theirs),
    operations,
  };
}

/** From the receipt to the printer's standing still. */
const PAUSING_MS = 500;

/** A pause's whole life: the call, its receipt, and what the agent reports of it. */
async function pausePrint(runtime: Runtime): Promise<Plan> {
  const { platen, baseline } = await startTeams(runtime, PAUSED, true);
  const whole = ({ caller, members }: Team, quietMs: number, path: (id: number) => string) => {
    return {
      quietMs,
      before: async () => {
        for (const { agent } of members) agent.send("resumed-event");
        await pause(TRANSIENT_MS);
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
    subject: whole(platen, WRITTEN_MS, (id) => `/api/v1/printers/${id}/pause_print/`),
    baseline: whole(baseline, AT_ONCE_MS, (id) => `/printers/${id}/send`),
    operations: PAUSED,
  };
}

/** Calls about the team's printers in turn. */
function calls({ members }: Team, quietMs: number, operations: number, call: (member: Member) => Promise<unknown>) {
  const one = async (index: number) => {
    const member = members[index % members.length];
    if (member !== undefined) await call(member);
  };
  return { turn: () => forEach(operations, one), quietMs };
}
