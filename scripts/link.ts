/** `npm run link`: shows a linking code at a terminal and waits until an agent used it. */
import { setTimeout as pause } from "node:timers/promises";
import { type Api, type ApiCode, Outage, openApi } from "./api.ts";
import { readCount, readFlags } from "./arguments.ts";
import { lanUrl } from "./lan.ts";
import { Refusal, runScript } from "./refusal.ts";

const HELP = `Shows a six-digit code that links a printer's agent to your account, and waits until it was used.

  npm run link -- --token TOKEN [options]

  --token TOKEN   an API token with the scopes read and write (default: $PLATEN_TOKEN)
  --url URL       the server (default: http://127.0.0.1:8787)
  --printer ID    links this printer again, instead of making a new one
  --help          this text

Ends with 0 once the code was used, with 130 on Ctrl-C, else with 1. A second run shows the same code while it lives.`;

const POLL_MS = 2_000;
/** A code that is used shows its printer a moment later; so many polls without one mean that the server was cut off. */
const USED_POLLS = 10;
const INTERRUPTED = 130;

interface Options {
  readonly api: Api;
  readonly printerId: number | null;
}

function readOptions(): Options {
  const text = { type: "string" } as const;
  const flags = readFlags(HELP, { token: text, url: text, printer: text });
  const { printer } = flags;
  return {
    api: openApi(flags),
    printerId: printer === undefined ? null : readCount("printer", printer, 1, Number.MAX_SAFE_INTEGER),
  };
}

async function link({ api, printerId }: Options): Promise<void> {
  let shown = await api.askCode(printerId);
  show(shown, api.url);
  for (let used = 0; used < USED_POLLS; ) {
    await pause(POLL_MS);
    const code = await patiently(() => api.findCode(shown.id));
    if (code.verified_at !== null && code.printer !== null) {
      console.log(`Linked: printer ${code.printer.id}, ${JSON.stringify(code.printer.name)}.`);
      return;
    }
    used = code.verified_at === null ? 0 : used + 1;
    if (code.verified_at !== null || Date.parse(code.expired_at) > Date.now()) continue;
    const next = await patiently(() => api.askCode(printerId));
    if (next.id !== shown.id) show(next, api.url);
    shown = next;
  }
  throw new Refusal("The code was used, but no printer came of it. Please start again.");
}

function show(code: ApiCode, url: string): void {
  console.log(`
  Server  ${url}
  Code    ${code.code}   (until ${new Date(code.expired_at).toLocaleTimeString()})

  Enter both in the set-up wizard of OctoPrint's Obico plugin, or where moonraker-obico's link script asks.${elsewhere(url)}
  Waiting for the agent. Ctrl-C stops.
`);
}

/** Nobody but this machine reaches the server as loopback. */
function elsewhere(url: string): string {
  if (!/^https?:\/\/(127\.|localhost|\[::1\])/.test(url)) return "";
  const outer = lanUrl(url) ?? "this machine's address";
  return `\n  An agent on another machine: start the server with --host 0.0.0.0, and enter ${outer} instead.`;
}

/** An outage is waited for: the code lives on. */
async function patiently<T>(call: () => Promise<T>): Promise<T> {
  for (let told = false; ; told = true) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof Outage)) throw error;
      if (!told) console.error(`${error.message} Trying again.`);
      await pause(POLL_MS);
    }
  }
}

await runScript(async () => {
  const options = readOptions();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      console.log("\nStopped. The code stays valid until it expires.");
      process.exit(INTERRUPTED);
    });
  }
  await link(options);
});
