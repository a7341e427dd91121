/** CPU time and memory of another process by the kernel's own accounting, which Linux gives under `/proc`. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { Refusal } from "../refusal.ts";

/** A refusal where the kernel keeps no such account. */
export function checkAccounting(): void {
  if (!existsSync("/proc/self/schedstat")) {
    throw new Refusal("npm run bench reads CPU times from /proc/PID/task/*/schedstat, which only Linux has.");
  }
}

/** The CPU time of a process, summed over its threads; those that ended keep what they were last seen with. */
export class CpuMeter {
  readonly #tasks: string;
  readonly #nanoseconds = new Map<string, number>();

  constructor(processId: number) {
    this.#tasks = `/proc/${processId}/task`;
  }

  /** Milliseconds since the process began. */
  read(): number {
    for (const thread of readdirSync(this.#tasks)) {
      const text = readOrNull(`${this.#tasks}/${thread}/schedstat`);
      if (text !== null) this.#nanoseconds.set(thread, Number(text.split(" ")[0]));
    }
    return [...this.#nanoseconds.values()].reduce((sum, one) => sum + one, 0) / 1e6;
  }
}

/** Kibibytes of memory that are resident and belong to the process alone or in part. */
export function proportionalKibibytes(processId: number): number {
  const [, kibibytes] = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${processId}/smaps_rollup`, "utf8")) ?? [];
  return Number(kibibytes);
}

/** A thread that has ended has no file. */
function readOrNull(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}
