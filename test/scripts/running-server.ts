/** The real server, started as a person starts it, and what a person sees of it. */
import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";

export const PROJECT = path.join(import.meta.dirname, "../..");
const SCRIPTS = path.join(PROJECT, "scripts");

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A script of the project, run to its end. */
export function runScript(name: string, ...args: string[]): Promise<Finished> {
  return new Script(name, args).finished;
}

/** What a line prints that a person pastes into a shell. */
export function shell(line: string): string {
  return execFileSync("sh", ["-c", line], { cwd: PROJECT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
}

/** A folder that nobody else uses; `removeFolders` takes it away. */
export function makeFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "platen-test-"));
  folders.push(folder);
  return folder;
}

const folders: string[] = [];

export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export class Script {
  readonly finished: Promise<Finished>;
  readonly pid: number;
  stdout = "";
  stderr = "";
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;

  /** `node: false`: any other program, in the folder `cwd`. */
  constructor(name: string, args: readonly string[], { cwd = PROJECT, node = true } = {}) {
    const [program, ...rest] = node ? [process.execPath, path.join(SCRIPTS, name), ...args] : [name, ...args];
    const child = spawn(program, rest, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.on("data", (chunk: Buffer) => {
      this.stdout += chunk;
    });
    child.stderr.on("data", (chunk: Buffer) => {
      this.stderr += chunk;
    });
    this.#child = child;
    this.pid = child.pid ?? 0;
    const { promise, resolve } = Promise.withResolvers<Finished>();
    this.finished = promise;
    child.once("close", (code) => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
  }

  send(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** What it printed so far, once that matches; an error when it ends without. `what` is for that error. */
  shown(what: string, pattern: RegExp): Promise<RegExpExecArray> {
    return until(what, async () => {
      const match = pattern.exec(this.stdout);
      if (match === null && this.#hasEnded) throw new Error(`it ended without ${what}: ${this.stderr}`);
      return match ?? undefined;
    });
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}

/** `scripts/start.ts` on a free port, once it has printed its summary. */
export class RunningServer {
  readonly url: string;
  readonly script: Script;

  private constructor(script: Script, url: string) {
    this.script = script;
    this.url = url;
  }

  static start(state: string, ...args: string[]): Promise<RunningServer> {
    return RunningServer.follow(new Script("start.ts", ["--port", "0", "--state", state, ...args]));
  }

  /** A start of another kind, which prints the same summary. */
  static async follow(script: Script): Promise<RunningServer> {
    const summary = script.shown("the summary", /Platen runs on (\S+)[\s\S]*Ctrl-C/);
    const [, url = ""] = await summary.catch((error: unknown) => {
      script.send("SIGKILL");
      throw error;
    });
    return new RunningServer(script, url);
  }

  /** The token that the summary prints. */
  get token(): string {
    return /plt_[\w-]+/.exec(this.script.stdout)?.[0] ?? "";
  }

  /** The lines that the summary prints to be copied. */
  curlLines(): string[] {
    return this.script.stdout.split("\n").filter((line) => line.startsWith("curl "));
  }

  /** Every process that it started, itself first. */
  processes(): number[] {
    return withDescendants(this.script.pid);
  }

  /** As in a power cut. */
  async killTree(): Promise<void> {
    const pids = this.processes();
    for (const pid of pids) signal(pid, "SIGKILL");
    await untilGone(pids);
  }

  async stop(): Promise<Finished> {
    this.script.send("SIGINT");
    return this.script.finished;
  }
}

/** Longer than anything takes on a machine with ten times the work that it can do; whatever takes longer hangs. */
const PATIENCE_MS = 8 * 60_000;

/** The first value that is not undefined; an error that names what was waited for when none came. */
export async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`${what} did not come about`);
    await pause(50);
  }
}

/** Resolves when none of the processes runs any more. */
export async function untilGone(pids: readonly number[]): Promise<void> {
  await until("the end of every process", async () => (pids.some(isRunning) ? undefined : true));
}

export function isRunning(pid: number): boolean {
  return processTable().some((row) => row.pid === pid && !row.state.startsWith("Z"));
}

/** The process and every one that it started. */
export function withDescendants(pid: number): number[] {
  const table = processTable();
  const children = (parent: number): number[] => table.filter((row) => row.parent === parent).map((row) => row.pid);
  const collect = (root: number): number[] => [root, ...children(root).flatMap(collect)];
  return collect(pid);
}

function processTable(): { pid: number; parent: number; state: string }[] {
  const text = execFileSync("ps", ["-eo", "pid=,ppid=,stat="], { encoding: "utf8" });
  return text
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, parent, state]) => ({ pid: Number(pid), parent: Number(parent), state: state ?? "" }));
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself meanwhile.
  }
}
