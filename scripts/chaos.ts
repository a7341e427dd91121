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
  --list         names the seed of every world, however many they are
  --help         this text

It ends with exit code 1 if a promise was broken, counts how often each was, and names a seed that shows it again at once:
${Object.entries(PROMISES)
  .map(([name, promise]) => `  ${name.padEnd(17)} ${promise}`)
  .join("\n")}`;

const PROGRESS_MS = 5_000;
/** More worlds than that are named only when somebody asks. */
const LISTED = 1_000;
const SEEDS_A_LINE = 10;

const HEADINGS = {
  commands: "Commands by their last state",
  reasons: "States that were entered, by kind and reason",
  quiet: "Without faults: what became of commands",
  frames: "Frames",
  answers: "Answers to callers",
  safety: "Safety pauses",
  faults: "Faults",
  network: `What delay and loss alone did (a deadline is ${LIMITS.expires / 1000} s)`,
} as const satisfies Record<Group, string>;

function printRun({ tally, seeds, commands }: Run): void {
  console.log(`${commands} commands in ${seeds.length} worlds.`);
  for (const group of GROUPS) {
    console.log(`\n${HEADINGS[group]}`);
    for (const [name, count] of tally.list(group)) console.log(`${String(count).padStart(9)}  ${name}`);
  }
}

function printSeeds({ seeds }: Run, isAsked: boolean): void {
  if (seeds.length > LISTED && !isAsked) {
    console.log(`\nSeeds of the ${seeds.length} worlds: --list names them.`);
    return;
  }
  console.log("\nSeeds of the worlds");
  for (let from = 0; from < seeds.length; from += SEEDS_A_LINE) {
    console.log(`  ${seeds.slice(from, from + SEEDS_A_LINE).join(" ")}`);
  }
}

function printPromises({ breaches, seeds }: Run): void {
  console.log("\nPromises, and in how many worlds each was broken");
  for (const name of Object.keys(PROMISES)) {
    const count = breaches.filter(({ promise }) => promise === name).length;
    console.log(`${String(count).padStart(9)}  ${name}${count === 0 ? "" : `, of ${seeds.length}`}`);
  }
}

/** The first breach of each promise. */
function firsts(breaches: readonly Breach[]): Breach[] {
  return breaches.filter(({ promise }, index) => breaches.findIndex((other) => other.promise === promise) === index);
}

function refuse(breaches: readonly Breach[], commands: number): never {
  const told = firsts(breaches).map(({ promise, sentence, seed }) => {
    const again = `npm run chaos -- --commands ${promise === "floor" ? commands : 1} --seed ${seed}`;
    return `\nBroken: ${promise} (${PROMISES[promise]}).\n${sentence}.\nAgain: ${again}`;
  });
  throw new Refusal(told.join("\n"));
}

await runScript(async () => {
  const text = { type: "string" } as const;
  const flags = readFlags(HELP, { commands: text, seed: text, list: { type: "boolean" } });
  const commands = readCount("commands", flags.commands ?? "100000", 1, 10_000_000);
  const seed = readSeed(flags.seed);
  const { runWorlds } = await import("./chaos/run.ts");
  console.log(`Seed ${seed}.`);
  const began = performance.now();
  let toldAt = began;
  const onProgress = (taken: number) => {
    if (performance.now() - toldAt < PROGRESS_MS) return;
    toldAt = performance.now();
    console.log(`${String(Math.round((toldAt - began) / 1000)).padStart(5)} s  ${taken} commands`);
  };
  const run = runWorlds(seed, commands, { onProgress });
  printRun(run);
  printSeeds(run, flags.list === true);
  printPromises(run);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  if (run.breaches.length > 0) refuse(run.breaches, commands);
  console.log(`\nEvery promise was kept, in ${seconds} s.`);
});
