/** `npm run dev` as a developer has it: in a tree of his own, which changes under it. */
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { openDatabase, statements } from "../../scripts/database.ts";
import { oneTimePasscodes } from "../../src/db/schema/linking.ts";
import {
  makeFolder,
  PROJECT,
  RunningServer,
  removeFolders,
  Script,
  signal,
  until,
  untilGone,
} from "./running-server.ts";

const tree = makeFolder();
const database = openDatabase(path.join(tree, ".wrangler", "state"), false);
const kept = path.join(tree, ".wrangler", "build", "worker.json");
let server: RunningServer;

beforeAll(async () => {
  for (const name of ["src", "scripts", "migrations", "wrangler.toml", "tsconfig.json", "package.json"]) {
    cpSync(path.join(PROJECT, name), path.join(tree, name), { recursive: true });
  }
  symlinkSync(path.join(PROJECT, "node_modules"), path.join(tree, "node_modules"));
  const old = { network: "n", passcode: "abcde", deviceId: "d", createdAt: 0, expiresAt: 0 };
  await database.run([statements.insert(oneTimePasscodes).values(old)]);
  server = await RunningServer.follow(npm("run", "dev", "--", "--port", "0"));
});

afterAll(async () => {
  for (const pid of server?.processes() ?? []) signal(pid, "SIGKILL");
  removeFolders();
});

function npm(...args: string[]): Script {
  return new Script("npm", args, { node: false, cwd: tree });
}

async function version(): Promise<string> {
  const response = await fetch(`${server.url}/health`);
  return ((await response.json()) as { version: string }).version; // safe: asserted by the caller
}

/** As many editors do it: a new file in the place of the old one. */
function edit(file: string, change: (text: string) => string): void {
  const place = path.join(tree, "src", file);
  writeFileSync(`${place}~`, change(readFileSync(place, "utf8")));
  renameSync(`${place}~`, place);
}

describe("the build", () => {
  test("[R34] [R67] is told, kept as long as nothing changes, and holds no secret", async () => {
    expect(server.script.stdout).toContain("Building the Worker ...\n");
    const [, key = ""] = /AGENT_KEYS=(\S+)/.exec(readFileSync(path.join(tree, ".dev.vars"), "utf8")) ?? [];
    expect(key).not.toBe("");
    expect(readFileSync(path.join(tree, ".wrangler", "state", "agent-keys"), "utf8")).toBe(`AGENT_KEYS=${key}\n`);
    expect(readFileSync(kept, "utf8")).not.toContain(key);
    const before = statSync(kept).mtimeMs;
    const made = await npm("run", "-s", "token", "--", "--email", "you@example.com").finished;
    expect(made).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^plt_[\w-]{43}\n$/) });
    expect(statSync(kept).mtimeMs).toBe(before);
  });
});

describe("the scheduled run", () => {
  test("[R28] has come: what retention deletes is gone", async () => {
    await until("retention", async () => {
      const [rows] = await database.run([statements.select().from(oneTimePasscodes)]);
      return rows?.length === 0 ? true : undefined;
    });
  });
});

describe("npm run dev", () => {
  const page = path.join("http", "service", "docs.ts");

  test("[R35] a changed source runs in place of the old one", async () => {
    edit(page, (text) => text.replace(`"${manifest.version}"`, '"9.9.9"'));
    await until("the changed Worker", async () => ((await version().catch(() => "")) === "9.9.9" ? true : undefined));
  });

  test("[R35] what cannot be built, or does not start, is told in a few lines, and the last one that did runs on", async () => {
    edit("index.ts", (text) => `import "./nowhere.ts";\n${text}`);
    await until("the error", async () => (server.script.stderr.includes("nowhere.ts") ? true : undefined));
    expect(await version()).toBe("9.9.9");
    edit("index.ts", (text) => text.replace('import "./nowhere.ts";', 'throw new Error("at its start");'));
    await until("the error", async () => (server.script.stderr.includes("at its start") ? true : undefined));
    await until("the last good Worker", async () => ((await version().catch(() => "")) === "9.9.9" ? true : undefined));
    expect(server.script.stderr.trim().split("\n").length).toBeLessThan(6);
  });

  test("[R29] when npm is killed outright, nothing that it started is left", async () => {
    const pids = server.processes();
    expect(pids.length).toBeGreaterThan(3);
    signal(server.script.pid, "SIGKILL");
    await untilGone(pids);
  });
});

describe("a Node that is too old", () => {
  const old = `data:text/javascript,${encodeURIComponent(
    `Object.defineProperty(process.versions, "node", { value: "20.1.0" });`,
  )}`;
  const names = Object.entries(manifest.scripts).flatMap(([name, line]) => (/run\.js/.test(line) ? [name] : []));

  function run(folder: string, name: string) {
    const [, ...args] =
      (manifest.scripts[name as keyof typeof manifest.scripts] ?? "").split("run.js")[1]?.split(" ") ?? [];
    const line = ["--import", old, path.join(folder, "scripts", "run.js"), ...args];
    return spawnSync(process.execPath, line, { cwd: folder, encoding: "utf8" });
  }

  test("[R30] every script that a person runs is started by the one that an old Node can read", () => {
    expect(names).toEqual(expect.arrayContaining(["start", "dev", "token", "link", "simulate", "chaos", "bench"]));
    const lines = Object.values(manifest.scripts);
    expect(lines.filter((line) => /scripts\/(?!run\.js|check-)/.test(line))).toEqual([]);
  });

  test.each(names)("[R30] npm run %s is one line that says what to do, and exit code 1", (name) => {
    const { status, stdout, stderr } = run(tree, name);
    expect([status, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^Node 24 is needed, this is 20\.1\.0\. Run it with npm: npm run \w+\n$/);
  });

  test("[R30] without the project's own Node, or without any package, the line says how to get it", () => {
    rmSync(path.join(tree, "node_modules"));
    expect(run(tree, "start").stderr).toBe("The packages are not installed. Run: npm ci\n");
    cpSync(path.join(PROJECT, "node_modules", "miniflare"), path.join(tree, "node_modules", "miniflare"), {
      recursive: true,
    });
    expect(run(tree, "start").stderr).toMatch(/ and the project's own is missing\. Run: npm rebuild node /);
  });
});
