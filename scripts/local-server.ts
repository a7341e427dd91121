/** The local server from its first step to its last: build, database, runtime, printers, and how all of it ends. */
import { ensureAgentKeys } from "./agent-keys.ts";
import { detailOf, Outage } from "./api.ts";
import { type Demo, startDemo } from "./demo.ts";
import { DEV_VARS, readValues } from "./dev-vars.ts";
import { Front } from "./front.ts";
import { everyHour } from "./hourly.ts";
import { lanUrl } from "./lan.ts";
import { migrate, readSigningKeys, withLocalDatabase } from "./local-database.ts";
import { followNpm } from "./parent.ts";
import { rebuildOnChange } from "./rebuild.ts";
import { Refusal } from "./refusal.ts";
import type { Runtime } from "./runtime.ts";
import { claimState } from "./state-claim.ts";
import { makeState } from "./state-folder.ts";
import { demoSummary, plainSummary } from "./summary.ts";
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
  if (!LOOPBACK.includes(options.host)) console.log(warning(options.host, front.url));
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
    makeState(state);
    await claimState(state, this.#front.url);
    const worker = await buildWorker(() => console.log("Building the Worker ..."));
    console.log("Preparing the database ...");
    const signing = await withLocalDatabase(state, worker, async (database) => {
      await migrate(database, worker.migrations);
      return readSigningKeys(database);
    });
    const AGENT_KEYS = ensureAgentKeys(state, signing, console.log);
    console.log("Starting the runtime ...");
    const { Runtime } = await import("./runtime.ts");
    const values = readValues(DEV_VARS, [...worker.secrets, ...Object.keys(worker.options.bindings ?? {})]);
    const runtime = await Runtime.start(worker, { state, values: { ...values, AGENT_KEYS }, isTalkative: !hasDemo });
    this.#runtime = runtime;
    await Promise.race([this.#serve(runtime, worker), runtime.died]);
  }

  async #serve(runtime: Runtime, worker: BuiltWorker): Promise<void> {
    await checkHealth(await runtime.findUrl());
    this.#front.passTo(await runtime.findUrl());
    const { url } = this.#front;
    if (this.#options.hasDemo) {
      console.log("Connecting the virtual printers ...");
      this.#demo = await startDemo(url, this.#options.state).catch((error: unknown) => {
        throw error instanceof Outage ? demoRefusal(error, this.#options.state) : error;
      });
    } else {
      rebuildOnChange(worker, async (changed) => {
        await runtime.replace(changed);
        this.#front.passTo(await runtime.findUrl());
      });
    }
    console.log(this.#demo === null ? plainSummary(url, this.#options.state) : demoSummary(url, this.#demo));
    // What goes wrong in it stands in the Worker's log.
    everyHour(() => void runtime.runScheduled().catch(() => {}));
    await this.#stopped.promise;
  }
}

/** Of a wildcard, the address that agents elsewhere are to be given. */
function warning(host: string, url: string): string {
  const outer = host === "0.0.0.0" || host === "::" ? lanUrl(url) : url;
  const advice = outer === null ? "" : ` Theirs is the address ${outer}.`;
  return `Warning: whoever reaches ${host} reaches this server; agents on the LAN are what that is for.${advice}`;
}

async function checkHealth(runtime: URL): Promise<void> {
  const response = await fetch(new URL("/health", runtime));
  if (!response.ok) throw new Refusal(`The server refuses to work: ${await detailOf(response)}`);
}

function demoRefusal({ message }: Outage, state: string): Refusal {
  return new Refusal(`${message} If it stays so, something in ${state} is damaged: restore the folder from a back-up.`);
}
