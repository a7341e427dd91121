/** Machines that print under other words than `Printing`. */
import { octoprintReceipt } from "./agent.ts";
import { now, OCTOPRINT, report } from "./frames.ts";
import type { Stage } from "./stage.ts";

const SD = "Printing from SD";

/** An SD print that runs, told by OctoPrint's agent. */
async function begin(stage: Stage) {
  const ts = Math.floor(now());
  const state = { id: "PRINTING" };
  const agent = await stage.connect(octoprintReceipt(() => state.id));
  const say = (text: string, event?: string) => {
    stage.note(`the agent says ${text}${event === undefined ? "" : ` with ${event}`}`);
    agent.say(report({ ts, text, ...(event === undefined ? {} : { event }) }));
  };
  agent.say(OCTOPRINT);
  await stage.wait(1);
  say(SD, "PrintStarted");
  await stage.wait(1);
  return { agent, say, state };
}

/** Reports at least 20 s apart are needed to say so: one of them may be about a moment before. */
async function cancelNotObeyed(stage: Stage): Promise<void> {
  const { agent, say } = await begin(stage);
  agent.onOrder(() => say("Cancelling", "PrintCancelling"));
  const first = await stage.press("cancel");
  agent.onOrder(() => {});
  await stage.wait(1);
  say(SD);
  await stage.wait(1);
  await stage.comesTo("the first cancel, after one report", () => stage.stateOf(first), "delivered");
  await stage.wait(20);
  say(SD);
  await stage.wait(1);
  const { state, reason } = await stage.command(first);
  stage.check("the first cancel", { state, reason }, { state: "failed", reason: "not_obeyed" });
  const second = await stage.press("cancel");
  stage.check("the second is a command of its own", second.command.id !== first.command.id, true);
  stage.check("a frame goes out for it", second.order?.way ?? null, "commands");
  stage.check("it was taken in", second.succeeded, true);
}

async function resumedAtTheMachine(stage: Stage): Promise<void> {
  const { agent, say } = await begin(stage);
  say("Paused", "PrintPaused");
  await stage.wait(1);
  say("Paused");
  await stage.wait(1);
  say(SD);
  await stage.wait(1);
  agent.onOrder(() => say("Pausing"));
  const pause = await stage.press("pause");
  stage.check("the pause is refused for", pause.command.reason, null);
  stage.check("a frame goes out", pause.order?.way ?? null, "commands");
  say("Pausing", "PrintPaused");
  say("Paused");
  await stage.wait(1);
  await stage.comesTo("the pause in the end", () => stage.stateOf(pause), "succeeded");
}

async function resumeWhileItPrints(stage: Stage): Promise<void> {
  const { say } = await begin(stage);
  say(SD);
  await stage.wait(1);
  const { command, order } = await stage.press("resume");
  stage.check("the resume", [command.state, command.reason, order], ["rejected", "not_paused", null]);
}

/** It gives no receipts, and is believed. */
async function unknownAgent(stage: Stage): Promise<void> {
  const ts = Math.floor(now());
  const agent = await stage.connect(() => null);
  const say = (text: string, ...flags: string[]) => {
    stage.note(`the agent says ${text}, ${flags.join()}`);
    agent.say(report({ ts, text, flags }));
  };
  agent.say({ settings: { agent: { name: "bambu_obico", version: "0.3.1" } } });
  await stage.wait(1);
  say("RUNNING", "operational", "printing");
  await stage.wait(1);
  say("RUNNING", "operational", "printing");
  await stage.wait(0.5);
  await stage.comesTo("GET shows as current", () => stage.currentFile(), "life.gcode");
  const pause = await stage.press("pause");
  stage.check("a frame goes out for the pause", pause.order?.way ?? null, "commands");
  stage.check("it is believed", pause.succeeded, true);
  for (const _ of [1, 2]) {
    await stage.wait(1);
    say("PAUSE", "operational", "paused");
  }
  await stage.wait(0.5);
  await stage.comesTo("the pause in the end", () => stage.stateOf(pause), "succeeded");
  stage.check("a pause once more", (await stage.press("pause")).command.reason, "already_paused");
  const resume = await stage.press("resume");
  stage.check("a frame goes out for the resume", resume.order?.way ?? null, "commands");
  say("RUNNING", "operational", "printing");
  await stage.wait(1);
  stage.check("a resume once more", (await stage.press("resume")).command.reason, "not_paused");
}

export const SD_PLAYS = {
  "sd-cancel": cancelNotObeyed,
  "sd-resumed": resumedAtTheMachine,
  "sd-resume-running": resumeWhileItPrints,
  "unknown-agent": unknownAgent,
};
