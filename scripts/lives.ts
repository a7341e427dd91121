/** `npm run lives`: whole lives of printers in real time against the real local server, and what REST and history say of them. */
import { readFlags } from "./arguments.ts";
import { LIVES } from "./lives/catalogue.ts";
import { Refusal, runScript } from "./refusal.ts";

const HELP = `Starts the local server on a free port with a folder of its own, and plays lives of printers on it, side by side and in
real time, each over a bare agent's socket and REST. Prints every step, and whether what came is what was to come.

  npm run lives -- [options]

  --only NAME    one life, or those whose names begin so
  --help         this text

It takes a minute and a half, and ends with exit code 1 if anything is wrong. The lives:
${LIVES.map(({ name, story }) => `  ${name.padEnd(22)} ${story}`).join("\n")}`;

await runScript(async () => {
  const flags = readFlags(HELP, { only: { type: "string" } });
  const wanted = LIVES.filter(({ name }) => name.startsWith(flags.only ?? ""));
  if (wanted.length === 0) throw new Refusal(`--only ${flags.only}: --help lists the lives.`, 2);
  const { runLives } = await import("./lives/run.ts");
  await runLives(wanted);
});
