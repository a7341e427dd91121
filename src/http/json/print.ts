/** A print as clients read it: the shape of `current_print`, which the prints' own routes extend. */
import * as z from "zod";
import type { GCodeFile } from "../../db/g-code-files.ts";
import { ALERT_OVERWRITES, OUTCOMES, type ShownPrint } from "../../domain/print.ts";
import type { PrinterView } from "../../domain/view.ts";
import { BasePrinterJson, basePrinterJson } from "./base-printer.ts";
import { GCodeFileJson, gCodeFileJson } from "./g-code-file.ts";
import { TimeJson, timeJson } from "./time.ts";

export const PrintJson = z
  .object({
    id: z.int(),
    printer: BasePrinterJson.nullable().describe("Null if the printer is gone."),
    printer_id: z.int(),
    g_code_file: GCodeFileJson.nullable(),
    filename: z.string(),
    started_at: TimeJson,
    ended_at: TimeJson.nullable(),
    finished_at: TimeJson.nullable(),
    cancelled_at: TimeJson.nullable(),
    uploaded_at: TimeJson.nullable(),
    alerted_at: TimeJson.nullable(),
    alert_acknowledged_at: TimeJson.nullable(),
    alert_muted_at: TimeJson.nullable(),
    paused_at: TimeJson.nullable().describe("The latest pause by failure detection."),
    video_url: z.string().nullable(),
    tagged_video_url: z.string().nullable(),
    poster_url: z.string().nullable(),
    alert_overwrite: z.enum(ALERT_OVERWRITES).nullable(),
    filament_used: z.number().nullable().describe("mm"),
    print_time: z.number().nullable().describe("Seconds."),
    access_consented_at: TimeJson.nullable(),
    video_archived_at: TimeJson.nullable(),
    need_alert_overwrite: z.boolean(),
    need_print_shot_feedback: z.boolean(),
    outcome: z.enum(OUTCOMES).nullable().describe("How it ended; null while it is current."),
  })
  .meta({ id: "BasePrint" });

/** No video is made, and no feedback on pictures is asked for. */
const WITHOUT_VIDEO = {
  uploaded_at: null,
  video_url: null,
  tagged_video_url: null,
  poster_url: null,
  access_consented_at: null,
  video_archived_at: null,
  need_alert_overwrite: false,
  need_print_shot_feedback: false,
} as const;

export interface PrintOwner {
  readonly printerId: number;
  /** Null if it is gone. */
  readonly printer: PrinterView | null;
  readonly file: GCodeFile | null;
}

export function printJson(print: ShownPrint, { printerId, printer, file }: PrintOwner): z.input<typeof PrintJson> {
  return {
    id: print.id,
    printer: printer === null ? null : basePrinterJson(printer),
    printer_id: printerId,
    g_code_file: file === null ? null : gCodeFileJson(file),
    filename: print.filename,
    started_at: timeJson(print.startedAt),
    ended_at: timeJson(print.cancelledAt ?? print.finishedAt),
    finished_at: print.cancelledAt === null ? timeJson(print.finishedAt) : null,
    cancelled_at: timeJson(print.cancelledAt),
    alerted_at: timeJson(print.alertedAt),
    alert_acknowledged_at: timeJson(print.alertAcknowledgedAt),
    alert_muted_at: timeJson(print.alertMutedAt),
    paused_at: timeJson(print.pausedAt),
    alert_overwrite: print.alertOverwrite,
    filament_used: print.filamentUsedMm,
    print_time: print.printTimeSeconds,
    ...WITHOUT_VIDEO,
    outcome: print.outcome,
  };
}

/** What the prints' own routes show in addition. */
export const DetailedPrintJson = PrintJson.extend({
  prediction_json_url: z.string(),
  printshotfeedback_set: z.array(z.unknown()).max(0),
  firstlayerinspection_set: z.array(z.unknown()).max(0),
}).meta({ id: "Print" });

export function detailedPrintJson({
  print,
  ...owner
}: PrintOwner & { readonly print: ShownPrint }): z.input<typeof DetailedPrintJson> {
  return {
    ...printJson(print, owner),
    prediction_json_url: `/api/v1/prints/${print.id}/prediction_json/`,
    printshotfeedback_set: [],
    firstlayerinspection_set: [],
  };
}
