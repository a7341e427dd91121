/** `npm start`: the whole service on this machine, with an account and two virtual printers; `npm run dev` without those. */
import { mkdirSync } from "node:fs";
import { readCount, readFlags } from "./arguments.ts";
import { migrate } from "./database.ts";
import { type Demo, startDemo } from "./demo.ts";
import { ensureLocalSecret } from "./local-secret.ts";
import { runScript } from "./refusal.ts";
import { checkPortFree, ServerProcess } from "./server-process.ts";
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
const PARENT_POLL_MS = 500;

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
  readonly #stopped = Promise.withResolvers<void>();
  #server: ServerProcess | null = null;
  #demo: Demo | null = null;

  constructor(options: Options) {
    this.#options = options;
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => this.#stopped.resolve());
    this.#followParent();
  }

  /** Resolves after Ctrl-C, a refusal when the server cannot go on; nothing that was started is left then. */
  async untilStopped(): Promise<void> {
    try {
      await Promise.race([this.#stopped.promise, this.#goOn()]);
    } finally {
      this.#demo?.stop();
      await this.#server?.stop();
      // Calls in flight need no answer any more.
      setImmediate(() => process.exit());
    }
  }

  /** Migrates first, then starts: of two processes that open a killed server's database at once, one finds it locked. */
  async #goOn(): Promise<void> {
    await migrate(this.#options.state);
    const server = new ServerProcess({ ...this.#options, watch: !this.#options.hasDemo });
    this.#server = server;
    await Promise.race([this.#serve(server), server.died]);
  }

  async #serve(server: ServerProcess): Promise<void> {
    const url = await server.ready();
    if (this.#options.hasDemo) this.#demo = await startDemo(url, this.#options.state);
    console.log(this.#demo === null ? plainSummary(url) : demoSummary(url, this.#demo));
    await this.#stopped.promise;
  }

  /** An npm that is killed outright does not stop its children, and without it nobody can press Ctrl-C. */
  #followParent(): void {
    const parent = process.ppid;
    if (process.env.npm_lifecycle_event === undefined) return;
    setInterval(() => {
      if (process.ppid !== parent) this.#stopped.resolve();
    }, PARENT_POLL_MS).unref();
  }
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
  await checkPortFree(options.host, options.port);
  if (!LOOPBACK.includes(options.host)) {
    console.log(
      `Warning: whoever reaches ${options.host} reaches this server; agents on the LAN are what that is for.`,
    );
  }
  mkdirSync(options.state, { recursive: true });
  ensureLocalSecret();
  const run = new Run(options);
  await run.untilStopped();
});
