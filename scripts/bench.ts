/** `npm run bench`: what the service costs against the least that does the same hops, as ratios of the runtime's CPU time. */
import { readFlags } from "./arguments.ts";
import { measure, untilQuiet } from "./bench/measure.ts";
import { measureMemory } from "./bench/memory.ts";
import { CpuMeter, checkAccounting } from "./bench/process.ts";
import { startRuntime } from "./bench/runtime.ts";
import { SCENARIOS, type Scenario } from "./bench/scenarios.ts";
import { quartiles } from "./bench/statistics.ts";
import { Refusal, runScript } from "./refusal.ts";

const MEMORY = { name: "memory", goal: 1.4 } as const;

const HELP = `Measures what Platen costs against a bare Worker or object with the same hops.

  npm run bench -- [options]

  --quick        fewer turns: under two minutes
  --only NAME    one scenario: ${[...SCENARIOS, MEMORY].map(({ name }) => name).join(", ")}
  --help         this text`;

await runScript(async () => {
  const flags = readFlags(HELP, { quick: { type: "boolean" }, only: { type: "string" } });
  const scenarios = SCENARIOS.filter(({ name }) => flags.only === undefined || name === flags.only);
  const wantsMemory = flags.only === undefined || flags.only === MEMORY.name;
  if (scenarios.length === 0 && !wantsMemory) throw new Refusal(`--only ${flags.only}: --help lists what there is.`, 2);
  checkAccounting();
  const turns = flags.quick ? 3 : 10;
  const warmUps = flags.quick ? 1 : 3;
  for (const scenario of scenarios) await run(scenario, turns, warmUps);
  if (wantsMemory) await compareMemory(flags.quick ? 1 : 5);
  process.exit();
});

/** In a runtime of its own, so that nothing of another one goes on in it. */
async function run({ name, goal, plan }: Scenario, turns: number, warmUps: number): Promise<void> {
  const began = performance.now();
  const runtime = await startRuntime();
  try {
    const meter = new CpuMeter(runtime.processId);
    const planned = await plan(runtime);
    await untilQuiet(meter, planned.quietMs);
    const { platen, baseline } = await measure(planned, meter, turns, warmUps);
    const ratios = platen.map((ours, index) => ours / (baseline[index] ?? Number.NaN));
    const [low, median, high] = quartiles(ratios);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(
      `${name.padEnd(16)} ${median.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)}), goal ${goal}; ` +
        `${quartiles(platen)[1].toFixed(0)} against ${quartiles(baseline)[1].toFixed(0)} us; ${seconds} s`,
    );
  } finally {
    await runtime.stop();
  }
}

async function compareMemory(times: number): Promise<void> {
  const platen: number[] = [];
  const baseline: number[] = [];
  for (let time = 0; time < times; time += 1) {
    platen.push(await measureMemory("platen"));
    baseline.push(await measureMemory("baseline"));
  }
  const [ours, theirs] = [quartiles(platen)[1], quartiles(baseline)[1]];
  console.log(
    `${MEMORY.name.padEnd(16)} ${(ours / theirs).toFixed(2)}, goal ${MEMORY.goal}; ` +
      `${(ours / 1024).toFixed(0)} against ${(theirs / 1024).toFixed(0)} KiB`,
  );
}
