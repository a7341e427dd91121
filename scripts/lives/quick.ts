/** Commands one after the other, before the macro of the last one has run, with moonraker-obico over Klipper. */
import { moonrakerReceipt } from "./agent.ts";
import { Klipper, MoonrakerLife } from "./klipper.ts";
import type { Kind, Pressed, Stage } from "./stage.ts";

const MACRO_S = 3;
/** Threads look that long at most for a change that they missed. */
const THREAD_S = 32;

async function begin(stage: Stage, macroSeconds = MACRO_S): Promise<MoonrakerLife> {
  const agent = await stage.connect(moonrakerReceipt);
  const life = new MoonrakerLife(new Klipper(macroSeconds), agent);
  life.start();
  await untilText(stage, "Printing", 10);
  return life;
}

function untilText(stage: Stage, text: string, seconds: number): Promise<string | null> {
  return stage.until(
    seconds,
    () => stage.text(),
    (shown) => shown === text,
  );
}

/** Presses one after the other without waiting for answers. */
async function pressAll(stage: Stage, steps: readonly (readonly [Kind, after: number])[]): Promise<Pressed[]> {
  const answers: Promise<Pressed>[] = [];
  for (const [kind, after] of steps) {
    await stage.wait(after);
    answers.push(stage.press(kind));
  }
  return Promise.all(answers);
}

/** What the ledger says in the end: the last one was obeyed, those before too or it took their place. */
async function checkObeyed(stage: Stage, life: MoonrakerLife, state: string, pressed: readonly Pressed[]) {
  stage.check("Klipper", life.klipper.state, state);
  for (const [place, one] of pressed.entries()) {
    stage.check(`${one.command.id.slice(0, 4)} was taken in`, one.succeeded, true);
    const { state, reason } = await stage.command(one);
    const isLast = place === pressed.length - 1;
    const overtaken = isLast ? [] : [{ state: "superseded", reason: "opposite_command" }];
    stage.check("in the end", { state, reason }, { state: "succeeded", reason: null }, ...overtaken);
  }
}

async function checkPrint(stage: Stage, outcome: string | null): Promise<void> {
  const told = (await stage.prints()).map((print) => print.outcome);
  stage.check("outcomes of its prints", told, [outcome]);
}

async function pauseThenCancel(stage: Stage, after: number): Promise<void> {
  const life = await begin(stage);
  const pressed = await pressAll(stage, [
    ["pause", 0],
    ["cancel", after],
  ]);
  await stage.wait(2 * MACRO_S + after + 4);
  await checkObeyed(stage, life, "cancelled", pressed);
  await checkPrint(stage, "cancelled");
  life.stop();
}

async function pauseThenResume(stage: Stage, after: number): Promise<void> {
  const life = await begin(stage);
  const pressed = await pressAll(stage, [
    ["pause", 0],
    ["resume", after],
  ]);
  await stage.wait(2 * MACRO_S + after + 4);
  await checkObeyed(stage, life, "printing", pressed);
  stage.check("GET shows", await stage.text(), "Printing");
  await checkPrint(stage, null);
  life.stop();
}

async function resumeThenCancel(stage: Stage): Promise<void> {
  const life = await begin(stage);
  const [paused] = await pressAll(stage, [["pause", 0]]);
  await untilText(stage, "Paused", 10);
  const pressed = await pressAll(stage, [
    ["resume", 1],
    ["cancel", 1],
  ]);
  await stage.wait(2 * MACRO_S + 4);
  await checkObeyed(stage, life, "cancelled", pressed);
  if (paused !== undefined) stage.check("the pause", (await stage.command(paused)).state, "succeeded");
  await checkPrint(stage, "cancelled");
  life.stop();
}

async function longWait(stage: Stage): Promise<void> {
  const life = await begin(stage);
  life.klipper.wait(35);
  const pressed = await pressAll(stage, [["pause", 0.5]]);
  await stage.wait(33);
  stage.check("while it waits", (await statesOf(stage, pressed))[0], "delivered");
  await untilText(stage, "Paused", 15);
  await checkObeyed(stage, life, "paused", pressed);
  stage.check("events", await stage.events(), ["STARTED", "PAUSED"]);
  life.stop();
}

/** What the agent sees never changes: each thread gives up after half a minute and says that it prints. */
async function instantMacros(stage: Stage): Promise<void> {
  const life = await begin(stage, 0);
  const pressed = await pressAll(stage, [
    ["pause", 0],
    ["resume", 0.1],
  ]);
  await stage.wait(THREAD_S);
  await checkObeyed(stage, life, "printing", pressed);
  stage.check("GET shows", await stage.text(), "Printing");
  life.stop();
}

async function refusedCancel(stage: Stage): Promise<void> {
  const life = await begin(stage);
  life.klipper.refusal = "error";
  const [cancel] = await pressAll(stage, [["cancel", 0.5]]);
  await stage.wait(2);
  await checkNotObeyed(stage, cancel);
  life.klipper.refusal = null;
  const again = await pressAll(stage, [["cancel", 0]]);
  await stage.wait(MACRO_S + 4);
  await checkObeyed(stage, life, "cancelled", again);
  await checkPrint(stage, "cancelled");
  life.stop();
}

/** Its thread's own end may be about the moment before: only the next regular report says that it goes on. */
async function ignoredCancel(stage: Stage): Promise<void> {
  const life = await begin(stage);
  life.klipper.refusal = "silence";
  const [cancel] = await pressAll(stage, [["cancel", 0.5]]);
  await stage.wait(MACRO_S + THREAD_S);
  if (cancel !== undefined) stage.check("the cancel", (await stage.command(cancel)).state, "delivered");
  await stage.wait(THREAD_S);
  await checkNotObeyed(stage, cancel);
  await checkPrint(stage, null);
  life.stop();
}

async function checkNotObeyed(stage: Stage, cancel: Pressed | undefined): Promise<void> {
  if (cancel === undefined) return;
  const { state, reason } = await stage.command(cancel);
  stage.check("the cancel in the end", { state, reason }, { state: "failed", reason: "not_obeyed" });
}

function statesOf(stage: Stage, pressed: readonly Pressed[]): Promise<string[]> {
  return Promise.all(pressed.map(async (one) => (await stage.command(one)).state));
}

export const QUICK_PLAYS = {
  "pause-cancel-0.1": (stage: Stage) => pauseThenCancel(stage, 0.1),
  "pause-cancel-0.3": (stage: Stage) => pauseThenCancel(stage, 0.3),
  "pause-cancel-1": (stage: Stage) => pauseThenCancel(stage, 1),
  "pause-cancel-2": (stage: Stage) => pauseThenCancel(stage, 2),
  "pause-resume-0.3": (stage: Stage) => pauseThenResume(stage, 0.3),
  "pause-resume-1": (stage: Stage) => pauseThenResume(stage, 1),
  "pause-resume-2": (stage: Stage) => pauseThenResume(stage, 2),
  "resume-cancel": resumeThenCancel,
  "long-wait": longWait,
  "instant-macros": instantMacros,
  "refused-cancel": refusedCancel,
  "ignored-cancel": ignoredCancel,
};
