/** OctoPrint's events with their payloads, as the plugin passes them on ([V15] to [V20]). */
import type { Job } from "../job.ts";
import { type Machine, progress } from "../machine.ts";
import { STATES, type StateId } from "./status.ts";

export interface OctoprintEvent {
  readonly event_type: string;
  readonly data: object;
}

export function stateChanged(stateId: StateId): OctoprintEvent {
  return { event_type: "PrinterStateChanged", data: { state_id: stateId, state_string: STATES[stateId] } };
}

export function printStarted(file: Job): OctoprintEvent {
  return { event_type: "PrintStarted", data: { ...payload(file), user: "maker" } };
}

export function printPaused(file: Job, machine: Machine): OctoprintEvent {
  return { event_type: "PrintPaused", data: { ...payload(file), ...reached(file, machine) } };
}

export function printResumed(file: Job): OctoprintEvent {
  return { event_type: "PrintResumed", data: payload(file) };
}

export function printDone(file: Job, machine: Machine): OctoprintEvent {
  return { event_type: "PrintDone", data: { ...payload(file), time: machine.totalSeconds } };
}

export function printCancelling(file: Job): OctoprintEvent {
  return { event_type: "PrintCancelling", data: payload(file) };
}

/** PrintCancelled, and the PrintFailed that follows it with the same payload. */
export function printCancelled(event: "PrintCancelled" | "PrintFailed", file: Job, machine: Machine): OctoprintEvent {
  const nowhere = { x: null, y: null, z: null, e: null, f: null, t: null };
  const data = { ...payload(file), position: nowhere, ...reached(file, machine), time: machine.totalSeconds };
  return { event_type: event, data: { ...data, reason: "cancelled" } };
}

/** Progress is a fraction here, a whole percentage elsewhere. */
export function printBroken(file: Job, machine: Machine, error: string): OctoprintEvent {
  const data = { ...payload(file), time: machine.totalSeconds, reason: "error", error, progress: progress(machine) };
  return { event_type: "PrintFailed", data };
}

function payload(file: Job) {
  return { name: file.name, path: file.path, origin: "local", size: file.sizeBytes, owner: "maker" };
}

function reached(file: Job, machine: Machine) {
  const fraction = progress(machine);
  return { fileposition: Math.floor(fraction * file.sizeBytes), progress: Math.floor(fraction * 100) };
}
