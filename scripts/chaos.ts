/** `npm run chaos`: drives the command ledger through seeded faults and checks what it promises. */

import { readCount, readFlags, readSeed } from "./arguments.ts";
import { LIMITS, PROMISES } from "./chaos/promises.ts";
import type { Breach, Run } from "./chaos/run.ts";
import { GROUPS, type Group } from "./chaos/tally.ts";
import { Refusal, runScript } from "./refusal.ts";

const HELP = `Drives the command ledger through drops, duplicates, delays, reorderings, reconnects, evictions and kills, with
models of the network, of both agents and of the printer, and checks what the ledger promises.

  npm run chaos -- [options]

  --commands N   1 to 10000000; goes on until so many commands were taken (default: 100000)
  --seed N       the same seed makes the same run (default: random)
  --help         this text

It ends with exit code 1 at the first broken promise, and names the seed that shows it again at once:
${Object.entries(PROMISES)
  .map(([name, promise]) => `  ${name.padEnd(17)} ${promise}`)
  .join("\n")}`;

const PROGRESS_MS = 5_000;

const HEADINGS = {
  commands: "Commands by their last state",
  frames: "Frames",
  answers: "Answers to callers",
  safety: "Safety pauses",
  faults: "Faults",
  network: `What delay and loss alone did (a deadline is ${LIMITS.expires / 1000} s)`,
} as const satisfies Record<Group, string>;

function printRun({ tally, worlds, commands }: Run): void {
  console.log(`${commands} commands in ${worlds} worlds.`);
  for (const group of GROUPS) {
    console.log(`\n${HEADINGS[group]}`);
    for (const [name, count] of tally.list(group)) console.log(`${String(count).padStart(9)}  ${name}`);
  }
}

function refuse({ promise, sentence, seed }: Breach): never {
  const again = `npm run chaos -- --commands 1 --seed ${seed}`;
  throw new Refusal(`\nBroken: ${promise} (${PROMISES[promise]}).\n${sentence}.\nAgain: ${again}`);
}

await runScript(async () => {
  const text = { type: "string" } as const;
  const flags = readFlags(HELP, { commands: text, seed: text });
  const commands = readCount("commands", flags.commands ?? "100000", 1, 10_000_000);
  const seed = readSeed(flags.seed);
  const { runWorlds } = await import("./chaos/run.ts");
  console.log(`Seed ${seed}.`);
  const began = performance.now();
  let toldAt = began;
  const run = runWorlds(seed, commands, (taken) => {
    if (performance.now() - toldAt < PROGRESS_MS) return;
    toldAt = performance.now();
    console.log(`${String(Math.round((toldAt - began) / 1000)).padStart(5)} s  ${taken} commands`);
  });
  printRun(run);
  if (run.breach !== null) refuse(run.breach);
  console.log(`\nEvery promise was kept, in ${((performance.now() - began) / 1000).toFixed(1)} s.`);
});
