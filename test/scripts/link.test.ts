/** `npm run link`, as a person at a terminal sees it, and an agent that is nothing but one HTTP call. */
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { call, type Printer } from "./api-client.ts";
import { makeFolder, RunningServer, removeFolders, runScript, Script } from "./running-server.ts";

const state = makeFolder();
let server: RunningServer;

beforeAll(async () => {
  server = await RunningServer.start(state);
});

afterAll(async () => {
  await server?.stop();
  removeFolders();
});

async function startLink(...flags: string[]): Promise<{ script: Script; code: string }> {
  const script = new Script("link.ts", ["--token", server.token, "--url", server.url, ...flags]);
  const [, code = ""] = await script.shown("the code", /Code {4}(\d{6}) /);
  await script.shown("what an agent elsewhere needs", /another machine: start the server with --host 0\.0\.0\.0/);
  return { script, code };
}

async function verify(code: string): Promise<Printer> {
  const response = await fetch(`${server.url}/api/v1/octo/verify/?code=${code}`, { method: "POST" });
  expect(response.status).toBe(200);
  return ((await response.json()) as { printer: Printer }).printer; // safe: asserted by the caller
}

describe("npm run link", () => {
  test("[R12] shows a code and ends with 0 once a bare call used it", async () => {
    const { script, code } = await startLink();
    const printer = await verify(code);
    const { code: exitCode, stdout, stderr } = await script.finished;
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(new RegExp(`Linked: printer ${printer.id}, "My Printer"\\.\n$`));
    const { body } = await call(server, server.token, "GET", `/api/v1/printers/${printer.id}/`);
    expect(body.auth_token).toBe(printer.auth_token);
  });

  test("[R12] Ctrl-C ends it with 130 and a line; a second run shows the same code, for the same printer", async () => {
    const made = await call(server, server.token, "POST", "/api/v1/printers/", { name: "Shed" });
    const flags = ["--printer", String(made.body.id)];
    const first = await startLink(...flags);
    first.script.send("SIGINT");
    const { code: exitCode, stdout, stderr } = await first.script.finished;
    expect([exitCode, stderr, stdout.split("\n").at(-2)]).toEqual([
      ...[130, ""],
      "Stopped. The code stays valid until it expires.",
    ]);
    const second = await startLink(...flags);
    expect(second.code).toBe(first.code);
    const printer = await verify(second.code);
    expect(printer.id).toBe(made.body.id);
    expect(printer.auth_token).not.toBe(made.body.auth_token);
    expect((await second.script.finished).stdout).toMatch(/Linked: printer \d+, "Shed"\.\n$/);
  });

  test.each([
    { flags: ["--token", "plt_x", "--printer", "0"], exitCode: 2 },
    { flags: ["--token", "plt_x", "--url", "nowhere"], exitCode: 2 },
    { flags: ["--unknown"], exitCode: 2 },
    { flags: ["--token", "plt_x", "--url", "http://127.0.0.1:1"], exitCode: 1 },
  ])("[R12] $flags is one line and exit code $exitCode", async ({ flags, exitCode }) => {
    const { code, stdout, stderr } = await runScript("link.ts", ...flags);
    expect([code, stdout, stderr.split("\n").length]).toEqual([exitCode, "", 2]);
  });

  test.each(["link.ts", "simulate.ts"])(
    "[R12] [R13] %s: a server of another kind is one line and exit code 1",
    async (name) => {
      const other = createServer((_, answer) => answer.end("<html>")).listen(0, "127.0.0.1");
      await once(other, "listening");
      const { port } = other.address() as AddressInfo; // safe: it listens on a port
      const url = `http://127.0.0.1:${port}`;
      const { code, stdout, stderr } = await runScript(name, "--token", "plt_x", "--url", url);
      const line = `${url} is no Platen server: it answers something else. Name its address with --url.\n`;
      expect([code, stdout, stderr]).toEqual([1, "", line]);
      other.close();
    },
  );

  test("[R12] a printer that is not the account's is one line and exit code 1", async () => {
    const flags = ["--token", server.token, "--url", server.url, "--printer", "999999"];
    const { code, stderr } = await runScript("link.ts", ...flags);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/404 No Printer matches the given query\.\n$/)]);
  });
});
