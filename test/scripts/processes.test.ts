/** What becomes of the processes of `npm start` when something goes wrong. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { createServer } from "node:net";
import { afterAll, describe, expect, test } from "vitest";
import {
  isRunning,
  makeFolder,
  RunningServer,
  removeFolders,
  runScript,
  signal,
  until,
  untilGone,
} from "./running-server.ts";

afterAll(removeFolders);

function commandOf(pid: number): string {
  return execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" });
}

describe("npm start", () => {
  test("[R8] a port in use is one line and a failure, before anything is started", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const address = taken.address();
    const port = typeof address === "object" ? String(address?.port) : "";
    const state = makeFolder();
    const { code, stdout, stderr } = await runScript("start.ts", "--port", port, "--state", state);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe(`Port ${port} on 127.0.0.1 is in use. Choose another one with --port.\n`);
    expect(readdirSync(state)).toEqual([]);
    taken.close();
  });

  test.each([["--prot", "1"], ["--port", "x"], ["stray"]])(
    "[R8] bad flags are one line and exit code 2: %s",
    async (...args) => {
      const { code, stderr } = await runScript("start.ts", ...args);
      expect([code, stderr.split("\n").length]).toEqual([2, 2]);
    },
  );

  test("[R9] killed outright it takes everything along, and a new start works at once", async () => {
    const state = makeFolder();
    const first = await RunningServer.start(state, "--no-demo");
    const pids = first.processes();
    signal(first.script.pid, "SIGKILL");
    await untilGone(pids);
    const second = await RunningServer.start(state, "--no-demo", "--port", new URL(first.url).port);
    expect((await fetch(`${second.url}/health`)).status).toBe(200);
    await second.stop();
  });

  test("[R9] its runtime killed it says so in one line, fails, and leaves nothing behind", async () => {
    const server = await RunningServer.start(makeFolder(), "--no-demo");
    const pids = server.processes();
    const runtime = pids.find((pid) => commandOf(pid).includes("workerd"));
    signal(runtime ?? 0, "SIGKILL");
    const { code, stderr } = await server.script.finished;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The server ended: .*\.\n$/);
    await untilGone(pids);
  });

  test("[R10] another address than loopback is one line of warning", async () => {
    const server = await RunningServer.start(makeFolder(), "--no-demo", "--host", "0.0.0.0");
    const [line = ""] = server.script.stdout.split("\n");
    expect(line).toMatch(/^Warning: /);
    const [, theirs = server.url] = / the address (\S+)\.$/.exec(line) ?? [];
    for (const url of [server.url, theirs]) expect((await fetch(`${url}/health`)).status).toBe(200);
    server.script.send("SIGTERM");
    expect((await server.script.finished).code).toBe(0);
    await until("the end", async () => (isRunning(server.script.pid) ? undefined : true));
  });
});
