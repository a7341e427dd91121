/** Prints that are hard to tell: without a name, under a time stamp that came before, or of which the agent knows nothing. */
import { type Agent, moonrakerReceipt } from "./agent.ts";
import { MOONRAKER, now, report, type Said } from "./frames.ts";
import type { Stage } from "./stage.ts";

async function begin(stage: Stage): Promise<{ agent: Agent; say: (said: Said) => void }> {
  const agent = await stage.connect(moonrakerReceipt);
  agent.say(MOONRAKER);
  await stage.wait(1);
  return {
    agent,
    say(said) {
      stage.note(`the agent says ${said.ts} ${said.text}${said.event === undefined ? "" : ` with ${said.event}`}`);
      agent.say(report(said));
    },
  };
}

const FILE = { a: { name: "a.gcode", path: "a.gcode" }, b: { name: "b.gcode", path: "b.gcode" } };

async function nameless(stage: Stage): Promise<void> {
  const { say } = await begin(stage);
  const said = { ts: Math.floor(now()), file: { name: null, path: "usb/part.gcode", display: null } };
  say({ ...said, text: "Printing" });
  await stage.wait(1);
  say({ ...said, text: "Printing" });
  await stage.wait(1);
  await stage.comesTo("GET shows as current", () => stage.currentFile(), "part.gcode", said.file.path);
  await cancelIsObeyed(stage, () => {
    say({ ...said, text: "Cancelling", event: "PrintCancelled" });
    say({ ...said, ts: -1, text: "Operational" });
  });
  await stage.comesTo("outcomes", () => outcomes(stage), ["cancelled"]);
}

async function unnamed(stage: Stage): Promise<void> {
  const { say } = await begin(stage);
  const said = { ts: Math.floor(now()), text: "Printing", file: { name: null, path: null, display: null } };
  say(said);
  await stage.wait(1);
  say(said);
  await stage.wait(1);
  const names = async () => (await stage.prints()).map(({ filename }) => filename);
  await stage.comesTo("its prints", names, ["Unnamed print"]);
  say({ ...said, file: FILE.a });
  await stage.comesTo("its prints, once it has a name", names, ["a.gcode"]);
}

/** A board whose clock begins at 1970 with each start. */
async function repeatedStamp(stage: Stage): Promise<void> {
  const { say } = await begin(stage);
  say({ ts: 512, at: 512.3, text: "Printing", event: "PrintStarted", file: FILE.a });
  await stage.wait(2);
  say({ ts: 512, at: 514.3, text: "Operational", event: "PrintDone", file: FILE.a });
  say({ ts: -1, at: 514.4, text: "Operational", file: FILE.a });
  await stage.wait(1);
  say({ ts: 512, at: 512.2, text: "Printing", event: "PrintStarted", file: FILE.b });
  await stage.wait(1);
  await stage.comesTo("GET shows as current", () => stage.currentFile(), "b.gcode");
  await cancelIsObeyed(stage, () => {
    say({ ts: 512, at: 514, text: "Cancelling", event: "PrintCancelled", file: FILE.b });
    say({ ts: -1, at: 514.5, text: "Operational", file: FILE.b });
  });
  await stage.comesTo("outcomes", () => outcomes(stage), ["finished", "cancelled"]);
  await stage.comesTo("events", () => stage.events(), ["STARTED", "ENDED", "STARTED", "ENDED"]);
}

/** As Klipper, Moonraker and their agent do it after FIRMWARE_RESTART. */
async function restartedKlipper(stage: Stage): Promise<void> {
  const { agent, say } = await begin(stage);
  const ts = Math.floor(now());
  say({ ts, text: "Printing", event: "PrintStarted" });
  await stage.wait(2);
  say({ ts, text: "Operational", event: "PrintCancelled" });
  say({ ts, text: "Operational", event: "PrintFailed" });
  say({ ts: -1, text: "Operational" });
  await stage.wait(0.5);
  agent.say({});
  await stage.wait(3);
  say({ ts, text: "Printing", event: "PrintStarted" });
  await stage.wait(1);
  await cancelIsObeyed(stage, () => {
    say({ ts, text: "Cancelling", event: "PrintCancelled" });
    say({ ts: -1, text: "Operational" });
  });
  await stage.comesTo("outcomes", () => outcomes(stage), ["cancelled", "cancelled"]);
}

async function doneToldLate(stage: Stage): Promise<void> {
  const { say } = await begin(stage);
  const ts = Math.floor(now());
  say({ ts, text: "Printing", event: "PrintStarted" });
  await stage.wait(2);
  say({ ts: -1, text: "Operational" });
  await stage.wait(2);
  say({ ts, text: "Operational", event: "PrintDone", printTime: 2 });
  say({ ts: -1, text: "Operational" });
  await stage.comesTo("outcomes", () => outcomes(stage), ["finished"]);
  await stage.comesTo("print_time", async () => (await stage.prints())[0]?.print_time ?? null, 2);
}

/** Each takes the socket from the other; what one knows nothing of is not over. */
async function clonedAgent(stage: Stage): Promise<void> {
  const ts = Math.floor(now());
  for (let turn = 0; turn < 5; turn += 1) {
    const isFirst = turn === 0;
    const printing = await stage.connect(moonrakerReceipt);
    printing.say(MOONRAKER);
    printing.say(report({ ts, text: "Printing", ...(isFirst ? { event: "PrintStarted" } : {}) }));
    await stage.wait(2);
    const idle = await stage.connect(moonrakerReceipt);
    idle.say(MOONRAKER);
    idle.say(report({ ts: -1, text: "Operational" }));
    await stage.wait(2);
  }
  const last = await stage.connect(moonrakerReceipt);
  last.say(MOONRAKER);
  last.say(report({ ts, text: "Printing" }));
  await stage.wait(2);
  await stage.comesTo("outcomes", () => outcomes(stage), [null]);
  await stage.comesTo("GET shows as current", () => stage.currentFile(), "life.gcode");
  // Before it is known that there are two, one end may be believed.
  await stage.comesTo("events", () => stage.events(), ["STARTED"], ["STARTED", "ENDED"]);
}

async function noCurrentPrint(stage: Stage): Promise<void> {
  const { say } = await begin(stage);
  say({ ts: -1, text: "Operational" });
  await stage.wait(1);
  say({ ts: -1, text: "Printing" });
  await stage.wait(1);
  stage.check("its prints", (await stage.prints()).length, 0);
  const cancel = await cancelIsObeyed(stage, () => {
    say({ ts: -1, text: "Cancelling" });
    say({ ts: -1, text: "Operational" });
  });
  stage.check("the print that it is bound to", cancel.command.print_id, null);
}

async function download(stage: Stage): Promise<void> {
  const { say } = await begin(stage);
  say({ ts: -1, text: "Operational" });
  await stage.wait(1);
  say({ ts: -1, text: "G-Code Downloading" });
  await stage.wait(1);
  const { command, order, words } = await stage.press("cancel");
  stage.check("the cancel", [command.state, command.reason, order], ["rejected", "not_printing", null]);
  stage.checkThat("the answer", words, "words that the file is on its way and will start", (told) =>
    /on its way.*start/i.test(told),
  );
}

/** A frame goes out, and what `obey` says settles it. */
async function cancelIsObeyed(stage: Stage, obey: () => void) {
  const cancel = await stage.press("cancel");
  stage.check("a frame goes out for the cancel", cancel.order?.way ?? null, "commands");
  stage.check("it was taken in", cancel.succeeded, true);
  obey();
  await stage.comesTo("the cancel in the end", () => stage.stateOf(cancel), "succeeded");
  return cancel;
}

async function outcomes(stage: Stage): Promise<(string | null)[]> {
  return (await stage.prints()).map(({ outcome }) => outcome);
}

export const PRINT_PLAYS = {
  nameless,
  unnamed,
  "repeated-stamp": repeatedStamp,
  "restarted-klipper": restartedKlipper,
  "done-told-late": doneToldLate,
  "cloned-agent": clonedAgent,
  "no-current-print": noCurrentPrint,
  download,
};
