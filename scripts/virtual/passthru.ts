/** What both agents do alike with a passthru call: its arguments, and the orders that move or heat the machine. */
import { isJsonObject, type JsonObject } from "./json.ts";
import type { VirtualPrinter } from "./printer.ts";

export type Answer = { readonly ret: unknown } | { readonly error: string };

/** The call's arguments by position; none for whatever is no list. */
export function argumentsOf(call: JsonObject): unknown[] {
  return Array.isArray(call.args) ? (call.args as unknown[]) : []; // safe: any array is an array of unknowns
}

/** A jog: only its height matters to the machine. */
export function move(printer: VirtualPrinter, axes: unknown): Answer {
  const z = isJsonObject(axes) ? axes.z : undefined;
  if (typeof z === "number") printer.order({ kind: "move", zMm: z });
  return { ret: null };
}

/** `bed`: the agent's name of the heated bed; any other heater is the nozzle. */
export function heat(printer: VirtualPrinter, bed: string, [heater, targetC]: unknown[]): Answer {
  if (typeof targetC !== "number") return { error: "set_temperature expects a heater and a number" };
  printer.order({ kind: "heat", heater: heater === bed ? "bed" : "nozzle", targetC });
  return { ret: null };
}
