/** The calls that agents make over HTTP ([A28] to [A38]). Each first asks the printer's object whether its token counts. */
import { Hono } from "hono";
import * as z from "zod";
import { connect } from "../../db/client.ts";
import { listEvents } from "../../db/events.ts";
import { editReportedFile, findOrInsertGCodeFile } from "../../db/g-code-files.ts";
import { EVENT_CLASSES, EVENT_TYPES, htmlOfAgentText, tellEvent } from "../../domain/events.ts";
import { notFound } from "../../domain/failure.ts";
import { NAME_CODE_POINTS_MAX } from "../../domain/g-code.ts";
import type { PrinterView } from "../../domain/view.ts";
import { nameField } from "../json/configuration.ts";
import { EventJson, eventJson } from "../json/event.ts";
import { GCodeFileJson, gCodeFileJson } from "../json/g-code-file.ts";
import type { AdmittedContext, HttpEnv } from "../kit/context.ts";
import { FailureError, orNotFound } from "../kit/errors.ts";
import {
  choiceField,
  freeTextField,
  integerField,
  lenientFlag,
  lenientTextField,
  pageFields,
  textField,
} from "../kit/fields.ts";
import { callPrinter, callPrinterOnce } from "../kit/printer-call.ts";
import { route } from "../kit/route.ts";
import { pathId, readId } from "../kit/validate.ts";
import { checkPicture, PICTURE_BYTES } from "./pictures.ts";

const OK = { result: "ok" } as const;
const OkJson = z.object({ result: z.literal("ok") });

const AgentPrinterJson = z
  .object({
    user: z.object({ is_pro: z.boolean() }),
    printer: z.object({ is_pro: z.boolean(), id: z.int(), name: z.string(), retract_on_pause: z.number() }),
  })
  .meta({ id: "AgentPrinter" });

function agentPrinterJson({ id, configuration }: PrinterView): z.input<typeof AgentPrinterJson> {
  const { name, retractOnPause } = configuration;
  return { user: { is_pro: true }, printer: { is_pro: true, id, name, retract_on_pause: retractOnPause } };
}

/** Asked before the body is read: a token that no longer counts is 401, whatever the body is ([S20]). */
export function ownPrinter(c: AdmittedContext): Promise<PrinterView> {
  const agent = c.get("agent");
  return callPrinter(c, agent.printerId, (printer) => printer.agentView(agent));
}

function readPrinter(path: "/api/v1/octo/printer" | "/api/v1/octo/ping") {
  return route(
    {
      method: "GET",
      path,
      summary: "Read the agent's own printer",
      access: "agent",
      find: ownPrinter,
      answers: { 200: AgentPrinterJson },
    },
    (c) => c.json(agentPrinterJson(c.get("found")), 200),
  );
}

function patchPrinter(path: "/api/v1/octo/printer" | "/api/v1/octo/ping") {
  return route(
    {
      method: "PATCH",
      path,
      summary: "Rename the agent's own printer",
      access: "agent",
      find: ownPrinter,
      body: z.object({ name: nameField.optional() }),
      answers: { 200: AgentPrinterJson },
    },
    async (c) => {
      const agent = c.get("agent");
      const { name } = c.req.valid("json");
      const view = await callPrinter(c, agent.printerId, (printer) => printer.agentConfigure(agent, { name }));
      return c.json(agentPrinterJson(view), 200);
    },
  );
}

const ext = route(
  {
    method: "GET",
    path: "/ent/api/printers/:printerId/ext",
    summary: "Ask for extensions: there are none",
    access: "agent",
    find: ownPrinter,
    answers: { 200: z.object({ ext: z.object({}) }) },
  },
  (c) => {
    if (readId(c.req.param("printerId")) !== c.get("found").id) throw new FailureError(notFound("Printer"));
    return c.json({ ext: {} }, 200);
  },
);

const picture = route(
  {
    method: "POST",
    path: "/api/v1/octo/pic",
    summary: "Post a picture of the camera",
    description: "It is checked and dropped: pictures are not kept yet. Those of other cameras are not even checked.",
    access: "agent",
    find: ownPrinter,
    body: z.object({ pic: z.file().optional(), is_primary_camera: lenientFlag(true) }),
    media: ["multipart"],
    maxBytes: PICTURE_BYTES,
    answers: { 200: OkJson },
  },
  async (c) => {
    const { pic, is_primary_camera: isPrimary } = c.req.valid("json");
    if (isPrimary) await checkPicture("pic", pic as File | undefined); // safe: a file field takes nothing else
    return c.json(OK, 200);
  },
);

const EVENT_TEXT_CODE_UNITS = 4000;
const LINK_CODE_UNITS = 1000;

/** A link that was cut would lead elsewhere. */
function linkOf(url: string | null | undefined): string | null {
  return url && url.length <= LINK_CODE_UNITS && /^https?:\/\//i.test(url) ? url : null;
}

const postEvent = route(
  {
    method: "POST",
    path: "/api/v1/octo/printer_events",
    summary: "Post an event",
    description:
      "It belongs to the current print, if there is one. Of its text only plain tags stay HTML. A snapshot is dropped: pictures are not kept yet.",
    access: "agent",
    find: ownPrinter,
    body: z.object({
      event_type: choiceField(EVENT_TYPES),
      event_class: choiceField(EVENT_CLASSES).optional(),
      event_title: lenientTextField(256).nullish(),
      event_text: lenientTextField(EVENT_TEXT_CODE_UNITS).nullish(),
      info_url: lenientTextField(LINK_CODE_UNITS + 1)
        .nullish()
        .describe(`http or https, ${LINK_CODE_UNITS} characters at most; anything else is dropped.`),
      notify: z.unknown().optional(),
      snapshot: z.file().optional().catch(undefined),
    }),
    maxBytes: PICTURE_BYTES,
    answers: { 200: OkJson },
  },
  async (c) => {
    const agent = c.get("agent");
    const { event_type, event_class, event_title, event_text, info_url } = c.req.valid("json");
    const defaults = tellEvent(event_type);
    const event = {
      type: event_type,
      class: event_class ?? defaults.class,
      title: event_title || (event_class === undefined ? defaults.title : null),
      text: event_text ? htmlOfAgentText(event_text) : null,
      infoUrl: linkOf(info_url),
    };
    await callPrinterOnce(c, agent.printerId, (printer) => printer.agentEvent(agent, event));
    return c.json(OK, 200);
  },
);

const readEvents = route(
  {
    method: "GET",
    path: "/api/v1/octo/printer_events",
    summary: "List the printer's events, newest first",
    access: "agent",
    find: ownPrinter,
    query: z.object(pageFields(12)),
    answers: { 200: z.array(EventJson) },
  },
  async (c) => {
    const selection = { of: { printerId: c.get("found").id }, types: null, classes: null };
    const events = await listEvents(connect(c.env.DB), selection, c.req.valid("query"));
    return c.json(events.map(eventJson), 200);
  },
);

const SIGNATURE_CODE_POINTS = 256;
/** The longest path that Linux takes. */
const PATH_CODE_POINTS = 4096;

const reportFile = route(
  {
    method: "POST",
    path: "/api/v1/octo/g_code_files",
    summary: "Report a G-code file",
    description: "The record of that signature and safe name, on this printer or in the cloud; made if there is none.",
    access: "agent",
    find: ownPrinter,
    body: z.object({
      filename: textField(NAME_CODE_POINTS_MAX),
      safe_filename: textField(NAME_CODE_POINTS_MAX).optional(),
      agent_signature: freeTextField(SIGNATURE_CODE_POINTS).nullish(),
      url: freeTextField(PATH_CODE_POINTS).nullish(),
      num_bytes: integerField({ min: 0, max: Number.MAX_SAFE_INTEGER }).nullish(),
    }),
    answers: { 200: GCodeFileJson, 201: GCodeFileJson },
  },
  async (c) => {
    const { id: printerId, userId } = c.get("found");
    const { filename, safe_filename, agent_signature, url, num_bytes = null } = c.req.valid("json");
    const reported = {
      ...{ userId, printerId, filename },
      safeFilename: safe_filename ?? filename,
      agentSignature: agent_signature || null,
      url: url || null,
      numBytes: num_bytes,
    };
    const { file, isNew } = await findOrInsertGCodeFile(connect(c.env.DB), reported, Date.now());
    return c.json(gCodeFileJson(file), isNew ? 201 : 200);
  },
);

const patchFile = route(
  {
    method: "PATCH",
    path: "/api/v1/octo/g_code_files/:fileId",
    summary: "Note how the agent names and signs a file it fetched",
    access: "agent",
    find: ownPrinter,
    body: z
      .object({
        safe_filename: textField(NAME_CODE_POINTS_MAX),
        agent_signature: textField(SIGNATURE_CODE_POINTS).nullable(),
      })
      .partial(),
    answers: { 200: GCodeFileJson },
  },
  async (c) => {
    const { id: printerId, userId } = c.get("found");
    const { safe_filename, agent_signature } = c.req.valid("json");
    const edit = { safeFilename: safe_filename, agentSignature: agent_signature };
    const wanted = { userId, printerId, id: pathId(c, "fileId", "GCodeFile") };
    const file = orNotFound(await editReportedFile(connect(c.env.DB), wanted, edit, Date.now()), "GCodeFile");
    return c.json(gCodeFileJson(file), 200);
  },
);

export const agent = new Hono<HttpEnv>()
  .on(...readPrinter("/api/v1/octo/printer"))
  .on(...readPrinter("/api/v1/octo/ping"))
  .on(...patchPrinter("/api/v1/octo/printer"))
  .on(...patchPrinter("/api/v1/octo/ping"))
  .on(...ext)
  .on(...picture)
  .on(...postEvent)
  .on(...readEvents)
  .on(...reportFile)
  .on(...patchFile);
