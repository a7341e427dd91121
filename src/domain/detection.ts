/** When failure detection watches a printer, and why not. No detector is built in yet. */
import type { Configuration } from "./configuration.ts";
import type { Print } from "./print.ts";
import type { PrinterView } from "./view.ts";

/** What `should_watch` tells the agent. It must not depend on the reported status, which watching itself may change. */
export function shouldWatch(printer: {
  readonly configuration: Configuration;
  readonly current: Print | null;
}): boolean {
  return printer.configuration.watchingEnabled && printer.current !== null && printer.current.alertMutedAt === null;
}

/** The first reason that applies, or null. */
export function notWatchingReason(printer: PrinterView): string | null {
  if (!printer.configuration.watchingEnabled) return "AI failure detection is disabled";
  if (printer.currentPrint === null || !printer.isPrinting) return "Printer is not actively printing";
  if (printer.currentPrint.alertMutedAt !== null) return "Alerts are muted for current print";
  return null;
}

export const DETECTION_STATES = ["off", "waiting", "active", "unavailable"] as const;
export type DetectionState = (typeof DETECTION_STATES)[number];

/** `off` when the owner does not want it, `waiting` while there is nothing to watch, else `unavailable`: no detector. */
export function detectionState(printer: PrinterView): DetectionState {
  const { configuration, currentPrint, isPrinting } = printer;
  if (!configuration.watchingEnabled || (currentPrint?.alertMutedAt ?? null) !== null) return "off";
  return currentPrint === null || !isPrinting ? "waiting" : "unavailable";
}
