/** A printer as clients read it: what it is, what its agent said last, its current print, presence and detection. */
import * as z from "zod";
import { makeAgentToken } from "../../credentials/agent-token.ts";
import type { GCodeFile } from "../../db/g-code-files.ts";
import { DETECTION_STATES, detectionState } from "../../domain/detection.ts";
import type { Json } from "../../domain/report.ts";
import { PRESENCE_STATES, type PresenceView, type PrinterView } from "../../domain/view.ts";
import { isJsonObject } from "../../protocol/codec.ts";
import type { Admitted, Caller, HttpContext } from "../kit/context.ts";
import { BasePrinterJson, basePrinterJson } from "./base-printer.ts";
import { PrintJson, printJson } from "./print.ts";
import { SettingsJson, settingsJson } from "./settings.ts";
import { TimeJson, timeJson } from "./time.ts";

const PresenceJson = z
  .object({
    state: z.enum(PRESENCE_STATES),
    since: TimeJson.nullable(),
    last_seen_at: TimeJson.nullable(),
    status_age_ms: z.int().nullable().describe("Age of `status`; in the list null while online."),
  })
  .meta({ id: "Presence" });

const DetectionJson = z
  .object({ state: z.enum(DETECTION_STATES), last_examined_at: TimeJson.nullable() })
  .meta({ id: "Detection" });

export const PrinterJson = BasePrinterJson.extend({
  auth_token: z.string().nullable().describe("The agent's token; null for a caller without the scope `write`."),
  pic: z.object({ img_url: z.string() }).nullable(),
  status: z
    .record(z.string(), z.unknown())
    .nullable()
    .describe("What the agent last said, every key and value as JSON reads them; null offline."),
  settings: SettingsJson,
  current_print: PrintJson.nullable(),
  normalized_p: z.number().describe("Failure detection's gauge, 0 to 1."),
  presence: PresenceJson,
  detection: DetectionJson,
}).meta({ id: "Printer" });

export type PrinterBody = z.input<typeof PrinterJson>;

/** `file`: the current print's, if it is one of the account's. */
export async function printerJson(
  c: HttpContext,
  caller: Pick<Caller, "canWrite">,
  printer: PrinterView,
  file: GCodeFile | null,
): Promise<PrinterBody> {
  const print = printer.currentPrint;
  const shownFile = file !== null && file.id === print?.gCodeFileId ? file : null;
  return {
    ...basePrinterJson(printer),
    auth_token: caller.canWrite ? await makeAgentToken(printer, c.var.settings.agentKeys[0]) : null,
    pic: null,
    status: readStatus(printer.status),
    settings: settingsJson(printer.settings, printer),
    current_print: print === null ? null : printJson(print, { printerId: printer.id, printer, file: shownFile }),
    normalized_p: printer.normalizedP,
    presence: presenceJson(printer.presence),
    detection: {
      state: detectionState(printer),
      last_examined_at: timeJson(printer.lastExaminedAt),
    },
  };
}

/** One of the caller's printers, as its object shows it. */
export function ownPrinterJson(
  c: HttpContext,
  { caller, printer }: Pick<Admitted, "caller" | "printer">,
  view: PrinterView,
): Promise<PrinterBody> {
  return printerJson(c, caller, view, printer.file);
}

/** Every key and value of the status as JSON reads them. */
function readStatus(text: string | null): Json | null {
  const status: unknown = text === null ? null : JSON.parse(text);
  return isJsonObject(status) ? status : null;
}

function presenceJson(presence: PresenceView): z.input<typeof PresenceJson> {
  return {
    state: presence.state,
    since: timeJson(presence.since),
    last_seen_at: timeJson(presence.lastSeenAt),
    status_age_ms: presence.statusAgeMs,
  };
}
