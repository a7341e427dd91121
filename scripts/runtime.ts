/** The runtime of the local server: the built Worker in Miniflare, at a port of its own that only this machine reaches. */
import { setTimeout as pause } from "node:timers/promises";
import type { Miniflare, V4WorkerOptions } from "miniflare";
import { openRefusal } from "./local-database.ts";
import { localEntry } from "./local-entry.ts";
import { followRuntimes, LOOPBACK, miniflareOptions, openMiniflare } from "./miniflare.ts";
import { Refusal } from "./refusal.ts";
import type { BuiltWorker } from "./worker.ts";

const STOP_MS = 1500;

// The runtime's own objects look small to V8, which lets them gather to hundreds of megabytes before it looks through all of its
// heap: here it does each time. That costs work, by the size of the heap, that a workshop's printers do not make dear.
process.env.MINIFLARE_WORKERD_V8_FLAGS = "--gc-global";

export interface RuntimeOptions {
  /** The folder that wrangler names with `--persist-to`. */
  readonly state: string;
  /** Secrets, and what takes the place of vars, by their names. */
  readonly values: Readonly<Record<string, string>>;
  /** Whether everything that the Worker writes is shown, or only the lines of its log. */
  readonly isTalkative: boolean;
}

export class Runtime {
  /** Rejects with a refusal when the runtime ends before it is told to; never resolves. */
  readonly died: Promise<never>;
  readonly #options: RuntimeOptions;
  readonly #miniflare: Miniflare;
  #worker: BuiltWorker;
  /** While it is stopped or replaced, its end is no news. */
  #mayEnd = false;

  private constructor(worker: BuiltWorker, options: RuntimeOptions) {
    this.#options = options;
    this.#worker = worker;
    const { promise, reject } = Promise.withResolvers<never>();
    this.died = promise;
    this.died.catch(() => {});
    followRuntimes((child) => {
      child.once("exit", () => {
        // Miniflare would start another one, and another.
        if (child.killed || this.#mayEnd) return;
        reject(new Refusal("The server ended: its runtime (workerd) was ended from outside."));
      });
    });
    this.#miniflare = openMiniflare(this.#read(worker));
  }

  /** A refusal when the runtime does not come up. */
  static async start(worker: BuiltWorker, options: RuntimeOptions): Promise<Runtime> {
    const runtime = new Runtime(worker, options);
    await runtime.#miniflare.ready.catch((error: unknown) => {
      throw openRefusal(options.state, error) ?? new Refusal(`The Worker does not start: ${reasonOf(error)}`);
    });
    return runtime;
  }

  findUrl(): Promise<URL> {
    return this.#miniflare.unsafeGetDirectURL();
  }

  /** Runs another build in place of the one that runs; sockets are cut. A refusal when it does not start: the last one runs on. */
  async replace(worker: BuiltWorker): Promise<void> {
    this.#mayEnd = true;
    try {
      await this.#miniflare.setOptions(this.#read(worker));
      this.#worker = worker;
    } catch (error) {
      await this.#miniflare.setOptions(this.#read(this.#worker));
      throw new Refusal(`The changed Worker does not start: ${reasonOf(error)}`);
    } finally {
      this.#mayEnd = false;
    }
  }

  /** Calls the Worker's scheduled handler once. */
  async runScheduled(): Promise<void> {
    const worker = (await this.#miniflare.getWorker()) as unknown as { scheduled(): Promise<unknown> }; // safe: a Fetcher
    await worker.scheduled();
  }

  /** Resolves when nothing of it is left. */
  async stop(): Promise<void> {
    this.#mayEnd = true;
    await Promise.race([this.#miniflare.dispose().catch(() => {}), pause(STOP_MS)]);
  }

  #read({ options, script }: BuiltWorker) {
    const { state, values, isTalkative } = this.#options;
    const { ratelimits = {}, ...declared } = options;
    const worker: V4WorkerOptions = {
      ...declared,
      bindings: { ...declared.bindings, ...values },
      modules: [
        { type: "ESModule", path: "entry.js", contents: localEntry(ratelimits) },
        { type: "ESModule", path: "worker.js", contents: script },
      ],
      unsafeDirectSockets: [{ host: LOOPBACK, port: 0 }],
    };
    return miniflareOptions(state, [worker], (line) => {
      if (isTalkative || line.startsWith('{"event":')) console.error(line);
    });
  }
}

/** What the runtime says of the Worker, without its stack. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [, thrown] = /Uncaught ([^"\\\n]+)/.exec(message) ?? [];
  return thrown ?? message.split("\n")[0] ?? "";
}
