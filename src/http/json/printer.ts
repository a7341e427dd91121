/** A printer as clients read it: what it is, what its agent said last, its current print, presence and detection. */
import * as z from "zod";
import { makeAgentToken } from "../../credentials/agent-token.ts";
import type { GCodeFile } from "../../db/g-code-files.ts";
import { PRINTER_PARTS, type PrinterPart } from "../../db/printer-list.ts";
import type { ShownPrinter } from "../../db/printers.ts";
import { DETECTION_STATES, detectionState } from "../../domain/detection.ts";
import { PRESENCE_STATES, type PresenceView, type PrinterView } from "../../domain/view.ts";
import type { Admitted, Caller, HttpContext } from "../kit/context.ts";
import type { JsonText } from "../kit/json-text.ts";
import { type BasePrinterBody, BasePrinterJson, basePrinterJson } from "./base-printer.ts";
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
export type PrinterKey = keyof PrinterBody;

export const PRINTER_KEYS = Object.keys(PrinterJson.shape) as [PrinterKey, ...PrinterKey[]]; // safe: its own keys

/** What `fields` leaves of a printer. */
const PartialPrinterJson = PrinterJson.partial().required({ id: true }).meta({ id: "PartialPrinter" });

/** What a call that takes `fields` shows. */
export const AskedPrinterJson = z.union([PrinterJson, PartialPrinterJson]);
export type AskedPrinter = z.input<typeof AskedPrinterJson>;

/** What `verify` shows: the public contract's fields, because small agents read that answer into 1 KiB ([S85]). */
export const LinkedPrinterJson = PrinterJson.omit({
  ...{ agent_name: true, agent_version: true, presence: true, detection: true },
}).meta({ id: "LinkedPrinter" });

const LINKED_KEYS: ReadonlySet<PrinterKey> = new Set(Object.keys(LinkedPrinterJson.shape) as PrinterKey[]); // safe: its own keys

/** JSON text of a printer for the agent that links to it: what the agent itself would tell is as if it had told nothing yet. */
export async function linkedPrinterText(
  c: HttpContext,
  printer: PrinterView,
): Promise<JsonText<z.input<typeof LinkedPrinterJson>>> {
  const untold = { ...printer, status: null, settings: null, currentPrint: null };
  const { steady } = await writePrinter(c, { seesTokens: true }, { printer: untold, file: null }, LINKED_KEYS);
  return `${steady}}` as JsonText<z.input<typeof LinkedPrinterJson>>; // safe: those keys
}

/** Keys of a Printer that are asked for; null: all. */
export type PrinterFields = ReadonlySet<PrinterKey> | null;

/** What of its rows these keys show, beside the printers' own short columns. */
const PARTS: { readonly [Key in PrinterKey]?: readonly PrinterPart[] } = {
  not_watching_reason: ["live", "print"],
  status: ["status"],
  settings: ["settings"],
  current_print: ["live", "print", "file"],
  normalized_p: ["live"],
  presence: ["live"],
  detection: ["live", "print"],
};

export function partsOf(fields: PrinterFields): ReadonlySet<PrinterPart> {
  return new Set(fields === null ? PRINTER_PARTS : [...fields].flatMap((key) => PARTS[key] ?? []));
}

/** JSON text of a printer in two pieces. */
export interface WrittenPrinter {
  /** Up to what changes by the clock alone ([H16]). */
  readonly steady: string;
  readonly clock: string;
}

/** The keys that are asked for, and the id. `file`: the current print's, if it is one of the account's. */
export async function writePrinter(
  c: HttpContext,
  caller: Pick<Caller, "seesTokens">,
  { printer, file }: Pick<ShownPrinter, "printer" | "file">,
  fields: PrinterFields,
): Promise<WrittenPrinter> {
  const isAsked = (key: PrinterKey) => fields === null || fields.has(key);
  const base = basePrinterJson(printer);
  const head: Partial<PrinterBody> = fields === null ? { ...base } : only(base, fields);
  if (isAsked("auth_token")) {
    head.auth_token = caller.seesTokens ? await makeAgentToken(printer, c.var.settings.agentKeys[0]) : null;
  }
  if (isAsked("pic")) head.pic = null;
  if (isAsked("settings")) head.settings = settingsJson(printer.settings, printer);
  if (isAsked("current_print")) head.current_print = currentPrintJson(printer, base, file);
  if (isAsked("normalized_p")) head.normalized_p = printer.normalizedP;
  if (isAsked("detection")) head.detection = detectionJson(printer);
  let steady = JSON.stringify(head).slice(0, -1);
  // The status is the text that JSON.stringify wrote of what the agent said.
  if (isAsked("status")) steady += `,"status":${printer.status}`;
  if (!isAsked("presence")) return { steady, clock: "}" };
  const { state, since, last_seen_at, status_age_ms } = presenceJson(printer.presence);
  steady += `,"presence":${JSON.stringify({ state, since }).slice(0, -1)}`;
  return { steady, clock: `,${JSON.stringify({ last_seen_at, status_age_ms }).slice(1)}}` };
}

/** JSON text of the keys that are asked for, and the id. */
export function printerFieldsText({ steady, clock }: WrittenPrinter): JsonText<AskedPrinter> {
  return (steady + clock) as JsonText<AskedPrinter>; // safe: `writePrinter` wrote both
}

/** JSON text of a whole printer. */
export async function printerText(
  c: HttpContext,
  caller: Pick<Caller, "seesTokens">,
  shown: Pick<ShownPrinter, "printer" | "file">,
): Promise<JsonText<PrinterBody>> {
  const { steady, clock } = await writePrinter(c, caller, shown, null);
  return (steady + clock) as JsonText<PrinterBody>; // safe: all of its keys
}

/** One of the caller's printers, as its object shows it. */
export function ownPrinterText(
  c: HttpContext,
  { caller, printer: { file } }: Pick<Admitted, "caller" | "printer">,
  printer: PrinterView,
): Promise<JsonText<PrinterBody>> {
  return printerText(c, caller, { printer, file });
}

function only(base: BasePrinterBody, fields: ReadonlySet<PrinterKey>): Partial<PrinterBody> {
  const entries = Object.entries(base) as [PrinterKey, unknown][]; // safe: its own keys are a Printer's
  return Object.fromEntries(entries.filter(([key]) => key === "id" || fields.has(key)));
}

function currentPrintJson(
  { id: printerId, currentPrint: print }: PrinterView,
  printer: BasePrinterBody,
  file: GCodeFile | null,
): PrinterBody["current_print"] {
  if (print === null) return null;
  const shownFile = file !== null && file.id === print.gCodeFileId ? file : null;
  return { ...printJson(print, { printerId, printer: null, file: shownFile }), printer };
}

function detectionJson(printer: PrinterView): PrinterBody["detection"] {
  return { state: detectionState(printer), last_examined_at: timeJson(printer.lastExaminedAt) };
}

function presenceJson(presence: PresenceView): z.input<typeof PresenceJson> {
  return {
    state: presence.state,
    since: timeJson(presence.since),
    last_seen_at: timeJson(presence.lastSeenAt),
    status_age_ms: presence.statusAgeMs,
  };
}
