/** Commands one after the other, before the macro of the last one has run, with moonraker-obico over Klipper. */
import { moonrakerReceipt } from "./agent.ts";
import { Klipper, MoonrakerLife } from "./klipper.ts";
import type { Kind, Pressed, Stage } from "./stage.ts";

const MACRO_S = 3;
/** From Klipper's change to the agent's sight of it, as recorded. */
const LAG_S = 0.4;
/** Threads look that long at most for a change that they missed. */
const THREAD_S = 32;

async function begin(stage: Stage, macroSeconds = MACRO_S, lagSeconds = LAG_S): Promise<MoonrakerLife> {
  const agent = await stage.connect(moonrakerReceipt);
  const life = new MoonrakerLife(new Klipper(macroSeconds), agent, lagSeconds);
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

/** Presses, each so many seconds after the last one's frame came, without waiting for answers. */
async function pressAll(
  stage: Stage,
  { agent }: MoonrakerLife,
  ...steps: readonly (readonly [Kind, after: number])[]
): Promise<Pressed[]> {
  const answers: Promise<Pressed>[] = [];
  for (const [kind, after] of steps) {
    await stage.wait(after);
    const ordered = agent.nextOrder();
    const answer = stage.press(kind);
    answers.push(answer);
    await Promise.race([ordered, answer]);
  }
  return Promise.all(answers);
}

/** What the ledger says in the end: the last one was obeyed, those before too or it took their place. */
async function checkObeyed(stage: Stage, life: MoonrakerLife, state: string, pressed: readonly Pressed[]) {
  stage.check("Klipper", life.klipper.state, state);
  for (const [place, one] of pressed.entries()) {
    stage.check(`the ${one.command.kind} was taken in`, one.succeeded, true);
    const isLast = place === pressed.length - 1;
    await stage.comesTo("in the end", () => stage.stateOf(one), "succeeded", ...(isLast ? [] : ["superseded"]));
  }
}

async function checkPrint(stage: Stage, outcome: string | null): Promise<void> {
  const outcomes = async () => (await stage.prints()).map((print) => print.outcome);
  await stage.comesTo("outcomes of its prints", outcomes, [outcome]);
}

async function pauseThenCancel(stage: Stage, after: number): Promise<void> {
  const life = await begin(stage);
  const pressed = await pressAll(stage, life, ["pause", 0], ["cancel", after]);
  await stage.wait(2 * MACRO_S + after + 4);
  await checkObeyed(stage, life, "cancelled", pressed);
  await checkPrint(stage, "cancelled");
  life.stop();
}

async function pauseThenResume(stage: Stage, after: number): Promise<void> {
  const life = await begin(stage);
  const pressed = await pressAll(stage, life, ["pause", 0], ["resume", after]);
  await stage.wait(2 * MACRO_S + after + 4);
  await checkObeyed(stage, life, "printing", pressed);
  await stage.comesTo("GET shows", () => stage.text(), "Printing");
  await checkPrint(stage, null);
  life.stop();
}

async function resumeThenCancel(stage: Stage): Promise<void> {
  const life = await begin(stage);
  const pause = await stage.press("pause");
  await untilText(stage, "Paused", 10);
  const pressed = await pressAll(stage, life, ["resume", 1], ["cancel", 1]);
  await stage.wait(2 * MACRO_S + 4);
  await checkObeyed(stage, life, "cancelled", pressed);
  await stage.comesTo("the pause in the end", () => stage.stateOf(pause), "succeeded");
  await checkPrint(stage, "cancelled");
  life.stop();
}

async function longWait(stage: Stage): Promise<void> {
  const life = await begin(stage);
  life.klipper.wait(35);
  const pause = await stage.press("pause");
  await stage.wait(33);
  await stage.comesTo("while it waits", () => stage.stateOf(pause), "delivered");
  await untilText(stage, "Paused", 15);
  await checkObeyed(stage, life, "paused", [pause]);
  await stage.comesTo("events", () => stage.events(), ["STARTED", "PAUSED"]);
  life.stop();
}

/** What the agent sees never changes: each thread gives up after half a minute and says that it prints. */
async function instantMacros(stage: Stage): Promise<void> {
  const life = await begin(stage, 0, 1.5);
  const pressed = await pressAll(stage, life, ["pause", 0], ["resume", 0.1]);
  await stage.wait(THREAD_S);
  await checkObeyed(stage, life, "printing", pressed);
  await stage.comesTo("GET shows", () => stage.text(), "Printing");
  life.stop();
}

async function refusedCancel(stage: Stage): Promise<void> {
  const life = await begin(stage);
  life.klipper.refusal = "error";
  const cancel = await stage.press("cancel");
  await stage.wait(2);
  await checkNotObeyed(stage, cancel);
  life.klipper.refusal = null;
  const again = await stage.press("cancel");
  await stage.wait(MACRO_S + 4);
  await checkObeyed(stage, life, "cancelled", [again]);
  await checkPrint(stage, "cancelled");
  life.stop();
}

/** Its thread's own end may be about the moment before: only the next regular report says that it goes on. */
async function ignoredCancel(stage: Stage): Promise<void> {
  const life = await begin(stage);
  life.klipper.refusal = "silence";
  const cancel = await stage.press("cancel");
  await stage.wait(MACRO_S + THREAD_S);
  await stage.comesTo("the cancel", () => stage.stateOf(cancel), "delivered");
  await stage.wait(THREAD_S);
  await checkNotObeyed(stage, cancel);
  await checkPrint(stage, null);
  life.stop();
}

async function checkNotObeyed(stage: Stage, cancel: Pressed): Promise<void> {
  const { state, reason } = await stage.command(cancel);
  stage.check("the cancel in the end", { state, reason }, { state: "failed", reason: "not_obeyed" });
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
