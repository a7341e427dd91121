/** The local server as a process of its own, on a free port, with a folder that goes with it: for scripts that play on it. */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { makeToken } from "./account.ts";
import { openDatabase } from "./database.ts";
import { leash } from "./leash.ts";
import { followNpm } from "./parent.ts";
import { Refusal, refusalOf } from "./refusal.ts";
import { isRunning } from "./running.ts";
import { PROJECT } from "./wrangler.ts";

/** A server that is told to end takes that long at most. */
const STOP_MS = 10_000;

const INTERRUPTED = 130;

/** The script that plays: its folder is named by it. */
type Player = "lives" | "fuzz";

export interface LocalServer {
  /** Once it serves; never when it was stopped before. */
  readonly url: Promise<string>;
  /** Resolves once the server and its folder are gone. */
  stop(): Promise<void>;
  /** What its log says so far. */
  log(): string;
  /** A token of an account with that name. */
  makeToken(name: string): Promise<string>;
}

/** Ends the process, and the server with it: with 1 unless `play` says that all was right, with 130 after a signal. */
export async function playOnServer(player: Player, play: (server: LocalServer) => Promise<boolean>): Promise<never> {
  console.log("Starting the server ...");
  const server = startServer(player);
  const stop = async (code: number): Promise<never> => {
    await server.stop();
    process.exit(code);
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => void stop(INTERRUPTED));
  void followNpm(() => void stop(INTERRUPTED));
  try {
    return await stop((await play(server)) ? 0 : 1);
  } catch (error) {
    console.error(refusalOf(error)?.message ?? error);
    return stop(1);
  }
}

function startServer(player: Player): LocalServer {
  removeLeftovers(folderOf(player, ""));
  const state = path.join(tmpdir(), folderOf(player, process.pid));
  mkdirSync(state);
  const flags = ["--port", "0", "--state", state, "--no-demo"];
  const script = path.join(PROJECT, "scripts", "start.ts");
  const child = spawn(process.execPath, [script, ...flags], { stdio: ["ignore", "pipe", "pipe"], detached: true });
  leash(child);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  let isStopping = false;
  const stop = async () => {
    isStopping = true;
    child.kill("SIGINT");
    await Promise.race([exited, pause(STOP_MS, undefined, { ref: false })]);
    child.kill("SIGKILL");
    rmSync(state, { recursive: true, force: true, maxRetries: 5 });
  };
  let printed = "";
  const url = new Promise<string>((resolve, reject) => {
    child.stdout.on("data", (chunk) => {
      printed += chunk;
      const [, found] = /Platen runs on (\S+)[\s\S]*Ctrl-C/.exec(printed) ?? [];
      if (found !== undefined) resolve(found);
    });
    child.stderr.on("data", (chunk) => {
      printed += chunk;
    });
    void exited.then(() => {
      if (!isStopping) reject(new Refusal(`The server did not start:\n${printed.trim()}`));
    });
  });
  const makeTokenOf = (name: string) => {
    const wish = { email: `${name}@localhost`, name: player, canRead: true, canWrite: true, expiresAt: null };
    return makeToken(openDatabase(state, false), wish, Date.now());
  };
  return { url, stop, log: () => printed, makeToken: makeTokenOf };
}

function folderOf(player: Player, pid: number | ""): string {
  return `platen-${player}-${pid}`;
}

/** Deletes what runs left that were killed. */
function removeLeftovers(prefix: string): void {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(prefix) || isRunning(Number(name.slice(prefix.length)))) continue;
    rmSync(path.join(tmpdir(), name), { recursive: true, force: true });
  }
}
