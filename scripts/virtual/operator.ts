/** The person at a virtual printer: starts the next print, and, if restless, now and then pauses, cancels or breaks one. */
import type { VirtualAgent } from "./agent.ts";
import type { Clock } from "./clock.ts";
import { makeJob } from "./job.ts";
import { isPrinting, type Machine, progress } from "./machine.ts";
import { between, type Random } from "./random.ts";

const LOOK_MS = 1000;
/** The agent has looked at its printer by then, so that it sees the print begin. */
const FIRST_START_LOOKS = 4;
/** Whoever cancelled a print wants the printer to stand still, and would take a print that begins soon for a resume. */
const AFTER_CANCEL_SECONDS = 6000;
/** Chances a look while it prints, of which one takes a second. */
const CHANCE = { pause: 1 / 3600, cancel: 1 / 18_000, fail: 1 / 36_000 } as const;
const LONGEST_PAUSE_S = 600;

export interface OperatorOptions {
  readonly agent: VirtualAgent;
  readonly clock: Clock;
  readonly random: Random;
  /** Between the end of a print and the next. */
  readonly gapSeconds: number;
  readonly isRestless: boolean;
}

/** Seconds for which the printer still stands idle because somebody else than its operator cancelled its last print. */
export function cancelledIdleSeconds(machine: Machine): number {
  const isCancelled = !isPrinting(machine) && machine.outcome === "cancelled";
  return isCancelled ? Math.max(0, AFTER_CANCEL_SECONDS - machine.phaseSeconds) : 0;
}

export class Operator {
  readonly #options: OperatorOptions;
  #linkedLooks = 0;
  #hasStarted = false;
  #hasCancelled = false;
  /** Looks until a pause of this person's own ends; null when there is none. */
  #pauseLooks: number | null = null;
  #stopped = false;

  constructor(options: OperatorOptions) {
    this.#options = options;
    this.#again();
  }

  stop(): void {
    this.#stopped = true;
  }

  #again(): void {
    this.#options.clock.after(LOOK_MS, () => {
      if (this.#stopped) return;
      this.#look();
      this.#again();
    });
  }

  #look(): void {
    const { agent, isRestless } = this.#options;
    const { machine } = agent.printer;
    this.#linkedLooks += agent.link.isOpen ? 1 : 0;
    if (isPrinting(machine) && machine.phase !== "cancelling") this.#hasCancelled = false;
    if (!isPrinting(machine)) this.#startWhenDue();
    else if (machine.phase === "paused") this.#endOwnPause();
    else if (isRestless && machine.phase === "printing" && progress(machine) > 0.02) this.#meddle();
  }

  #startWhenDue(): void {
    const { agent, clock, random, gapSeconds } = this.#options;
    const { machine } = agent.printer;
    this.#pauseLooks = null;
    if (this.#linkedLooks < FIRST_START_LOOKS || (this.#hasStarted && machine.phaseSeconds < gapSeconds)) return;
    if (!this.#hasCancelled && cancelledIdleSeconds(machine) > 0) return;
    if (!agent.printer.start(makeJob(random, clock.now()))) return;
    this.#hasStarted = true;
  }

  /** Only a pause of its own: what the server paused stays paused. */
  #endOwnPause(): void {
    if (this.#pauseLooks === null) return;
    this.#pauseLooks -= 1;
    if (this.#pauseLooks > 0) return;
    this.#pauseLooks = null;
    this.#options.agent.printer.order({ kind: "resume" });
  }

  #meddle(): void {
    const { random } = this.#options;
    const { printer } = this.#options.agent;
    const luck = random();
    if (luck < CHANCE.fail) printer.order({ kind: "fail", error: "Heater extruder not heating at expected rate" });
    else if (luck < CHANCE.fail + CHANCE.cancel) this.#hasCancelled = printer.order({ kind: "cancel" });
    else if (luck < CHANCE.fail + CHANCE.cancel + CHANCE.pause) {
      this.#pauseLooks = Math.ceil(between(random, 10, LONGEST_PAUSE_S));
      printer.order({ kind: "pause", nozzleOff: false, bedOff: false, liftMm: 0 });
    }
  }
}
