/** Whoever started a script through npm can end it with npm only: when npm is gone, so is every key that could be pressed. */
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { isRunning } from "./running.ts";

const POLL_MS = 500;

/** Calls `onGone` once npm, or the shell that it runs scripts in, is gone; never for a script that npm did not start. */
export async function followNpm(onGone: () => void): Promise<void> {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const npm = await findNpm(parent);
  const timer = setInterval(() => {
    if (process.ppid === parent && isRunning(npm)) return;
    clearInterval(timer);
    onGone();
  }, POLL_MS);
  timer.unref();
}

/** Some shells put the script in their own place, others wait for it between npm and the script. */
async function findNpm(parent: number): Promise<number> {
  // Small containers have no `ps`.
  const nothing = { stdout: "" };
  const { stdout } = await promisify(execFile)("ps", ["-o", "ppid=,comm=", "-p", String(parent)]).catch(() => nothing);
  const [, grandparent = "", command = ""] = /^\s*(\d+)\s+(.*?)\s*$/.exec(stdout) ?? [];
  return /^-?(ba|da|z|k|a)?sh$/.test(path.basename(command)) ? Number(grandparent) : parent;
}
