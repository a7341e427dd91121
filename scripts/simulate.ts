/** `npm run simulate`: virtual printers of both dialects against a running server. */
import { setTimeout as pause } from "node:timers/promises";
import { type Api, openApi } from "./api.ts";
import { readCount, readDuration, readFlags, readSeed } from "./arguments.ts";
import type { Fleet } from "./fleet.ts";
import { Refusal, runScript } from "./refusal.ts";
import type { Machine } from "./virtual/machine.ts";

const HELP = `Runs virtual printers against a running server: they print, pause, fail, obey.

  npm run simulate -- --token TOKEN [options]

  --token TOKEN     an API token with the scopes read and write (default: $PLATEN_TOKEN)
  --url URL         the server (default: http://127.0.0.1:8787)
  --printers N      1 to 1000; made once, then used again (default: 2)
  --speed N         time factor, 1 to 100 (default: 10)
  --seed N          the same seed makes the same printers and people (default: random)
  --duration TIME   ends by itself, for instance 60s, 30m (default: on Ctrl-C)
  --help            this text`;

const GAP_SECONDS = 120;
const PROGRESS_MS = 3000;

interface Options {
  readonly api: Api;
  readonly printers: number;
  readonly speed: number;
  readonly seed: number;
  readonly durationMs: number | null;
}

function readOptions(): Options {
  const text = { type: "string" } as const;
  const flags = readFlags(HELP, {
    token: text,
    url: text,
    printers: text,
    speed: text,
    seed: text,
    duration: text,
  });
  return {
    api: openApi(flags),
    printers: readCount("printers", flags.printers ?? "2", 1, 1000),
    speed: readCount("speed", flags.speed ?? "10", 1, 100),
    seed: readSeed(flags.seed),
    durationMs: flags.duration === undefined ? null : readDuration("duration", flags.duration),
  };
}

/** Counts what the printers did; the machines themselves remember only their last print. */
class Tally {
  readonly ends = { complete: 0, cancelled: 0, error: 0 };
  started = 0;
  readonly #fleet: Fleet;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    for (const { agent } of fleet.members) agent.printer.onPhase((before, after) => this.#count(before, after));
  }

  now(): string {
    const phases = this.#fleet.members.map(({ agent }) => agent.printer.machine.phase);
    const linked = this.#fleet.members.filter(({ agent }) => agent.link.isOpen).length;
    const paused = phases.filter((phase) => phase === "paused").length;
    const idle = phases.filter((phase) => phase === "idle").length;
    return `${linked} linked, ${phases.length - paused - idle} printing, ${paused} paused, ${idle} idle, ${this.#frames()} frames`;
  }

  summary(): string {
    const { complete, cancelled, error } = this.ends;
    return `${this.started} prints started: ${complete} finished, ${cancelled} cancelled, ${error} failed. ${this.#frames()} frames sent.`;
  }

  #count(before: Machine, after: Machine): void {
    if (after.phase === "starting") this.started += 1;
    if (before.phase !== "idle" && after.phase === "idle" && after.outcome !== null) this.ends[after.outcome] += 1;
  }

  #frames(): number {
    return this.#fleet.members.reduce((sum, { agent }) => sum + agent.link.sentFrames, 0);
  }
}

async function simulate({ api, printers, speed, seed, durationMs }: Options): Promise<void> {
  const stopped = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopped.abort());
  if (!(await api.isAdmitted())) throw new Refusal(`${api.url} does not admit this token.`);
  const wanted = Array.from({ length: printers }, (_, index) => ({
    name: `Virtual printer ${index + 1}`,
    dialect: index % 2 === 0 ? ("moonraker" as const) : ("octoprint" as const),
  }));
  const options = { api, wanted, speed, seed, gapSeconds: GAP_SECONDS, isRestless: true };
  const { startFleet } = await import("./fleet.ts");
  const fleet = await startFleet({ ...options, resume: () => undefined });
  const tally = new Tally(fleet);
  console.log(
    `${printers} virtual printers at ${speed} times the speed against ${api.url} (seed ${seed}). Ctrl-C ends.`,
  );
  const began = performance.now();
  const end = durationMs === null ? Number.POSITIVE_INFINITY : began + durationMs;
  while (!stopped.signal.aborted && performance.now() < end) {
    const wait = Math.ceil(Math.max(0, Math.min(PROGRESS_MS, end - performance.now())));
    await pause(wait, undefined, { signal: stopped.signal }).catch(() => {});
    console.log(`${String(Math.round((performance.now() - began) / 1000)).padStart(5)} s  ${tally.now()}`);
  }
  fleet.stop();
  console.log(tally.summary());
}

await runScript(async () => {
  await simulate(readOptions());
  // Calls in flight need no answer any more.
  process.exit();
});
