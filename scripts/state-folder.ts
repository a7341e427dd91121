/** The folder that keeps everything of a local server, judged before anything is written into it. */
import { accessSync, constants, existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import path from "node:path";
import { Refusal, reasonOf } from "./refusal.ts";

/** Makes the folder if it is missing. A refusal where it, or anything in it, cannot be read and written. */
export function makeState(state: string): void {
  let place = state;
  try {
    makeFolder(state);
    accessSync(state, constants.R_OK | constants.W_OK);
    for (const name of readdirSync(state, { recursive: true, encoding: "utf8" })) {
      place = path.join(state, name);
      // A server that runs on it takes files away meanwhile.
      if (existsSync(place)) accessSync(place, constants.R_OK | constants.W_OK);
    }
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === null) throw error;
    throw new Refusal(
      `The state cannot be kept in ${place}: ${reason}. Mend that, or choose another folder with --state.`,
    );
  }
}

/** Step by step: Node's own way tries for ever where a folder cannot be made, as in /proc. */
function makeFolder(folder: string): void {
  if (existsSync(folder) && statSync(folder).isDirectory()) return;
  const parent = path.dirname(folder);
  if (parent !== folder) makeFolder(parent);
  mkdirSync(folder);
}
