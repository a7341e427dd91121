/** The state folder: what is in it, copied, robbed of its keys, and one that cannot be used. */
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { claimState, findServer } from "../../scripts/state-claim.ts";
import { call, type Printer } from "./api-client.ts";
import { RawAgent } from "./raw-agent.ts";
import { makeFolder, RunningServer, removeFolders, runScript, shell, until } from "./running-server.ts";

const folder = makeFolder();
const state = path.join(folder, "the first's state");
const copy = path.join(folder, "copy");
let first: RunningServer;
let token: string;
let agentToken: string;

beforeAll(async () => {
  first = await RunningServer.start(state, "--no-demo");
  const [hint = ""] = /npm run -s token .*/.exec(first.script.stdout) ?? [];
  token = shell(hint).trim();
  const made = await call(first, token, "POST", "/api/v1/printers/", { name: "Kept" });
  agentToken = made.body.auth_token;
});

afterAll(removeFolders);

function start(...flags: string[]) {
  return runScript("start.ts", "--port", "0", ...flags);
}

describe("the folder", () => {
  test("[R64] the line that the summary prints makes a token for this very server, wherever its state lies", async () => {
    expect(token).toMatch(/^plt_[\w-]{43}$/);
    expect((await call<Printer[]>(first, token, "GET", "/api/v1/printers/")).body).toHaveLength(1);
  });

  test("[R60] holds the keys, for its owner's eyes only", () => {
    const keys = path.join(state, "agent-keys");
    expect(readFileSync(keys, "utf8")).toMatch(/^AGENT_KEYS=k[0-9a-z]{3}:[\w-]{43}\n$/);
    expect(statSync(keys).mode & 0o777).toBe(0o600);
  });

  test("[R65] is known by what it is: a copy has no server, and one that is moved still has its own", async () => {
    const moved = path.join(folder, "moved");
    mkdirSync(copy);
    cpSync(path.join(state, "server.json"), path.join(copy, "server.json"));
    expect(await findServer(copy)).toBeNull();
    renameSync(state, moved);
    expect(await findServer(moved)).toMatchObject({ pid: first.script.pid, url: first.url });
    renameSync(moved, state);
  });

  test("[R65] has no server either when what answers is the one that asks, whoever has the process id of the last", async () => {
    const robbed = path.join(folder, "robbed");
    mkdirSync(robbed);
    const { ino: inode } = statSync(robbed);
    writeFileSync(path.join(robbed, "server.json"), JSON.stringify({ pid: process.ppid, url: first.url, inode }));
    await claimState(robbed, first.url);
    expect(JSON.parse(readFileSync(path.join(robbed, "server.json"), "utf8"))).toMatchObject({ pid: process.pid });
    await expect(claimState(state, "http://127.0.0.1:1")).rejects.toThrow(
      `A server runs on ${state} already: ${first.url}`,
    );
  });

  test("[R60] copied it lets the same agents in", async () => {
    const agent = await RawAgent.connect(first.url, agentToken);
    agent.report(Math.floor(Date.now() / 1000), "Printing", "PrintStarted");
    await until("the print", async () => {
      const { body } = await call<Printer[]>(first, token, "GET", "/api/v1/printers/");
      return body[0]?.current_print ?? undefined;
    });
    agent.close();
    await first.stop();
    expect(await findServer(state)).toBeNull();
    cpSync(state, copy, { recursive: true });
    const second = await RunningServer.start(copy, "--no-demo");
    (await RawAgent.connect(second.url, agentToken)).close();
    await second.stop();
  });

  test("[R61] without its keys it is refused with a line that says how to go on, and what that prints works", async () => {
    rmSync(path.join(copy, "agent-keys"));
    const { code, stderr } = await start("--state", copy, "--no-demo");
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^This state has printers, .*agent-keys.*\n$/)]);
    const [, line = ""] = /linked again: (.*)\n/.exec(stderr) ?? [];
    shell(line);
    const server = await RunningServer.start(copy, "--no-demo");
    expect(server.script.stdout).toMatch(/agent-keys lacks k[0-9a-z]{3}: /);
    expect(statSync(path.join(copy, "agent-keys")).mode & 0o777).toBe(0o600);
    await expect(RawAgent.connect(server.url, agentToken)).rejects.toThrow("401");
    await server.stop();
  });
});

describe("a folder that cannot be used", () => {
  const file = path.join(folder, "file");
  const damaged = path.join(folder, "damaged");

  beforeAll(() => {
    writeFileSync(file, "");
    const databases = path.join("v3", "d1", "miniflare-D1DatabaseObject");
    mkdirSync(path.join(damaged, databases), { recursive: true });
    for (const name of readdirSync(path.join(state, databases)).filter((entry) => entry.endsWith(".sqlite"))) {
      writeFileSync(path.join(damaged, databases, name), "no database ".repeat(1000));
    }
  });

  test.each([
    { what: "a file", flags: () => ["--state", file], exitCode: 1, line: /: a file is in the way\. .* --state\.$/ },
    {
      what: "in a file",
      flags: () => ["--state", `${file}/x`],
      exitCode: 1,
      line: /: a file is in the way\. .* --state\.$/,
    },
    {
      what: "in /proc",
      flags: () => ["--state", "/proc/x"],
      exitCode: 1,
      line: /^The state cannot be kept in \/proc\/x: /,
    },
    { what: "damaged", flags: () => ["--state", damaged], exitCode: 1, line: /: it is damaged\. Restore the folder / },
    { what: "no name", flags: () => ["--state", ""], exitCode: 2, line: /^--state is empty\. / },
  ])("[R63] $what: npm start and npm run token say so in one line", async ({ flags, exitCode, line }) => {
    const token = runScript("token.ts", "--list", ...flags());
    for (const { code, stderr } of [await start(...flags()), await token]) {
      expect([code, stderr.split("\n").length]).toEqual([exitCode, 2]);
      if (!stderr.startsWith("There is no folder")) expect(stderr.trim()).toMatch(line);
    }
  });

  test("[R63] npm run token makes no folder where a name was mistyped", async () => {
    const { code, stderr } = await runScript("token.ts", "--email", "a@b", "--state", path.join(folder, "my stat"));
    const named = `'${path.join(folder, "my stat")}'`;
    expect([code, stderr]).toEqual([1, expect.stringMatching(`npm start -- --state ${named} makes it\\.\n$`)]);
    expect(readdirSync(folder)).not.toContain("my stat");
  });
});

describe("the virtual printers", () => {
  const demo = path.join(folder, "demo");

  test("[R64] [R66] [V40] go on as they were told at the last moment, and the next start shows and offers what is true", async () => {
    const before = await RunningServer.start(demo);
    const { body: printers } = await call<Printer[]>(before, before.token, "GET", "/api/v1/printers/");
    const [one, other] = printers.map(({ id }) => `/api/v1/printers/${id}/`);
    await call(before, before.token, "POST", `${one}cancel_print/`);
    await call(before, before.token, "POST", `${other}pause_print/`);
    await before.stop();
    const after = await RunningServer.start(demo);
    expect(after.script.stdout).toMatch(
      / Virtual Klipper: idle since its print was cancelled; begins the next in \d+ min\n/,
    );
    expect(after.script.stdout).toMatch(/ Virtual OctoPrint: has paused /);
    const [, look = "", resume = ""] = after.curlLines().map(shell);
    expect(JSON.parse(look)).toMatchObject({ id: printers[1]?.id, status: { state: { text: "Paused" } } });
    expect(JSON.parse(resume)).toMatchObject({ succeeded: true, command: { kind: "resume", state: "succeeded" } });
    const saved = path.join(demo, "virtual-printers.json");
    rmSync(saved);
    mkdirSync(saved);
    await until("the failure", async () => (after.script.stderr.includes("saved") ? true : undefined));
    await call(after, after.token, "GET", "/api/v1/printers/");
    const { code, stderr } = await after.stop();
    expect([code, stderr]).toEqual([0, "The virtual printers cannot be saved: a folder is in the way.\n"]);
  });
});
