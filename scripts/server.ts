/**
 * The local server, as a process of its own: `wrangler dev` without its terminal. It leads a process group, so that whatever
 * it started can be ended with it, and it ends when the script that started it is gone, however that went.
 */
import { subscribe } from "node:diagnostics_channel";
import path from "node:path";
import { unstable_startWorker as startWorker } from "wrangler";
import { PROJECT } from "./wrangler.ts";

/** What this process tells the script that started it. */
export type FromServer =
  | { readonly kind: "listening"; readonly url: string }
  | { readonly kind: "failed"; readonly message: string };

const DISPOSAL_MS = 1500;

const [host = "127.0.0.1", port = "8787", state = "", watch = ""] = process.argv.slice(2);

// Ctrl-C at the terminal reaches the script, which decides.
process.on("SIGINT", () => {});
process.once("disconnect", () => void end());
process.once("message", () => void end());
watchRuntime();

const worker = await startWorker({
  config: path.join(PROJECT, "wrangler.toml"),
  dev: {
    server: { hostname: host, port: Number(port) },
    inspector: false,
    persist: state,
    logLevel: "error",
    watch: watch === "watch",
    liveReload: false,
  },
}).catch((error: unknown) => fail(error));

worker?.raw.on("error", (event: { readonly cause?: unknown }) => fail(event.cause));
// Wrangler has said why; a later failure leaves the last good build running.
worker?.raw.once("buildFailed", () => fail("the Worker could not be built"));
worker?.raw.once("reloadComplete", () => worker.raw.removeAllListeners("buildFailed"));
const url = await worker?.url;
if (url !== undefined) tell({ kind: "listening", url: url.origin });

function tell(message: FromServer): void {
  if (process.connected) process.send?.(message);
}

function fail(error: unknown): undefined {
  const message = error instanceof Error ? error.message : String(error);
  tell({ kind: "failed", message: message.split("\n")[0] ?? "" });
  return undefined;
}

/** Wrangler restarts a runtime that was killed from outside; here that ends the server. */
function watchRuntime(): void {
  subscribe("child_process", (message) => {
    const { process: child } = message as { process: import("node:child_process").ChildProcess }; // safe: the channel's documented message
    child.once("exit", () => {
      if (path.basename(child.spawnfile) === "workerd" && !child.killed) {
        tell({ kind: "failed", message: "its runtime (workerd) was ended from outside" });
      }
    });
  });
}

async function end(): Promise<never> {
  const late = setTimeout(killGroup, DISPOSAL_MS);
  await worker?.dispose().catch(() => {});
  clearTimeout(late);
  killGroup();
}

function killGroup(): never {
  process.kill(-process.pid, "SIGKILL");
  process.exit();
}
