/** Printers over REST: listed, made, read, changed, archived, deleted. */
import { Hono } from "hono";
import * as z from "zod";
import { drawUid } from "../../credentials/agent-token.ts";
import { connect } from "../../db/client.ts";
import { findOwnedPrinter, insertPrinter } from "../../db/printers.ts";
import { DEFAULT_CONFIGURATION, patchConfiguration } from "../../domain/configuration.ts";
import { accountFull, notFound } from "../../domain/failure.ts";
import { configurationPatch, NewPrinterBody, PrinterPatchBody } from "../json/configuration.ts";
import {
  AskedPrinterJson,
  ownPrinterText,
  PRINTER_KEYS,
  type PrinterFields,
  PrinterJson,
  type PrinterKey,
  partsOf,
  printerFieldsText,
  printerText,
  writePrinter,
} from "../json/printer.ts";
import type { HttpEnv } from "../kit/context.ts";
import { FailureError } from "../kit/errors.ts";
import { keysField, lenientFlag, wholePageFields } from "../kit/fields.ts";
import { madeOnce } from "../kit/idempotency.ts";
import { answerText, arrayText, mergedText, objectText, textOf } from "../kit/json-text.ts";
import { publicUrl } from "../kit/origin.ts";
import { callPrinter, callPrinterOnce } from "../kit/printer-call.ts";
import { route } from "../kit/route.ts";
import { isHeld } from "./etag.ts";

const WithArchived = z.object({ with_archived: lenientFlag() });

/** Of a call that shows printers. */
const fieldsField = {
  fields: keysField(PRINTER_KEYS).describe("Keys of Printer, with commas between: only these and `id`."),
};

/** Of an answer that `isHeld` tags. */
const TAGGED = {
  headers: { "If-None-Match": "Answers 304 while nothing changed." },
  sets: { ETag: "Weak; without the clock." },
} as const;

const ListQuery = WithArchived.extend({ ...wholePageFields, ...fieldsField });

const list = route(
  {
    method: "GET",
    path: "/api/v1/printers",
    summary: "List the account's printers",
    description: "By id. Temperatures and progress may be a minute older than those of one printer.",
    access: "read",
    query: ListQuery,
    list: ({ with_archived: withArchived, start, limit, fields }: z.output<typeof ListQuery>) => ({
      ...{ withArchived, start, limit: limit ?? null },
      parts: partsOf(readFields(fields)),
    }),
    ...TAGGED,
    answers: { 200: z.array(AskedPrinterJson), 304: null },
  },
  async (c) => {
    const fields = readFields(c.req.valid("query").fields);
    const caller = c.get("caller");
    const listed = c.get("listed");
    const versions = listed.map(({ version }) => version);
    if (await isHeld(c, [caller.seesTokens, ...versions].join("\n"))) return c.body(null, 304);
    const written = await Promise.all(listed.map((shown) => writePrinter(c, caller, shown, fields)));
    return answerText(c, arrayText(written.map(printerFieldsText)), 200);
  },
);

function readFields(fields: PrinterKey[] | undefined): PrinterFields {
  return fields === undefined ? null : new Set(fields);
}

const create = route(
  {
    method: "POST",
    path: "/api/v1/printers",
    summary: "Make a printer",
    access: "write",
    body: NewPrinterBody,
    sets: { Location: "The printer's path." },
    answers: { 201: PrinterJson },
  },
  async (c) => {
    const { name, ...rest } = c.req.valid("json");
    const caller = c.get("caller");
    const { maxPrinters } = c.get("settings");
    const configuration = patchConfiguration({ ...DEFAULT_CONFIGURATION, name }, configurationPatch(rest));
    const born = { userId: caller.userId, uid: drawUid(), configuration, maxPrinters };
    const db = connect(c.env.DB);
    const once = await insertPrinter(db, born, c.get("keyUse"), Date.now());
    const shown = await madeOnce(c, once, async ({ madeId }) => {
      const found = await findOwnedPrinter(db, caller.userId, madeId);
      if (found === undefined) return undefined;
      const printer = await callPrinter(c, madeId, (object) => object.view(found.uid, caller.principal));
      return { printer, file: found.file };
    });
    if (shown === undefined) throw new FailureError(accountFull(maxPrinters));
    c.header("Location", publicUrl(c, `/api/v1/printers/${shown.printer.id}/`));
    return answerText(c, await printerText(c, caller, shown), 201);
  },
);

const read = route(
  {
    method: "GET",
    path: "/api/v1/printers/:printerId",
    summary: "Read a printer",
    access: "read",
    printer: "asked",
    worksWithoutD1: true,
    query: WithArchived.extend(fieldsField),
    ...TAGGED,
    answers: { 200: AskedPrinterJson, 304: null },
  },
  async (c) => {
    const { id, uid } = c.get("printer");
    const { principal } = c.get("caller");
    const view = await callPrinter(c, id, (printer) => printer.view(uid, principal));
    const { with_archived: withArchived, fields } = c.req.valid("query");
    if (view.archivedAt !== null && !withArchived) throw new FailureError(notFound("Printer"));
    const shown = { printer: view, file: c.get("printer").file };
    const written = await writePrinter(c, c.get("caller"), shown, readFields(fields));
    // Its own text, because between two copies for D1 a status has no number that would tell it.
    if (await isHeld(c, written.steady)) return c.body(null, 304);
    return answerText(c, printerFieldsText(written), 200);
  },
);

/** Clients read one of two shapes: the printer's own fields, or an envelope with the printer in it ([H22]). */
const PatchedJson = PrinterJson.extend({ succeeded: z.literal(true), printer: PrinterJson });

const patch = route(
  {
    method: "PATCH",
    path: "/api/v1/printers/:printerId",
    summary: "Change a printer",
    description: "Unknown and read-only keys are ignored. With one bad key nothing is written.",
    access: "write",
    printer: "active",
    body: PrinterPatchBody,
    answers: { 200: PatchedJson },
  },
  async (c) => {
    const { id, uid } = c.get("printer");
    const change = configurationPatch(c.req.valid("json"));
    const view = await callPrinter(c, id, (printer) => printer.configure(uid, change));
    const printer = await ownPrinterText(c, c.var, view);
    const answer = objectText({ succeeded: textOf(true as const), printer });
    return answerText(c, mergedText(printer, answer), 200);
  },
);

const remove = route(
  {
    method: "DELETE",
    path: "/api/v1/printers/:printerId",
    summary: "Delete a printer",
    description: "A current print ends first. Its prints and events stay.",
    access: "write",
    printer: "asked",
    query: WithArchived,
    answers: { 200: null },
  },
  async (c) => {
    const { id, uid } = c.get("printer");
    await callPrinterOnce(c, id, (printer) => printer.remove(uid));
    return c.body(null, 200);
  },
);

const archive = route(
  {
    method: "POST",
    path: "/api/v1/printers/:printerId/archive",
    summary: "Archive a printer",
    description: "Closes its sockets; its agent's token is refused until it is taken out again.",
    access: "write",
    printer: "active",
    answers: { 204: null },
  },
  async (c) => {
    const { id, uid } = c.get("printer");
    await callPrinterOnce(c, id, (printer) => printer.archive(uid));
    return c.body(null, 204);
  },
);

const unarchive = route(
  {
    method: "POST",
    path: "/api/v1/printers/:printerId/unarchive",
    summary: "Take a printer out of the archive",
    access: "write",
    printer: "archived-too",
    answers: { 200: PrinterJson },
  },
  async (c) => {
    const { id, uid } = c.get("printer");
    const view = await callPrinter(c, id, (printer) => printer.unarchive(uid));
    return answerText(c, await ownPrinterText(c, c.var, view), 200);
  },
);

export const printers = new Hono<HttpEnv>()
  .on(...list)
  .on(...create)
  .on(...read)
  .on(...patch)
  .on(...remove)
  .on(...archive)
  .on(...unarchive);
