/** Wrangler as the scripts run it: quiet, without telemetry, update checks or network, its files inside the state folder. */
import { spawn } from "node:child_process";
import path from "node:path";

export const PROJECT = path.dirname(import.meta.dirname);
const WRANGLER = path.join(PROJECT, "node_modules", "wrangler", "bin", "wrangler.js");

/** The folder that `--state` names; without it the one of plain `npx wrangler dev`. */
export function stateFolder(flag: string | undefined): string {
  return flag === undefined ? path.join(PROJECT, ".wrangler", "state") : path.resolve(flag);
}

export interface WranglerRun {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** `state`: the folder that `--persist-to` names, as `stateFolder` gives it. */
export function wranglerEnvironment(state: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    CI: "1",
    NO_COLOR: "1",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_NO_SKILLS_UPDATE_PROMPTS: "true",
    WRANGLER_WRITE_LOGS: "false",
    WRANGLER_LOG_PATH: path.join(state, "logs"),
  };
}

/** In the project's folder, or in `cwd`. */
export function runWrangler(
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  cwd = PROJECT,
): Promise<WranglerRun> {
  const { promise, resolve, reject } = Promise.withResolvers<WranglerRun>();
  const child = spawn(process.execPath, [WRANGLER, ...args], {
    cwd,
    // Wrangler prints results as log lines: a quieter level from the environment would hide them.
    env: { ...environment, WRANGLER_LOG: "log" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const out: Buffer[] = [];
  const errors: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
  child.once("error", reject);
  child.once("close", (code) => {
    resolve({ ok: code === 0, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(errors).toString() });
  });
  return promise;
}
