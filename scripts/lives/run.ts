/** A run of lives: one server, all lives at the same time, each told whole once it is over. */
import { type LocalServer, playOnServer } from "../own-server.ts";
import type { LifeName } from "./catalogue.ts";
import { CLOCK_PLAYS } from "./clocks.ts";
import { PAUSE_PLAYS } from "./pauses.ts";
import { PRINT_PLAYS } from "./prints.ts";
import { QUICK_PLAYS } from "./quick.ts";
import { SD_PLAYS } from "./sd.ts";
import { Stage } from "./stage.ts";

type Play = (stage: Stage) => Promise<void>;

const PLAYS: Readonly<Record<LifeName, Play>> = {
  ...QUICK_PLAYS,
  ...SD_PLAYS,
  ...PRINT_PLAYS,
  ...CLOCK_PLAYS,
  ...PAUSE_PLAYS,
};

interface Wanted {
  readonly name: LifeName;
  readonly story: string;
}

/** Ends the process: with 1 if anything was wrong. */
export function runLives(wanted: readonly Wanted[]): Promise<never> {
  return playOnServer("lives", (server) => playAll(server, wanted));
}

/** Whether all of it was right. Every printer is there before the first life begins: they must not slow each other down. */
async function playAll(server: LocalServer, wanted: readonly Wanted[]): Promise<boolean> {
  const url = await server.url;
  console.log(`${wanted.length === 1 ? "One life" : `${wanted.length} lives`} on ${url}:`);
  const stages: [Wanted, Stage][] = [];
  for (const life of wanted) stages.push([life, await Stage.open(url, await server.makeToken(life.name), life.name)]);
  const began = performance.now();
  const wrong = (await Promise.all(stages.map(([life, stage]) => play(life, stage)))).flat();
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  console.log(`\n${wanted.length - wrong.length} of ${wanted.length} right, in ${seconds} s.`);
  if (wrong.length > 0) console.log(`Wrong: ${wrong.join(", ")}`);
  return wrong.length === 0;
}

/** Its name if anything in it was wrong. */
async function play({ name, story }: Wanted, stage: Stage): Promise<LifeName[]> {
  stage.begin();
  await PLAYS[name](stage).catch((error: unknown) => stage.checkThat("it went on", String(error), "that", () => false));
  stage.close();
  console.log(`\n${stage.isRight ? "ok   " : "WRONG"} ${name}: ${story}\n${stage.lines.join("\n")}`);
  return stage.isRight ? [] : [name];
}
