/** Passthru calls as OctoPrint-Obico 2.6.1 answers them; what it does not know gets no answer at all [V26]. */
import { readCloudFile } from "../cloud-file.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import { type Answer, argumentsOf, heat, move } from "../passthru.ts";
import { PICTURE_BASE64 } from "../picture.ts";
import type { VirtualPrinter } from "../printer.ts";
import type { OctoprintFiles } from "./files.ts";
import type { OctoprintReports } from "./reports.ts";

/** What the calls reach of the agent. */
export interface OctoprintHost {
  readonly printer: VirtualPrinter;
  readonly reports: OctoprintReports;
  readonly files: OctoprintFiles;
}

export function answerOctoprint(call: JsonObject, host: OctoprintHost): Answer | null {
  const args = argumentsOf(call);
  switch (`${call.target}.${call.func}`) {
    case "_printer.get_state_id":
      return { ret: host.reports.stateId };
    case "_printer.pause_print":
      host.printer.order({ kind: "pause", nozzleOff: false, bedOff: false, liftMm: 0 });
      return { ret: null };
    case "_printer.commands":
      return run(host, args[0]);
    case "_printer.jog":
      return move(host.printer, args[0]);
    case "_printer.home":
    case "_printer.connect":
      return { ret: null };
    case "_printer.set_temperature":
      return heat(host.printer, "bed", args);
    case "_printer.get_connection_options":
      return { ret: CONNECTION_OPTIONS };
    case "_file_manager.list_files":
      return { ret: host.files.list() };
    case "gcode_hooks.toggle_terminal_feed":
      return toggleFeed(host, args[0]);
    case "file_downloader.download":
      return download(host, args[0]);
    case "file_operations.start_printer_local_print":
      return printLocal(host, args[0]);
    case "jpeg_poster.web_snapshot_request":
      return { ret: { pic: PICTURE_BASE64 } };
  }
  return null;
}

const CONNECTION_OPTIONS = {
  ports: ["VIRTUAL"],
  baudrates: [250000, 115200],
  portPreference: "VIRTUAL",
  baudratePreference: 0,
  autoconnect: true,
} as const;

function run({ reports }: OctoprintHost, commands: unknown): Answer {
  const lines = (Array.isArray(commands) ? commands : [commands]).flatMap((text) => String(text).split("\n"));
  for (const line of lines) if (line.startsWith("M117 ")) reports.show(line.slice(5));
  return { ret: null };
}

function toggleFeed(host: OctoprintHost, wanted: unknown): Answer {
  if (wanted === "on" || wanted === "off") host.reports.terminalFeed = wanted === "on";
  return { ret: host.reports.terminalFeed };
}

function download(host: OctoprintHost, argument: unknown): Answer {
  if (host.reports.stateId !== "OPERATIONAL" || host.reports.isDownloading) return { error: "Printer busy!" };
  const file = readCloudFile(argument);
  if (file === null) return { error: "Not a file that can be downloaded" };
  void host.files.fetchAndPrint(file);
  return { ret: { target_path: file.safeFilename } };
}

/** A refusal comes inside `ret`, not beside it. */
function printLocal(host: OctoprintHost, argument: unknown): Answer {
  const isKnown =
    isJsonObject(argument) &&
    typeof argument.url === "string" &&
    host.files.printLocal(argument.url, argument.agent_signature);
  return { ret: isKnown ? "Success" : { error: "File has been modified! It is not the one that was asked for." } };
}
