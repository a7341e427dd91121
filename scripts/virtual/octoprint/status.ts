/** The status of OctoPrint-Obico 2.6.1 [V25]: OctoPrint's own state, and what the plugin adds to it. */
import type { Job } from "../job.ts";
import { layer, type Machine, progress } from "../machine.ts";

/** OctoPrint's state ids and what it calls them. */
export const STATES = {
  OPERATIONAL: "Operational",
  STARTING: "Starting",
  PRINTING: "Printing",
  PAUSING: "Pausing",
  PAUSED: "Paused",
  RESUMING: "Resuming",
  CANCELLING: "Cancelling",
  FINISHING: "Finishing",
  OFFLINE: "Offline",
  CLOSED_WITH_ERROR: "Offline after error",
  DETECT_SERIAL: "Detecting serial connection",
} as const;
export type StateId = keyof typeof STATES;

/** How earlier prints of the loaded file ended. */
export interface PastPrint {
  readonly timestamp: number;
  readonly printTime?: number;
  readonly success: boolean;
  readonly printerProfile: "_default";
}

export interface OctoprintView {
  readonly machine: Machine;
  readonly stateId: StateId;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly printTs: number;
  /** Undefined while the server gave none for this print. */
  readonly fileId: unknown;
  readonly isDownloading: boolean;
  readonly hasReadings: boolean;
  /** Nothing was ever loaded; after a lost connection nothing is loaded any more. */
  readonly file: Job | "never" | "lost";
  readonly error: string;
  readonly message: string | null;
  readonly history: readonly PastPrint[];
}

const BUSY_STATES: readonly StateId[] = ["STARTING", "PRINTING", "PAUSING", "RESUMING", "CANCELLING", "FINISHING"];
const CLOSED_STATES: readonly StateId[] = ["OFFLINE", "CLOSED_WITH_ERROR", "DETECT_SERIAL"];

export function octoprintStatus(view: OctoprintView): object {
  const { machine, stateId } = view;
  const isClosed = CLOSED_STATES.includes(stateId);
  return {
    state: { text: view.isDownloading ? "G-Code Downloading" : STATES[stateId], flags: flags(view), error: view.error },
    job: job(view),
    currentZ: isProgressKnown(view) ? machine.zMm : null,
    progress: progressOf(view),
    offsets: {},
    resends: { count: 0, transmitted: Math.floor(machine.totalSeconds), ratio: 0 },
    temperatures: isClosed || !view.hasReadings ? {} : temperatures(machine),
    _ts: Math.floor(view.now / 1000),
    currentLayerHeight: view.printTs > 0 && layer(machine) > 0 ? layer(machine) : null,
    display_status: { message: view.message },
    file_metadata: metadata(view),
  };
}

function flags({ stateId, isDownloading }: OctoprintView) {
  const isOpen = !CLOSED_STATES.includes(stateId);
  return {
    operational: isOpen && !isDownloading,
    printing: BUSY_STATES.includes(stateId),
    cancelling: stateId === "CANCELLING",
    pausing: stateId === "PAUSING",
    resuming: stateId === "RESUMING",
    finishing: stateId === "FINISHING",
    closedOrError: stateId === "OFFLINE" || stateId === "CLOSED_WITH_ERROR",
    error: stateId === "CLOSED_WITH_ERROR",
    paused: stateId === "PAUSED",
    ready: stateId === "OPERATIONAL",
    sdReady: isOpen,
  };
}

function job({ file, fileId, history }: OctoprintView) {
  const id = fileId === undefined ? {} : { obico_g_code_file_id: fileId };
  const nothing = { name: null, path: null, origin: null, size: null, date: null };
  if (file === "never") {
    const filament = { length: null, volume: null };
    return { file: { ...nothing, ...id }, estimatedPrintTime: null, lastPrintTime: null, filament, user: null };
  }
  const isLost = file === "lost";
  const last = history.findLast((print) => print.success)?.printTime ?? null;
  return {
    file: isLost ? { ...nothing, display: null, ...id } : { ...loaded(file), ...id },
    estimatedPrintTime: isLost ? null : file.seconds,
    averagePrintTime: isLost ? null : last,
    lastPrintTime: isLost ? null : last,
    filament: isLost ? null : filament(file),
    user: isLost ? null : "maker",
  };
}

function loaded(file: Job) {
  const date = Math.floor(file.modifiedAt);
  return { name: file.name, path: file.path, display: file.name, origin: "local", size: file.sizeBytes, date };
}

function filament(file: Job) {
  return { tool0: { length: file.filamentMm, volume: Math.round(file.filamentMm * 2.405) / 1000 } };
}

/** Gone from the moment a cancelled print is cleared away until the next start; not there before the first. */
function isProgressKnown({ machine, stateId, file }: OctoprintView): boolean {
  if (typeof file === "string" || machine.outcome === "cancelled") return false;
  return stateId !== "STARTING" && machine.totalSeconds > 0;
}

function progressOf(view: OctoprintView) {
  const { machine, file } = view;
  if (typeof file === "string") return noProgress;
  if (!isProgressKnown(view)) return { ...noProgress, filamentUsed: file.filamentMm };
  const isDone = view.stateId === "FINISHING" || machine.outcome === "complete";
  const fraction = isDone ? 1 : Math.max(0.001, progress(machine));
  return {
    completion: fraction * 100,
    filepos: Math.floor(fraction * file.sizeBytes),
    printTime: Math.floor(machine.totalSeconds),
    printTimeLeft: Math.round(file.seconds * (1 - fraction)),
    printTimeLeftOrigin: isDone ? null : fraction < 0.5 ? "analysis" : "estimate",
    // The whole job's length, not what was used so far.
    filamentUsed: file.filamentMm,
  };
}

const noProgress = {
  completion: null,
  filepos: null,
  printTime: null,
  printTimeLeft: null,
  printTimeLeftOrigin: null,
} as const;

function temperatures({ nozzle, bed }: Machine) {
  return {
    tool0: { actual: Math.round(nozzle.actualC * 100) / 100, target: nozzle.targetC, offset: 0 },
    bed: { actual: Math.round(bed.actualC * 100) / 100, target: bed.targetC, offset: 0 },
    chamber: { actual: null, target: null, offset: 0 },
  };
}

function metadata({ file, history }: OctoprintView): object | null {
  if (typeof file === "string") return null;
  const height = Math.round(file.layers * file.layerHeightMm * 100) / 100;
  const area = { maxX: 120.5, maxY: 98.25, maxZ: height, minX: 40.0, minY: 32.5, minZ: 0.0 };
  const size = { depth: 65.75, height, width: 80.5 };
  const done = history.findLast((print) => print.success)?.printTime;
  const times = done === undefined ? {} : { _default: done };
  return {
    hash: file.hash,
    obico: { totalLayerCount: file.layers + 1 },
    analysis: {
      printingArea: area,
      dimensions: size,
      travelArea: area,
      travelDimensions: size,
      estimatedPrintTime: file.seconds,
      filament: filament(file),
    },
    ...(history.length === 0 ? {} : { history, statistics: { averagePrintTime: times, lastPrintTime: times } }),
  };
}
