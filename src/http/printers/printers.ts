/** Printers over REST: listed, made, read, changed, archived, deleted. */
import { Hono } from "hono";
import * as z from "zod";
import { drawUid } from "../../credentials/agent-token.ts";
import { connect } from "../../db/client.ts";
import { insertPrinter, listPrinters } from "../../db/printers.ts";
import { DEFAULT_CONFIGURATION, patchConfiguration } from "../../domain/configuration.ts";
import { accountFull, notFound } from "../../domain/failure.ts";
import { configurationPatch, NewPrinterBody, PrinterPatchBody } from "../json/configuration.ts";
import { ownPrinterJson, PrinterJson, printerJson } from "../json/printer.ts";
import type { HttpEnv } from "../kit/context.ts";
import { FailureError } from "../kit/errors.ts";
import { lenientFlag, wholePageFields } from "../kit/fields.ts";
import { callPrinter, callPrinterOnce } from "../kit/printer-call.ts";
import { route } from "../kit/route.ts";
import { isUnchanged } from "./etag.ts";

const WithArchived = z.object({ with_archived: lenientFlag() });

const list = route(
  {
    method: "GET",
    path: "/api/v1/printers",
    summary: "List the account's printers",
    description: "By id. Temperatures and progress may be a minute older than those of one printer.",
    access: "read",
    query: WithArchived.extend(wholePageFields),
    headers: { "If-None-Match": "Answers 304 while nothing changed." },
    answers: { 200: z.array(PrinterJson), 304: null },
  },
  async (c) => {
    const { with_archived: withArchived, start, limit = null } = c.req.valid("query");
    const caller = c.get("caller");
    const wanted = { userId: caller.userId, withArchived, start, limit };
    const rows = await listPrinters(connect(c.env.DB), wanted, Date.now());
    const body = await Promise.all(rows.map(({ printer, file }) => printerJson(c, caller, printer, file)));
    return (await isUnchanged(c, body)) ? c.body(null, 304) : c.json(body, 200);
  },
);

const create = route(
  {
    method: "POST",
    path: "/api/v1/printers",
    summary: "Make a printer",
    access: "write",
    body: NewPrinterBody,
    answers: { 201: PrinterJson },
  },
  async (c) => {
    const { name, ...rest } = c.req.valid("json");
    const caller = c.get("caller");
    const { maxPrinters } = c.get("settings");
    const configuration = patchConfiguration({ ...DEFAULT_CONFIGURATION, name }, configurationPatch(rest));
    const born = { userId: caller.userId, uid: drawUid(), configuration, maxPrinters };
    const printer = await insertPrinter(connect(c.env.DB), born, Date.now());
    if (printer === undefined) throw new FailureError(accountFull(maxPrinters));
    c.header("Location", `/api/v1/printers/${printer.id}/`);
    return c.json(await printerJson(c, caller, printer, null), 201);
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
    query: WithArchived,
    headers: { "If-None-Match": "Answers 304 while nothing changed." },
    answers: { 200: PrinterJson, 304: null },
  },
  async (c) => {
    const { id, uid } = c.get("printer");
    const { principal } = c.get("caller");
    const view = await callPrinter(c, id, (printer) => printer.view(uid, principal));
    if (view.archivedAt !== null && !c.req.valid("query").with_archived) throw new FailureError(notFound("Printer"));
    const body = await ownPrinterJson(c, c.var, view);
    return (await isUnchanged(c, body)) ? c.body(null, 304) : c.json(body, 200);
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
    const body = await ownPrinterJson(c, c.var, view);
    return c.json({ ...body, succeeded: true as const, printer: body }, 200);
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
    return c.json(await ownPrinterJson(c, c.var, view), 200);
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
