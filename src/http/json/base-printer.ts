/** A printer as it stands inside its prints: the first 17 fields of semantics A1, less the token (wire 2). */
import * as z from "zod";
import { FAILURE_ACTIONS } from "../../domain/configuration.ts";
import { notWatchingReason } from "../../domain/detection.ts";
import type { PrinterView } from "../../domain/view.ts";
import { TimeJson, timeJson } from "./time.ts";

export const BasePrinterJson = z
  .object({
    id: z.int(),
    name: z.string(),
    created_at: TimeJson,
    action_on_failure: z.enum(FAILURE_ACTIONS),
    watching_enabled: z.boolean(),
    not_watching_reason: z.string().nullable().describe("Why failure detection does not watch; null while it should."),
    tools_off_on_pause: z.boolean(),
    bed_off_on_pause: z.boolean(),
    retract_on_pause: z.number().describe("mm"),
    lift_z_on_pause: z.number().describe("mm"),
    detective_sensitivity: z.number(),
    min_timelapse_secs_on_finish: z.int().describe("Seconds; -1 switches it off."),
    min_timelapse_secs_on_cancel: z.int().describe("Seconds; -1 switches it off."),
    archived_at: TimeJson.nullable(),
    agent_name: z.string().nullable(),
    agent_version: z.string().nullable(),
  })
  .meta({ id: "BasePrinter" });

export function basePrinterJson(printer: PrinterView): z.input<typeof BasePrinterJson> {
  const { configuration } = printer;
  return {
    id: printer.id,
    name: configuration.name,
    created_at: timeJson(printer.createdAt),
    action_on_failure: configuration.actionOnFailure,
    watching_enabled: configuration.watchingEnabled,
    not_watching_reason: notWatchingReason(printer),
    tools_off_on_pause: configuration.toolsOffOnPause,
    bed_off_on_pause: configuration.bedOffOnPause,
    retract_on_pause: configuration.retractOnPause,
    lift_z_on_pause: configuration.liftZOnPause,
    detective_sensitivity: configuration.detectiveSensitivity,
    min_timelapse_secs_on_finish: configuration.minTimelapseSecsOnFinish,
    min_timelapse_secs_on_cancel: configuration.minTimelapseSecsOnCancel,
    archived_at: timeJson(printer.archivedAt),
    agent_name: printer.agentName,
    agent_version: printer.agentVersion,
  };
}
