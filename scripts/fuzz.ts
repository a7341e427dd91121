/** `npm run fuzz`: random calls to every described route of the real local server, each answer judged by the description. */
import { readCount, readFlags, readSeed } from "./arguments.ts";
import { runScript } from "./refusal.ts";

const HELP = `Starts the local server on a free port with a folder of its own, stocks accounts with things of every noun, reads
/openapi.json, and sends calls that are valid, nearly valid or hostile to every route in it, and to paths beside them.

  npm run fuzz -- [options]

  --requests N   1 to 10000000 (default: 25000)
  --seed N       the same seed draws the same calls (default: random)
  --only N       the one call of that number, on a fresh server, with its answer
  --help         this text

It ends with exit code 1 if anything is wrong: a 5xx, an answer that the description does not have, a failure that is no
problem document, a call that was refused and changed something, or a failure in the server's log. Each kind is shown once
with the call's number, which shows it again.`;

await runScript(async () => {
  const text = { type: "string" } as const;
  const flags = readFlags(HELP, { requests: text, seed: text, only: text });
  const requests = readCount("requests", flags.requests ?? "25000", 1, 10_000_000);
  const seed = readSeed(flags.seed);
  const only = flags.only === undefined ? null : readCount("only", flags.only, 0, 9_999_999);
  const { runFuzz } = await import("./fuzz/run.ts");
  await runFuzz({ requests, seed, only });
});
