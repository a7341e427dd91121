/** The local server from its first step to its last: build, database, runtime, printers, and how all of it ends. */
import { mkdirSync } from "node:fs";
import { detailOf } from "./api.ts";
import { type Demo, startDemo } from "./demo.ts";
import { Front } from "./front.ts";
import { everyHour } from "./hourly.ts";
import { migrate, withLocalDatabase } from "./local-database.ts";
import { ensureLocalSecret, readLocalValues } from "./local-secret.ts";
import { followNpm } from "./parent.ts";
import { rebuildOnChange } from "./rebuild.ts";
import { Refusal } from "./refusal.ts";
import type { Runtime } from "./runtime.ts";
import { claimState } from "./state-claim.ts";
import { type BuiltWorker, buildWorker } from "./worker.ts";

const LOOPBACK = ["127.0.0.1", "localhost", "::1"];

export interface ServerOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly state: string;
  /** Without it changed sources are built again. */
  readonly hasDemo: boolean;
}

/** Resolves after Ctrl-C, a refusal when the server cannot go on; nothing that was started is left then. */
export async function runServer(options: ServerOptions): Promise<void> {
  const front = await Front.open(options.host, options.port);
  if (!LOOPBACK.includes(options.host)) {
    console.log(
      `Warning: whoever reaches ${options.host} reaches this server; agents on the LAN are what that is for.`,
    );
  }
  mkdirSync(options.state, { recursive: true });
  ensureLocalSecret();
  await new Run(options, front).untilStopped();
}

/** What one run started, and how all of it ends. */
class Run {
  readonly #options: ServerOptions;
  readonly #front: Front;
  readonly #stopped = Promise.withResolvers<void>();
  #runtime: Runtime | null = null;
  #demo: Demo | null = null;

  constructor(options: ServerOptions, front: Front) {
    this.#options = options;
    this.#front = front;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => this.#stopped.resolve());
    void followNpm(() => this.#stopped.resolve());
  }

  /** As `runServer`. */
  async untilStopped(): Promise<void> {
    try {
      await Promise.race([this.#stopped.promise, this.#goOn()]);
    } finally {
      this.#demo?.stop();
      this.#front.close();
      await this.#runtime?.stop();
      // Calls in flight need no answer any more.
      setImmediate(() => process.exit());
    }
  }

  /** Migrates before anything else uses the database: of two that open a killed server's at once, one finds it locked. */
  async #goOn(): Promise<void> {
    const { state, hasDemo } = this.#options;
    await claimState(state, this.#front.url);
    console.log("Building the Worker (only when something has changed) ...");
    const worker = await buildWorker();
    console.log("Preparing the database ...");
    await withLocalDatabase(state, worker, (database) => migrate(database, worker.migrations));
    console.log("Starting the runtime ...");
    const { Runtime } = await import("./runtime.ts");
    const secrets = readLocalValues([...worker.secrets, ...Object.keys(worker.options.bindings ?? {})]);
    const runtime = await Runtime.start(worker, { state, secrets, isTalkative: !hasDemo });
    this.#runtime = runtime;
    await Promise.race([this.#serve(runtime, worker), runtime.died]);
  }

  async #serve(runtime: Runtime, worker: BuiltWorker): Promise<void> {
    await checkHealth(await runtime.findUrl());
    this.#front.passTo(await runtime.findUrl());
    const { url } = this.#front;
    if (this.#options.hasDemo) {
      console.log("Linking the virtual printers ...");
      this.#demo = await startDemo(url, this.#options.state);
    } else {
      rebuildOnChange(worker, async (changed) => {
        await runtime.replace(changed);
        this.#front.passTo(await runtime.findUrl());
      });
    }
    console.log(this.#demo === null ? plainSummary(url) : demoSummary(url, this.#demo));
    // What goes wrong in it stands in the Worker's log.
    everyHour(() => void runtime.runScheduled().catch(() => {}));
    await this.#stopped.promise;
  }
}

async function checkHealth(runtime: URL): Promise<void> {
  const response = await fetch(new URL("/health", runtime));
  if (!response.ok) throw new Refusal(`The server refuses to work: ${await detailOf(response)}`);
}

function plainSummary(url: string): string {
  return `
Platen runs on ${url}

  A token:        npm run -s token -- --email you@example.com
  Documentation:  ${url}/docs

Ctrl-C ends it.`;
}

function demoSummary(url: string, { token, printers }: Demo): string {
  const lines = printers.map((printer) => `  ${printer.id}  ${printer.name}: ${describe(printer)}`);
  const bearer = `-H "Authorization: Bearer ${token}"`;
  const one = `${url}/api/v1/printers/${printers[0]?.id}`;
  return `
Platen runs on ${url}

${lines.join("\n")}

  List the printers, pause one, look at it:

curl ${bearer} ${url}/api/v1/printers/
curl -X POST ${bearer} ${one}/pause_print/
curl ${bearer} ${one}/

  Documentation: ${url}/docs

Ctrl-C ends it.`;
}

function describe(printer: Demo["printers"][number]): string {
  return printer.current_print === null ? "linked" : `prints ${printer.current_print.filename}`;
}
