/**
 * The simulated printer: heaters, layers, progress and the phases of a print, as pure functions of time. It knows no agent:
 * what its host makes of the phases is the dialect's business.
 */
import type { Job } from "./job.ts";
import { scramble } from "./random.ts";

type Phase = "idle" | "starting" | "printing" | "pausing" | "paused" | "resuming" | "cancelling" | "finishing";

interface Heater {
  readonly actualC: number;
  /** 0 is off. */
  readonly targetC: number;
}

export interface Machine {
  /** Whether its host reaches it: `shutdown` answers that it is not ready, `lost` does not answer. */
  readonly reach: "ready" | "shutdown" | "lost";
  readonly phase: Phase;
  readonly phaseSeconds: number;
  /** Held by a pause, until it prints again or ends. */
  readonly isHeld: boolean;
  /** The file loaded last; it stays after the end. */
  readonly job: Job | null;
  /** When the host says that the print began or, between prints, the last one: Unix seconds; 0 before the first. */
  readonly startedAt: number;
  /** How the last print ended; null before the first end and during a print. */
  readonly outcome: "complete" | "cancelled" | "error" | null;
  readonly error: string | null;
  /** Since the start, heating and pauses included. */
  readonly totalSeconds: number;
  /** Of those, the ones spent printing. */
  readonly printSeconds: number;
  readonly nozzle: Heater;
  readonly bed: Heater;
  readonly zMm: number;
  /** Seed of the next reading's noise. */
  readonly noise: number;
}

export type Order =
  | { readonly kind: "start"; readonly job: Job; readonly at: number }
  | { readonly kind: "pause"; readonly nozzleOff: boolean; readonly bedOff: boolean; readonly liftMm: number }
  | { readonly kind: "resume" }
  | { readonly kind: "cancel" }
  | { readonly kind: "fail"; readonly error: string }
  | { readonly kind: "heat"; readonly heater: "nozzle" | "bed"; readonly targetC: number }
  | { readonly kind: "move"; readonly zMm: number }
  | { readonly kind: "reach"; readonly reach: Machine["reach"] }
  | { readonly kind: "power_cut" };

const ROOM_C = 22;

const OFF: Heater = { actualC: ROOM_C, targetC: 0 };
const NOTHING_PRINTED = { totalSeconds: 0, printSeconds: 0, outcome: null, error: null } as const;

export function idleMachine(seed: number): Machine {
  return {
    reach: "ready",
    phase: "idle",
    phaseSeconds: 0,
    isHeld: false,
    job: null,
    startedAt: 0,
    ...NOTHING_PRINTED,
    nozzle: OFF,
    bed: OFF,
    zMm: 5,
    noise: seed | 0,
  };
}

/** The machine after the order; the very same object when the order cannot be carried out now. */
export function act(machine: Machine, order: Order): Machine {
  switch (order.kind) {
    case "start":
      if (machine.phase !== "idle" || machine.reach !== "ready") return machine;
      return begun(machine, order.job, order.at);
    case "pause":
      return machine.phase === "printing" ? pausing(machine, order) : machine;
    case "resume":
      return machine.phase === "paused" && machine.job !== null
        ? heatFor(machine.job, { ...machine, ...enter("resuming") })
        : machine;
    case "cancel":
      return isPrinting(machine) && machine.phase !== "cancelling" ? { ...machine, ...enter("cancelling") } : machine;
    case "fail":
      return isPrinting(machine) ? ended(machine, "error", order.error) : machine;
    case "heat":
      return { ...machine, [order.heater]: { ...machine[order.heater], targetC: order.targetC } };
    case "move":
      return isPrinting(machine) ? machine : { ...machine, zMm: Math.max(0, machine.zMm + order.zMm) };
    case "reach":
      return { ...machine, reach: order.reach };
    case "power_cut":
      return { ...cooling(machine), ...enter("idle"), ...NOTHING_PRINTED, isHeld: false, job: null };
  }
}

/** The machine that much later, one phase further at most: half a second a step skips none. */
export function advance(machine: Machine, seconds: number): Machine {
  const later = {
    ...machine,
    phaseSeconds: machine.phaseSeconds + seconds,
    totalSeconds: machine.totalSeconds + (isPrinting(machine) ? seconds : 0),
    nozzle: heated(machine.nozzle, seconds, NOZZLE, machine.noise),
    bed: heated(machine.bed, seconds, BED, machine.noise + 1),
    noise: (machine.noise + 2) | 0,
  };
  return moveOn(later, seconds);
}

/** From the start of a print to its end, pauses included. */
export function isPrinting(machine: Machine): boolean {
  return machine.phase !== "idle";
}

/** 0 to 1. */
export function progress(machine: Machine): number {
  return machine.job === null ? 0 : Math.min(1, machine.printSeconds / machine.job.seconds);
}

/** The layer being printed, 1 at least; 0 while nothing was extruded. */
export function layer(machine: Machine): number {
  if (machine.job === null || machine.printSeconds <= 0) return 0;
  return Math.min(machine.job.layers, 1 + Math.floor(progress(machine) * machine.job.layers));
}

function begun(machine: Machine, job: Job, at: number): Machine {
  return heatFor(job, { ...machine, ...NOTHING_PRINTED, ...enter("starting"), job, startedAt: at });
}

function moveOn(machine: Machine, seconds: number): Machine {
  const { phase, phaseSeconds, job } = machine;
  if (phase === "starting" && phaseSeconds >= 0.5) return { ...machine, ...enter("printing") };
  if (phase === "printing" && job !== null && isHot(machine, job)) return printed(machine, job, seconds);
  if (phase === "pausing" && phaseSeconds >= 1) return { ...machine, ...enter("paused"), isHeld: true };
  if (phase === "resuming" && phaseSeconds >= 1 && (job === null || isHot(machine, job))) {
    return { ...machine, ...enter("printing"), isHeld: false };
  }
  if (phase === "cancelling" && phaseSeconds >= 1) return ended(machine, "cancelled", null);
  if (phase === "finishing" && phaseSeconds >= 0.5) return ended(machine, "complete", null);
  return machine;
}

function printed(machine: Machine, job: Job, seconds: number): Machine {
  const on = { ...machine, printSeconds: Math.min(job.seconds, machine.printSeconds + seconds) };
  const there = { ...on, zMm: Math.round(layer(on) * job.layerHeightMm * 100) / 100 };
  return there.printSeconds >= job.seconds ? { ...there, ...enter("finishing") } : there;
}

function pausing(machine: Machine, order: Extract<Order, { kind: "pause" }>): Machine {
  return {
    ...machine,
    ...enter("pausing"),
    zMm: Math.round((machine.zMm + order.liftMm) * 100) / 100,
    nozzle: order.nozzleOff ? { ...machine.nozzle, targetC: 0 } : machine.nozzle,
    bed: order.bedOff ? { ...machine.bed, targetC: 0 } : machine.bed,
  };
}

function ended(machine: Machine, outcome: NonNullable<Machine["outcome"]>, error: string | null): Machine {
  return { ...cooling(machine), ...enter("idle"), isHeld: false, outcome, error };
}

function cooling(machine: Machine): Machine {
  return { ...machine, nozzle: { ...machine.nozzle, targetC: 0 }, bed: { ...machine.bed, targetC: 0 } };
}

function heatFor(job: Job, machine: Machine): Machine {
  return {
    ...machine,
    nozzle: { ...machine.nozzle, targetC: job.nozzleC },
    bed: { ...machine.bed, targetC: job.bedC },
  };
}

function isHot(machine: Machine, job: Job): boolean {
  return machine.nozzle.actualC > job.nozzleC - 2 && machine.bed.actualC > job.bedC - 2;
}

function enter(phase: Phase) {
  return { phase, phaseSeconds: 0 };
}

/** Degrees a second while heating, and the share of the distance to the room's temperature lost a second. */
const NOZZLE = { heating: 2.5, cooling: 0.006 } as const;
const BED = { heating: 0.7, cooling: 0.002 } as const;
/** Share of the distance to its target that a heater makes up a second once it is near. */
const HOLDING = 0.5;

function heated(heater: Heater, seconds: number, rate: { heating: number; cooling: number }, noise: number): Heater {
  const goal = Math.max(ROOM_C, heater.targetC);
  const distance = goal - heater.actualC;
  const share = 1 - Math.exp(-(heater.targetC > 0 ? HOLDING : rate.cooling) * seconds);
  const change = distance > 0.5 ? Math.min(rate.heating * seconds, distance) : distance * share;
  return { ...heater, actualC: heater.actualC + change + (scramble(noise) - 0.5) * 0.1 };
}
