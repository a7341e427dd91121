/** A printer as it stands inside its prints: what it is and how it is set, without the agent's token ([S24]). */
import * as z from "zod";
import { notWatchingReason } from "../../domain/detection.ts";
import type { PrinterView } from "../../domain/view.ts";
import { configurationFields, configurationJson } from "./configuration.ts";
import { TimeJson, timeJson } from "./time.ts";

const { name, action_on_failure, watching_enabled, ...otherFields } = configurationFields;

export const BasePrinterJson = z
  .object({
    id: z.int(),
    name,
    created_at: TimeJson,
    action_on_failure,
    watching_enabled,
    not_watching_reason: z.string().nullable().describe("Why failure detection does not watch; null while it should."),
    ...otherFields,
    archived_at: TimeJson.nullable(),
    agent_name: z.string().nullable(),
    agent_version: z.string().nullable(),
  })
  .meta({ id: "BasePrinter" });

export type BasePrinterBody = z.input<typeof BasePrinterJson>;

export function basePrinterJson(printer: PrinterView): BasePrinterBody {
  const { name, action_on_failure, watching_enabled, ...others } = configurationJson(printer.configuration);
  return {
    id: printer.id,
    name,
    created_at: timeJson(printer.createdAt),
    action_on_failure,
    watching_enabled,
    not_watching_reason: notWatchingReason(printer),
    ...others,
    archived_at: timeJson(printer.archivedAt),
    agent_name: printer.agentName,
    agent_version: printer.agentVersion,
  };
}
