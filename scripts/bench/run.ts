/** A run of the benchmark from its first row to its last, and how all of it ends. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { followNpm } from "../parent.ts";
import { type BuiltWorker, buildWorker } from "../worker.ts";
import { PROJECT } from "../wrangler.ts";
import { type Name, ROWS, type Row } from "./catalogue.ts";
import { readCircumstances } from "./circumstances.ts";
import { measure, untilQuiet } from "./measure.ts";
import { measureMemory } from "./memory.ts";
import { CpuMeter, checkAccounting } from "./process.ts";
import { lineOf, pageOf, type Result } from "./report.ts";
import { type Runtime, removeLeftovers, startRuntime } from "./runtime.ts";
import { PLANS } from "./scenarios.ts";
import type { Measured } from "./statistics.ts";

const PAGE = path.join(PROJECT, "BENCHMARKS.md");
const INTERRUPTED = 130;

interface Thoroughness {
  readonly turns: number;
  readonly warmUps: number;
  /** Runtimes of each side whose memory is measured. */
  readonly runtimes: number;
}

const FULL: Thoroughness = { turns: 10, warmUps: 3, runtimes: 7 };
const QUICK: Thoroughness = { turns: 3, warmUps: 1, runtimes: 2 };

/** Prints a line a row; a full run of all rows writes the page. A refusal where CPU times are not to be had. */
export async function runBench(rows: readonly (Row & { readonly name: Name })[], isQuick: boolean): Promise<void> {
  checkAccounting();
  removeLeftovers();
  const worker = await buildWorker(() => console.log("Building the Worker ..."));
  const bench = new Bench(worker, isQuick ? QUICK : FULL);
  const results: Result[] = [];
  for (const row of rows) {
    const result = { row, ...(await bench.measure(row.name)) };
    results.push(result);
    console.log(lineOf(result));
  }
  if (!isQuick && results.length === ROWS.length) {
    writeFileSync(PAGE, pageOf(results, readCircumstances(), readPage()));
    console.log("Written: BENCHMARKS.md");
  }
  process.exit();
}

function readPage(): string {
  try {
    return readFileSync(PAGE, "utf8");
  } catch {
    return "";
  }
}

/** Each row has runtimes of its own, so that nothing of another one goes on in them. */
class Bench {
  readonly #worker: BuiltWorker;
  readonly #thoroughness: Thoroughness;
  #runtime: Promise<Runtime> | null = null;
  #isStopped = false;

  constructor(worker: BuiltWorker, thoroughness: Thoroughness) {
    this.#worker = worker;
    this.#thoroughness = thoroughness;
    const stop = async () => {
      this.#isStopped = true;
      await (await this.#runtime)?.stop();
      process.exit(INTERRUPTED);
    };
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => void stop());
    void followNpm(() => void stop());
  }

  async measure(name: Name): Promise<Measured> {
    if (name === "memory") return this.#compareMemory();
    const { turns, warmUps } = this.#thoroughness;
    return this.#withRuntime(async (runtime) => {
      const meter = new CpuMeter(runtime.processId);
      const plan = await PLANS[name](runtime);
      await untilQuiet(meter, plan.subject.quietMs);
      return measure(plan, meter, turns, warmUps);
    });
  }

  async #compareMemory(): Promise<Measured> {
    const subject: number[] = [];
    const baseline: number[] = [];
    for (let time = 0; time < this.#thoroughness.runtimes; time += 1) {
      subject.push(await this.#withRuntime((runtime) => measureMemory(runtime, "platen")));
      baseline.push(await this.#withRuntime((runtime) => measureMemory(runtime, "counting")));
    }
    return { subject, baseline };
  }

  async #withRuntime<T>(use: (runtime: Runtime) => Promise<T>): Promise<T> {
    this.#runtime = startRuntime(this.#worker);
    const runtime = await this.#runtime;
    try {
      return await use(runtime);
    } catch (error) {
      // What fails because it was stopped is no news: the process ends.
      if (this.#isStopped) return await new Promise<never>(() => {});
      throw error;
    } finally {
      await runtime.stop();
    }
  }
}
