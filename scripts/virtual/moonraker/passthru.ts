/** Passthru calls as moonraker-obico 2.1.4 answers them [V26]. */
import { readCloudFile } from "../cloud-file.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import { type Answer, argumentsOf, heat, move } from "../passthru.ts";
import { PICTURE_BASE64 } from "../picture.ts";
import type { VirtualPrinter } from "../printer.ts";
import type { MoonrakerOrders } from "./orders.ts";

const UNSUPPORTED: Answer = { error: "Request not supported by this version of the agent." };
const BUSY: Answer = { error: "Printer busy!" };
const CHANGED: Answer = { error: "File has been modified! It is not the one that was asked for." };

export function answerMoonraker(call: JsonObject, printer: VirtualPrinter, orders: MoonrakerOrders): Answer {
  const args = argumentsOf(call);
  switch (`${call.target}.${call.func}`) {
    case "_printer.pause":
    case "_printer.resume":
    case "_printer.cancel":
      // Carried out, and yet answered as unknown.
      orders.carryOut(call.func as "pause" | "resume" | "cancel"); // safe: the three cases above
      return UNSUPPORTED;
    case "_printer.jog":
      return move(printer, args[0]);
    case "_printer.home":
      return { ret: null };
    case "_printer.set_temperature":
      return heat(printer, "heater_bed", args);
    case "file_downloader.download":
      return download(orders, args[0]);
    case "file_operations.start_printer_local_print":
      return printLocal(orders, args[0]);
    case "jpeg_poster.web_snapshot_request":
      return { ret: { pic: PICTURE_BASE64 } };
  }
  return call.target === "moonraker_api" ? answerApi(call, printer) : UNSUPPORTED;
}

function download(orders: MoonrakerOrders, argument: unknown): Answer {
  if (orders.isBusy) return BUSY;
  const file = readCloudFile(argument);
  if (file === null || /[/\\]/.test(file.safeFilename)) return { error: "Not a file that can be downloaded" };
  void orders.fetchAndPrint(file);
  return { ret: { target_path: file.filename } };
}

function printLocal(orders: MoonrakerOrders, argument: unknown): Answer {
  if (!isJsonObject(argument) || typeof argument.url !== "string") return CHANGED;
  return orders.printLocal(argument.url, argument.agent_signature) ? { ret: "Success" } : CHANGED;
}

/** A few paths of Moonraker's API: GET results come unwrapped, POST ones whole. */
function answerApi(call: JsonObject, printer: VirtualPrinter): Answer {
  const verb = isJsonObject(call.kwargs) ? (call.kwargs.verb ?? "get") : "get";
  const { nozzle, bed } = printer.machine;
  if (verb === "post" && call.func === "printer/gcode/script") return { ret: { result: "ok" } };
  if (verb === "get" && call.func === "printer/info") return { ret: { state: "ready", hostname: "virtual-klipper" } };
  if (verb === "get" && call.func === "printer/objects/query?extruder&heater_bed") {
    const status = {
      extruder: { temperature: nozzle.actualC, target: nozzle.targetC },
      heater_bed: { temperature: bed.actualC, target: bed.targetC },
    };
    return { ret: { status } };
  }
  return { error: `Error in calling "${call.func}" - "${verb}"` };
}
