/**
 * What OctoPrint's plugin does to the print at a pause and a resume. Each pause frame writes both scripts anew, from the targets
 * of that moment; each waits until it is used, by whoever pauses or resumes next, in whatever print.
 */

export interface PauseArguments {
  readonly retract?: number;
  readonly lift_z?: number;
  readonly tools_off?: boolean;
}

/** `cold`: with a heater that is off; `low`: with the nozzle, or the filament, further down than it was. */
export type Spoiled = "cold" | "low";

interface Script {
  readonly liftMm: number;
  readonly retractMm: number;
  /** Null leaves the heater alone. */
  readonly target: number | null;
}

const HOT = 210;

export class PauseScripts {
  #pause: Script | null = null;
  #resume: Script | null = null;
  /** The frame that wrote them. */
  #ref = "none";
  #target = HOT;
  #liftedMm = 0;
  #retractedMm = 0;

  write({ retract = 0, lift_z: lift = 0, tools_off: isOff = false }: PauseArguments, ref: string): void {
    this.#pause = { liftMm: lift, retractMm: retract, target: isOff ? 0 : null };
    this.#resume = { liftMm: -lift, retractMm: -retract, target: isOff ? this.#target : null };
    this.#ref = ref;
  }

  /** The print's own G-code heats and homes. */
  onStart(): void {
    this.#target = HOT;
    this.#liftedMm = 0;
    this.#retractedMm = 0;
  }

  onPause(): void {
    this.#run(this.#pause);
    this.#pause = null;
  }

  /** Null: the print goes on as it was. */
  onResume(): { how: Spoiled; ref: string } | null {
    this.#run(this.#resume);
    this.#resume = null;
    const how = this.#target === 0 ? "cold" : this.#liftedMm < 0 || this.#retractedMm < 0 ? "low" : null;
    this.onStart();
    return how === null ? null : { how, ref: this.#ref };
  }

  #run(script: Script | null): void {
    if (script === null) return;
    this.#target = script.target ?? this.#target;
    this.#liftedMm += script.liftMm;
    this.#retractedMm += script.retractMm;
  }
}
