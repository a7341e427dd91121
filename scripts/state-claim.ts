/** One server a state folder: two would write the same databases, each with its own idea of what is in them. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Refusal } from "./refusal.ts";
import { isRunning } from "./running.ts";

const ANSWER_MS = 2000;

/** The server that has a state folder. */
export interface Claim {
  readonly pid: number;
  /** For callers on this machine. */
  readonly url: string;
  /** Of the folder: a copy of it is another one, wherever the folder itself is moved to. */
  readonly inode: number;
}

/** Claims the folder, which is there, for the server of this process at `url`. A refusal when another one that runs has it. */
export async function claimState(state: string, url: string): Promise<void> {
  const held = await findServer(state);
  // What answers at this process's own address is no other server: after a crash somebody else may have that process id.
  if (held !== null && held.url !== url) {
    const advice = "End it with Ctrl-C where it runs, or choose another folder with --state.";
    throw new Refusal(`A server runs on ${state} already: ${held.url}, process ${held.pid}. ${advice}`);
  }
  const claim: Claim = { pid: process.pid, url, inode: statSync(state).ino };
  writeFileSync(fileOf(state), JSON.stringify(claim));
}

/** The server of another process that runs on the folder now; null when there is none. */
export async function findServer(state: string): Promise<Claim | null> {
  const claim = readClaim(state);
  return claim !== null && (await isServing(claim)) ? claim : null;
}

function fileOf(state: string): string {
  return path.join(state, "server.json");
}

function readClaim(state: string): Claim | null {
  try {
    const claim = JSON.parse(readFileSync(fileOf(state), "utf8")) as Claim; // safe: written above
    return claim.inode === statSync(state).ino ? claim : null;
  } catch {
    return null;
  }
}

/** Both: after a power cut the process id may be anybody's, and the port another server's. */
async function isServing({ pid, url }: Claim): Promise<boolean> {
  if (pid === process.pid || !isRunning(pid)) return false;
  try {
    await fetch(`${url}/health`, { signal: AbortSignal.timeout(ANSWER_MS) });
    return true;
  } catch (error) {
    // One that is stopped or starved takes the connection, and answers later.
    return error instanceof Error && error.name === "TimeoutError";
  }
}
