/** One server a state folder: two would write the same databases, each with its own idea of what is in them. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Refusal } from "./refusal.ts";
import { isRunning } from "./running.ts";

const ANSWER_MS = 2000;

interface Claim {
  readonly pid: number;
  readonly url: string;
}

/** Claims the folder for the server of this process at `url`. A refusal when another one that runs has it. */
export async function claimState(state: string, url: string): Promise<void> {
  const file = path.join(state, "server.json");
  const held = readClaim(file);
  if (held !== null && (await isServing(held))) {
    throw new Refusal(`A server runs on ${state} already: ${held.url}, process ${held.pid}.`);
  }
  const claim: Claim = { pid: process.pid, url };
  writeFileSync(file, JSON.stringify(claim));
}

function readClaim(file: string): Claim | null {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Claim; // safe: written above
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
  } catch {
    return false;
  }
}
