/** `npm run bench` as a person runs it: what it prints, and what it leaves behind. */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { PROJECT, runScript, Script, signal, until, untilGone, withDescendants } from "./running-server.ts";

/** Elsewhere it refuses. */
describe.runIf(existsSync("/proc/self/schedstat"))("a run", () => {
  const MEMORY = "/dev/shm";

  async function untilRuntime(script: Script): Promise<string> {
    const folder = path.join(MEMORY, `platen-bench-${script.pid}`);
    await until("the runtime", async () => (existsSync(path.join(folder, "v3")) ? true : undefined));
    return folder;
  }

  test("[R8] a row that there is not is one line and exit code 2", async () => {
    const { code, stdout, stderr } = await runScript("bench.ts", "--only", "nothing");
    expect([code, stdout, stderr]).toEqual([2, "", "--only nothing: --help lists the rows.\n"]);
  });

  test("[R39] a quick one of one row prints it and writes nothing, and what a killed run left is deleted", async () => {
    const page = path.join(PROJECT, "BENCHMARKS.md");
    const read = () => (existsSync(page) ? readFileSync(page, "utf8") : null);
    const before = read();
    // No process has that id: it is above what Linux gives.
    const left = path.join(MEMORY, "platen-bench-99999999");
    mkdirSync(left, { recursive: true });
    const script = new Script("bench.ts", ["--quick", "--only", "get-one"]);
    const folder = await untilRuntime(script);
    const { code, stdout } = await script.finished;
    expect(code).toBe(0);
    expect(stdout).toMatch(/(?:^|\n)get-one +\d+\.\d\d \(\d+\.\d\d to \d+\.\d\d\), goal 1\.25; \d+ against \d+ µs\n$/);
    expect(read()).toBe(before);
    expect([left, folder].filter(existsSync)).toEqual([]);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("[R39] %s ends all of it with exit code 130", async (name) => {
    const script = new Script("bench.ts", ["--only", "idle-frame"]);
    const folder = await untilRuntime(script);
    const pids = withDescendants(script.pid);
    script.send(name);
    expect((await script.finished).code).toBe(130);
    await untilGone(pids);
    expect(existsSync(folder)).toBe(false);
  });

  test("[R39] killed outright it takes its runtime along", async () => {
    const script = new Script("bench.ts", ["--only", "idle-frame"]);
    const folder = await untilRuntime(script);
    const pids = await until("the runtime's process", async () => {
      const found = withDescendants(script.pid);
      return found.length > 2 ? found : undefined;
    });
    signal(script.pid, "SIGKILL");
    await untilGone(pids);
    rmSync(folder, { recursive: true });
  });
});
