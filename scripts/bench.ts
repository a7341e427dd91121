/** `npm run bench`: what the service costs against the least that does the same hops. */
import { readFlags } from "./arguments.ts";
import { ROWS } from "./bench/catalogue.ts";
import { Refusal, runScript } from "./refusal.ts";

const HELP = `Measures what Platen costs against a bare Worker or object with the same hops, as ratios of CPU time and of memory.

  npm run bench -- [options]

  --quick        fewer turns: two minutes instead of ten
  --only NAME    one row of the table
  --help         this text

A run without options writes BENCHMARKS.md, the others print only. The rows:
${ROWS.map(({ name, operation }) => `  ${name.padEnd(14)} ${operation}`).join("\n")}`;

await runScript(async () => {
  const flags = readFlags(HELP, { quick: { type: "boolean" }, only: { type: "string" } });
  const rows = ROWS.filter(({ name }) => flags.only === undefined || name === flags.only);
  if (rows.length === 0) throw new Refusal(`--only ${flags.only}: --help lists the rows.`, 2);
  const { runBench } = await import("./bench/run.ts");
  await runBench(rows, flags.quick === true);
});
