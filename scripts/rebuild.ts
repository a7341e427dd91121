/** What `npm run dev` does about changed sources. */
import { type FSWatcher, readdirSync, watch } from "node:fs";
import path from "node:path";
import { refusalOf } from "./refusal.ts";
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
  let watchers: FSWatcher[] = [];
  async function rebuild(): Promise<void> {
    try {
      const worker = await buildWorker();
      if (worker.hash === hash) return;
      hash = worker.hash;
      await replace(worker);
      console.log("The changed Worker runs.");
    } catch (error) {
      // A checkout takes files away while they are read.
      const refusal = refusalOf(error);
      if (refusal === null) throw error;
      console.error(refusal.message);
    }
  }
  function changed(): void {
    clearTimeout(timer);
    timer = setTimeout(() => {
      watchAll();
      turn = turn.then(rebuild);
    }, QUIET_MS);
  }
  /** Folder by folder: many editors put a new file in the place of the old one, which only its folder notices. */
  function watchAll(): void {
    for (const watcher of watchers) watcher.close();
    watchers = foldersOf(path.join(PROJECT, "src")).map((folder) => watch(folder, changed));
    watchers.push(watch(PROJECT, (_, name) => (ROOT_FILES.includes(name ?? "") ? changed() : undefined)));
  }
  watchAll();
}

/** The folder itself, and all in it. */
function foldersOf(root: string): string[] {
  const entries = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [root, ...entries.map((entry) => path.join(entry.parentPath, entry.name))];
}
