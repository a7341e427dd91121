/** Miniflare as the scripts use it: the folders and names of `wrangler dev`; no network, no words of its own, no loose ends. */
import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import path from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4WorkerOptions } from "miniflare";
import { leash } from "./leash.ts";

export const LOOPBACK = "127.0.0.1";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** `state`: the folder that wrangler names with `--persist-to`. `show` is given each line that a Worker writes. */
export function miniflareOptions(state: string, workers: V4WorkerOptions[], show: (line: string) => void) {
  return convertV4MiniflareOptions({
    host: LOOPBACK,
    port: 0,
    cf: false,
    log: new Log(LogLevel.NONE),
    logRequests: false,
    handleStructuredLogs: ({ message }) => show(message),
    resourcePersistencePath: path.join(state, "v3"),
    workers,
  });
}

/** Its runtime ends with this process. */
export function openMiniflare(options: ReturnType<typeof miniflareOptions>): Miniflare {
  // At a signal Miniflare would end the process; that is for the script to do, and for the leash.
  const before = new Set<unknown>(SIGNALS.flatMap((signal) => process.listeners(signal)));
  const miniflare = new Miniflare(options);
  for (const signal of SIGNALS) {
    for (const listener of process.listeners(signal)) if (!before.has(listener)) process.off(signal, listener);
  }
  return miniflare;
}

/** Miniflare tells nobody which process it has started: `follow` is given each one, also those that take another's place. */
export function followRuntimes(follow: (child: ChildProcess) => void): void {
  subscribe("child_process", (message) => {
    const { process: child } = message as { process: ChildProcess }; // safe: the channel's documented message
    child.once("spawn", () => {
      if (path.basename(child.spawnfile) === "workerd") follow(child);
    });
  });
}

followRuntimes(leash);
