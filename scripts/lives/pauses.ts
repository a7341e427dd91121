/** Pauses that come twice, too early, or over a socket that is replaced. */
import { moonrakerReceipt, octoprintReceipt } from "./agent.ts";
import { MOONRAKER, now, OCTOPRINT, report } from "./frames.ts";
import type { Stage } from "./stage.ts";

/** Its plugin would write its scripts anew, from heaters that are off: the print would go on cold. */
async function pausedOctoprint(stage: Stage): Promise<void> {
  const ts = Math.floor(now()) - 600;
  const agent = await stage.connect(octoprintReceipt(() => "PAUSED"));
  agent.say(OCTOPRINT);
  await stage.wait(1);
  stage.note("the agent says Paused, once");
  agent.say(report({ ts, text: "Paused" }));
  await stage.wait(1);
  const pause = await stage.press("pause");
  stage.check("what goes out", orderOf(pause), ["passthru", "pause_print"]);
  stage.check("it was taken in", pause.succeeded, true);
  for (const _ of [1, 2]) {
    await stage.wait(1);
    stage.note("the agent says Paused");
    agent.say(report({ ts, text: "Paused" }));
  }
  await stage.wait(1);
  await stage.comesTo("the pause in the end", () => stage.stateOf(pause), "succeeded");
  const again = await stage.press("pause");
  stage.check("a pause once more", [again.command.reason, again.order], ["already_paused", null]);
}

/** It may have read the first, and say so late. */
async function pressedTwice(stage: Stage): Promise<void> {
  const ts = Math.floor(now());
  let isMute = false;
  const receipt = octoprintReceipt(() => "PRINTING");
  const agent = await stage.connect((order) => (isMute ? null : receipt(order)));
  agent.say(OCTOPRINT);
  await stage.wait(1);
  agent.say(report({ ts, text: "Printing", event: "PrintStarted" }));
  await stage.wait(1);
  isMute = true;
  const first = await stage.press("pause");
  stage.check("what goes out first", orderOf(first), ["commands", "pause"]);
  stage.check("it was taken in", first.succeeded, false);
  const second = await stage.press("pause");
  stage.check("what goes out then", orderOf(second), ["passthru", "pause_print"]);
  await stage.comesTo("the first in the end", () => stage.stateOf(first), "superseded");
}

async function deliveredPause(stage: Stage): Promise<void> {
  const ts = Math.floor(now());
  const agent = await stage.connect(moonrakerReceipt);
  agent.say(MOONRAKER);
  await stage.wait(1);
  agent.say(report({ ts, text: "Printing", event: "PrintStarted" }));
  await stage.wait(1);
  agent.say(report({ ts, text: "Printing" }));
  await stage.wait(0.5);
  const pause = await stage.press("pause");
  stage.check("the pause", pause.command.state, "delivered");
  const resume = await stage.press("resume");
  stage.check("the resume is refused for", resume.command.reason, null);
  stage.check("a frame goes out for it", resume.order?.way ?? null, "commands");
  stage.check("it was taken in", resume.succeeded, true);
}

async function newSocket(stage: Stage): Promise<void> {
  const ts = Math.floor(now());
  const first = await stage.connect(moonrakerReceipt);
  first.say(MOONRAKER);
  await stage.wait(1);
  first.say(report({ ts, text: "Printing", event: "PrintStarted" }));
  await stage.wait(1);
  const pause = await stage.press("pause");
  stage.check("the pause", pause.command.state, "delivered");
  first.close();
  await stage.wait(2);
  const second = await stage.connect(moonrakerReceipt);
  second.say(MOONRAKER);
  for (const _ of [1, 2, 3]) {
    await stage.wait(1);
    stage.note("the agent says Paused");
    second.say(report({ ts, text: "Paused" }));
  }
  await stage.wait(1);
  await stage.comesTo("the pause in the end", () => stage.stateOf(pause), "succeeded");
}

function orderOf({ order }: { order: { way: string; name: string } | null }): string[] | null {
  return order === null ? null : [order.way, order.name];
}

export const PAUSE_PLAYS = {
  "paused-octoprint": pausedOctoprint,
  "pressed-twice": pressedTwice,
  "delivered-pause": deliveredPause,
  "new-socket": newSocket,
};
