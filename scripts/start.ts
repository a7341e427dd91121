/** `npm start`: the whole service on this machine, with an account and two virtual printers; `npm run dev` without those. */
import { mkdirSync } from "node:fs";
import { detailOf } from "./api.ts";
import { readCount, readFlags } from "./arguments.ts";
import { type Demo, startDemo } from "./demo.ts";
import { Front } from "./front.ts";
import { everyHour } from "./hourly.ts";
import { migrate, withLocalDatabase } from "./local-database.ts";
import { ensureLocalSecret, readLocalValues } from "./local-secret.ts";
import { followNpm } from "./parent.ts";
import { rebuildOnChange } from "./rebuild.ts";
import { Refusal, runScript } from "./refusal.ts";
import type { Runtime } from "./runtime.ts";
import { claimState } from "./state-claim.ts";
import { type BuiltWorker, buildWorker } from "./worker.ts";
import { stateFolder } from "./wrangler.ts";

const HELP = `Starts Platen on this machine: server, database, an account and two virtual printers.

  npm start -- [options]

  --port PORT    (default: 8787; 0: any that is free)
  --host HOST    the address to listen on (default: 127.0.0.1)
  --state DIR    where everything is kept (default: .wrangler/state)
  --no-demo      neither account nor virtual printers; changed sources are built again
  --help         this text

A second start goes on where the first stopped. Ctrl-C ends it.`;

const LOOPBACK = ["127.0.0.1", "localhost", "::1"];

interface Options {
  readonly host: string;
  readonly port: number;
  readonly state: string;
  readonly hasDemo: boolean;
}

function readOptions(): Options {
  const text = { type: "string" } as const;
  const flags = readFlags(HELP, { port: text, host: text, state: text, "no-demo": { type: "boolean" } });
  return {
    host: flags.host ?? "127.0.0.1",
    port: readCount("port", flags.port ?? "8787", 0, 65_535),
    state: stateFolder(flags.state),
    hasDemo: flags["no-demo"] !== true,
  };
}

/** What one run started, and how all of it ends. */
class Run {
  readonly #options: Options;
  readonly #front: Front;
  readonly #stopped = Promise.withResolvers<void>();
  #runtime: Runtime | null = null;
  #demo: Demo | null = null;

  constructor(options: Options, front: Front) {
    this.#options = options;
    this.#front = front;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => this.#stopped.resolve());
    void followNpm(() => this.#stopped.resolve());
  }

  /** Resolves after Ctrl-C, a refusal when the server cannot go on; nothing that was started is left then. */
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
    await withLocalDatabase(state, (database) => migrate(database, worker.migrations));
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

await runScript(async () => {
  const options = readOptions();
  const front = await Front.open(options.host, options.port);
  if (!LOOPBACK.includes(options.host)) {
    console.log(
      `Warning: whoever reaches ${options.host} reaches this server; agents on the LAN are what that is for.`,
    );
  }
  mkdirSync(options.state, { recursive: true });
  ensureLocalSecret();
  const run = new Run(options, front);
  await run.untilStopped();
});
