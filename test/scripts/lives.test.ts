/** `npm run lives` as a person runs it. */
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { runScript, Script, signal, until, untilGone, withDescendants } from "./running-server.ts";

function folderOf(pid: number): string {
  return path.join(tmpdir(), `platen-lives-${pid}`);
}

/** Its server and the runtime are there. */
function untilServing(script: Script): Promise<number[]> {
  return until("the server", async () => {
    const pids = withDescendants(script.pid);
    return script.stdout.includes(" on http://") && pids.length > 2 ? pids : undefined;
  });
}

test("[R8] a life that there is not is one line and exit code 2", async () => {
  const { code, stdout, stderr } = await runScript("lives.ts", "--only", "nothing");
  expect([code, stdout, stderr]).toEqual([2, "", "--only nothing: --help lists the lives.\n"]);
});

test("[R50] one life is played, told step by step, and nothing of it is left", async () => {
  // No process has that id: it is above what Linux gives.
  const left = folderOf(99_999_999);
  mkdirSync(left, { recursive: true });
  const script = new Script("lives.ts", ["--only", "sd-resume-running"]);
  const pids = await untilServing(script);
  const { code, stdout, stderr } = await script.finished;
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/ok {4}sd-resume-running: .*\n( +\d+\.\d s {2}.*\n)+\n1 of 1 right, in \d+ s\.\n$/);
  await untilGone(pids);
  expect([left, folderOf(script.pid)].filter(existsSync)).toEqual([]);
});

test.each(["SIGINT", "SIGKILL"] as const)("[R51] %s ends the server too", async (name) => {
  const script = new Script("lives.ts", ["--only", "long-wait"]);
  const pids = await untilServing(script);
  signal(script.pid, name);
  const { code, stderr } = await script.finished;
  expect([code, stderr]).toEqual([name === "SIGINT" ? 130 : null, ""]);
  await untilGone(pids);
  expect(existsSync(folderOf(script.pid))).toBe(name === "SIGKILL");
  rmSync(folderOf(script.pid), { recursive: true, force: true });
});
