/** Agents whose clocks are wrong, or are set while they print. */
import { type Agent, moonrakerReceipt } from "./agent.ts";
import { MOONRAKER, now, report } from "./frames.ts";
import type { Recorded, Stage } from "./stage.ts";

const HOUR_S = 3600;
/** What a date may miss the true one by: a second of the report's own, and the way. */
const NEAR_S = 3;
const PRINT_S = 15;

class Clocked {
  readonly agent: Agent;
  readonly #stage: Stage;
  /** What its clock shows less the true time. */
  #offset = 0;
  readonly #beganS = now();

  constructor(stage: Stage, agent: Agent) {
    this.#stage = stage;
    this.agent = agent;
  }

  set(seconds: number): void {
    this.#offset = seconds;
    this.#stage.note(`the agent's clock is ${seconds} s off`);
  }

  now(): number {
    return now() + this.#offset;
  }

  say(ts: number, text: string, event?: string): void {
    this.#stage.note(`the agent says ${text}${event === undefined ? "" : ` with ${event}`}`);
    const printTime = Math.round(now() - this.#beganS);
    this.agent.say(report({ ts, text, at: this.now(), printTime, ...(event === undefined ? {} : { event }) }));
  }
}

/** A date or a length of time is to be so many seconds off at most, and may be `earlyS` too early. */
function checkNear(stage: Stage, what: string, gotS: number | null, trueS: number, earlyS = 0): void {
  const missed = gotS === null ? null : Math.round(gotS - trueS);
  const lowest = -NEAR_S - Math.ceil(earlyS);
  const isNear = (got: number | null) => got !== null && got >= lowest && got <= NEAR_S;
  stage.checkThat(`${what}, seconds off`, missed, `${lowest} to ${NEAR_S}`, isNear);
}

/** What happened when the clock was wrong is bounded only, by so many seconds. */
interface Bounds {
  readonly startS?: number;
  readonly endS?: number;
}

/** Begun and ended when it was, and as long as it was watched. */
async function checkDates(stage: Stage, beganS: number, endedS: number, early: Bounds = {}): Promise<void> {
  const isOver = ([print]: Recorded[]) => print !== undefined && print.ended_at !== null;
  const [print, ...others] = await stage.until(5, () => stage.prints(), isOver);
  stage.check("other prints", others.length, 0);
  checkNear(stage, "started_at", secondsOf(print?.started_at), beganS, early.startS);
  checkNear(stage, "ended_at", secondsOf(print?.ended_at), endedS, early.endS);
  checkNear(stage, "print_time", print?.print_time ?? null, endedS - beganS);
}

function secondsOf(date: string | null | undefined): number | null {
  return date == null ? null : Date.parse(date) / 1000;
}

async function eightHoursBehind(stage: Stage): Promise<void> {
  const clocked = new Clocked(stage, await stage.connect(moonrakerReceipt));
  clocked.set(-8 * HOUR_S);
  const beganS = now();
  const ts = Math.floor(clocked.now());
  clocked.say(ts, "Printing", "PrintStarted");
  clocked.agent.say(MOONRAKER);
  await stage.wait(5);
  clocked.say(ts, "Operational", "PrintDone");
  // Nothing is known of the time before but that the printer was made.
  await checkDates(stage, beganS, now(), { startS: beganS - Date.parse(stage.madeAt) / 1000 });
}

async function setBack(stage: Stage): Promise<void> {
  const clocked = new Clocked(stage, await stage.connect(moonrakerReceipt));
  clocked.agent.say(MOONRAKER);
  await stage.wait(1);
  const beganS = now();
  const ts = Math.floor(beganS);
  clocked.say(ts, "Printing", "PrintStarted");
  for (let second = 1; second < PRINT_S; second += 1) {
    await stage.wait(1);
    clocked.say(ts, "Printing");
  }
  clocked.set(-2 * HOUR_S);
  clocked.say(ts, "Printing");
  await stage.wait(1);
  clocked.say(ts, "Paused", "PrintPaused");
  clocked.say(ts, "Paused");
  await stage.wait(0.5);
  await stage.comesTo("GET shows", () => stage.text(), "Paused");
  clocked.agent.onOrder(() => clocked.say(ts, "Resuming"));
  const resume = await stage.press("resume");
  stage.check("the resume is refused for", resume.command.reason, null);
  stage.check("a frame goes out for it", resume.order?.way ?? null, "commands");
  clocked.say(ts, "Printing", "PrintResumed");
  await stage.comesTo("the resume in the end", () => stage.stateOf(resume), "succeeded");
  clocked.say(ts, "Operational", "PrintDone");
  await checkDates(stage, beganS, now());
}

async function twentySecondsBack(stage: Stage): Promise<void> {
  const clocked = new Clocked(stage, await stage.connect(moonrakerReceipt));
  clocked.agent.say(MOONRAKER);
  await stage.wait(1);
  const beganS = now();
  const ts = Math.floor(beganS);
  clocked.say(ts, "Printing", "PrintStarted");
  await stage.wait(1);
  clocked.say(ts, "Printing");
  await stage.wait(1);
  const changedS = now();
  clocked.set(-20);
  clocked.say(ts, "Paused", "PrintPaused");
  await stage.wait(0.5);
  await stage.comesTo("GET shows", () => stage.text(), "Paused");
  clocked.say(ts, "Printing", "PrintResumed");
  await stage.wait(1);
  await stage.comesTo("GET shows", () => stage.text(), "Printing");
  clocked.say(ts, "Operational", "PrintDone");
  // Less than a minute is no step: such a date is at least none before the last frame's.
  await checkDates(stage, beganS, now(), { endS: now() - changedS + 1 });
}

export const CLOCK_PLAYS = {
  "clock-8h-behind": eightHoursBehind,
  "clock-set-back": setBack,
  "clock-20s-back": twentySecondsBack,
};
