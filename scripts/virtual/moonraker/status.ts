/** The status of moonraker-obico 2.1.4 [V25], derived from Klipper's state. */
import { layer, type Machine, progress } from "../machine.ts";

/** What Klipper's `print_stats` amounts to. */
export type KlipperText = "Operational" | "Printing" | "Paused";
/** What the agent shows while it carries out a command or fetches a file. */
export type Transient = "Pausing" | "Resuming" | "Cancelling" | "G-Code Downloading";

export interface MoonrakerView {
  readonly machine: Machine;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly printTs: number;
  readonly fileId: unknown;
  readonly transient: Transient | null;
}

export function klipperText(machine: Machine): KlipperText {
  if (machine.phase === "idle") return "Operational";
  return machine.isHeld ? "Paused" : "Printing";
}

export function moonrakerStatus(view: MoonrakerView): object {
  const { machine } = view;
  const text = view.transient ?? klipperText(machine);
  const total = isLayerKnown(view) ? (machine.job?.layers ?? null) : null;
  return {
    _ts: view.now / 1000,
    state: { text, flags: flags(machine, text), error: machine.outcome === "error" ? machine.error : null },
    currentZ: machine.zMm,
    job: { file: file(view), estimatedPrintTime: null, user: null },
    progress: progressOf(view),
    temperatures: temperatures(machine),
    file_metadata: { analysis: { printingArea: { maxZ: objectHeight(view) } }, obico: { totalLayerCount: total } },
    currentLayerHeight: total === null ? null : layer(machine),
    currentFeedRate: 1.0,
    currentFlowRate: 1.0,
    currentFanSpeed: layer(machine) > 1 && machine.phase === "printing" ? 0.8 : 0,
  };
}

function flags(machine: Machine, text: KlipperText | Transient) {
  return {
    operational: text !== "G-Code Downloading",
    paused: text === "Paused",
    printing: text === "Printing",
    cancelling: false,
    pausing: false,
    error: machine.outcome === "error",
    ready: text === "Operational",
    closedOrError: false,
  };
}

function file({ machine, fileId }: MoonrakerView) {
  const name = machine.job?.name ?? null;
  return { name, path: machine.job?.path ?? "", display: name, obico_g_code_file_id: fileId ?? null };
}

/** Known only in a settled state of a print that has extruded something. */
function isLayerKnown({ machine, transient }: MoonrakerView): boolean {
  return transient === null && klipperText(machine) !== "Operational" && machine.printSeconds > 0;
}

/** The file's metadata are at hand from a print's start to its end. */
function objectHeight({ machine, printTs }: MoonrakerView): number | null {
  if (machine.job === null || printTs <= 0) return null;
  return round2(machine.job.layers * machine.job.layerHeightMm);
}

function progressOf({ machine, printTs }: MoonrakerView) {
  const fraction = progress(machine);
  const total = machine.job === null || machine.totalSeconds === 0 ? 0 : machine.totalSeconds;
  return {
    completion: fraction * 100,
    filepos: Math.floor(fraction * (machine.job?.sizeBytes ?? 0)),
    printTime: total,
    printTimeLeft: timeLeft(machine, printTs, fraction),
    filamentUsed: round2(fraction * (machine.job?.filamentMm ?? 0)),
  };
}

/** The slicer's estimate less what was printed while that is known, else reckoned from the part that is done. */
function timeLeft(machine: Machine, printTs: number, fraction: number): number | null {
  if (machine.job === null) return null;
  if (printTs > 0) return Math.max(1, machine.job.seconds - machine.printSeconds);
  return fraction === 0 ? null : machine.printSeconds / fraction - machine.printSeconds;
}

function temperatures(machine: Machine) {
  return {
    extruder: { actual: round2(machine.nozzle.actualC), offset: 0, target: machine.nozzle.targetC },
    heater_bed: { actual: round2(machine.bed.actualC), offset: 0, target: machine.bed.targetC },
    chamber: { actual: round2(22 + (machine.bed.actualC - 22) * 0.2), offset: 0, target: 0 },
    mcu: { actual: 41, offset: 0, target: null },
  };
}

function round2(value: number): number {
  return Math.round(value * 100) / 100;
}
