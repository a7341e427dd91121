/** What `npm run dev` does about changed sources. */
import { watch } from "node:fs";
import path from "node:path";
import { Refusal } from "./refusal.ts";
import { type BuiltWorker, buildWorker } from "./worker.ts";
import { PROJECT } from "./wrangler.ts";

/** An editor writes a file in several steps, and a checkout many files. */
const QUIET_MS = 100;
const ROOT_FILES = ["wrangler.toml", "tsconfig.json", "package.json"];

/** Builds after each change, and calls `replace` with what differs from the last. What cannot be built or run is told, no more. */
export function rebuildOnChange(first: BuiltWorker, replace: (worker: BuiltWorker) => Promise<void>): void {
  let { hash } = first;
  let timer: NodeJS.Timeout | undefined;
  let turn = Promise.resolve();
  async function rebuild(): Promise<void> {
    try {
      const worker = await buildWorker();
      if (worker.hash === hash) return;
      hash = worker.hash;
      await replace(worker);
      console.log("The changed Worker runs.");
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      console.error(error.message);
    }
  }
  function changed(): void {
    clearTimeout(timer);
    timer = setTimeout(() => {
      turn = turn.then(rebuild);
    }, QUIET_MS);
  }
  watch(path.join(PROJECT, "src"), { recursive: true }, changed);
  watch(PROJECT, (_, name) => {
    if (name !== null && ROOT_FILES.includes(name)) changed();
  });
}
