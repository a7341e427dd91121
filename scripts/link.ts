/** `npm run link`: shows a linking code at a terminal and waits until an agent used it. */
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";

const HELP = `Shows a six-digit code that links a printer's agent to your account, and waits until it was used.

  npm run link -- [options]

  --token TOKEN   an API token with the scopes read and write (default: $PLATEN_TOKEN)
  --url URL       the server (default: http://127.0.0.1:8787)
  --printer ID    link this printer again, instead of making a new one
  --help          this text

Ends with 0 once the code was used, 130 on Ctrl-C, 1 when it cannot go on.`;

const POLL_MS = 2_000;
/** An answer may be late by that much before the call is given up and made again. */
const ANSWER_MS = 15_000;

interface Options {
  readonly url: string;
  readonly token: string;
  readonly printerId: string | null;
}

/** The part of the answer that this program reads. */
interface Code {
  readonly id: number;
  readonly code: string;
  readonly expired_at: string;
  readonly verified_at: string | null;
  readonly printer: { readonly id: number; readonly name: string } | null;
}

/** Something that trying again does not heal; its message is for the person at the terminal. */
class Refusal extends Error {}

process.once("SIGINT", () => {
  console.log("\nStopped. The code stays valid until it expires.");
  process.exit(130);
});

try {
  const options = readOptions();
  if (options === null) console.log(HELP);
  else await link(options);
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

/** Null: only help is wanted. */
function readOptions(): Options | null {
  const text = { type: "string" } as const;
  const parsed = attempt(() =>
    parseArgs({ options: { url: text, token: text, printer: text, help: { type: "boolean", short: "h" } } }),
  );
  const { url = "http://127.0.0.1:8787", token = process.env.PLATEN_TOKEN, printer, help } = parsed.values;
  if (help) return null;
  if (!token)
    throw new Refusal("An API token is needed: --token TOKEN, or PLATEN_TOKEN in the environment. See --help.");
  if (!URL.canParse(url)) throw new Refusal(`--url ${url} is no URL.`);
  if (printer !== undefined && !/^[1-9]\d*$/.test(printer)) throw new Refusal(`--printer ${printer} is no printer id.`);
  return { url: url.replace(/\/+$/, ""), token, printerId: printer ?? null };
}

/** parseArgs explains itself well enough for one line. */
function attempt<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new Refusal(`${error instanceof Error ? error.message : error} See --help.`);
  }
}

async function link(options: Options): Promise<void> {
  let shown = await findCode(options);
  show(shown, options);
  for (;;) {
    await pause(POLL_MS);
    const code = await call(options, `/api/v1/onetimeverificationcodes/${shown.id}/`);
    if (code.verified_at !== null && code.printer !== null) {
      console.log(`Linked: printer ${code.printer.id}, ${JSON.stringify(code.printer.name)}.`);
      return;
    }
    if (Date.parse(code.expired_at) > Date.now() - (code.verified_at === null ? 0 : ANSWER_MS)) continue;
    if (code.verified_at !== null)
      throw new Refusal("The code was used, but no printer came of it. Please start again.");
    const next = await findCode(options);
    if (next.id !== shown.id) show(next, options);
    shown = next;
  }
}

function findCode(options: Options): Promise<Code> {
  const query = options.printerId === null ? "" : `?printer_id=${options.printerId}`;
  return call(options, `/api/v1/onetimeverificationcodes/${query}`);
}

function show(code: Code, options: Options): void {
  const until = new Date(code.expired_at).toLocaleTimeString();
  console.log(`
  Server  ${options.url}
  Code    ${code.code}   (until ${until})

  Enter both in the set-up wizard of OctoPrint's Obico plugin, or where moonraker-obico's link script asks.
  Waiting for the agent. Ctrl-C stops.
`);
}

/** Outages are waited for; refusals are not. */
async function call(options: Options, path: string): Promise<Code> {
  for (let told = false; ; ) {
    const response = await fetchOrNull(options, path);
    if (response?.ok) return (await response.json()) as Code; // safe: the shape of this route's 200
    if (response !== null && response.status !== 429 && response.status < 500)
      throw new Refusal(await explain(response));
    if (!told)
      console.error(response === null ? `No answer from ${options.url}. Trying again.` : await explain(response));
    told = true;
    const retryAfter = Number(response?.headers.get("retry-after") ?? 0);
    await pause(Math.max(POLL_MS, (retryAfter || 0) * 1000));
  }
}

async function fetchOrNull({ url, token }: Options, path: string): Promise<Response | null> {
  try {
    const headers = { authorization: `Bearer ${token}` };
    return await fetch(url + path, { headers, signal: AbortSignal.timeout(ANSWER_MS) });
  } catch {
    return null;
  }
}

async function explain(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => null);
  const detail = typeof body === "object" && body !== null && "detail" in body ? body.detail : response.statusText;
  return `${response.status}: ${detail}`;
}
