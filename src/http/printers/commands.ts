/** Commands to a printer's agent, and the ledger that tells what became of them ([H28] to [H34]). */
import { Hono } from "hono";
import * as z from "zod";
import { connect } from "../../db/client.ts";
import { findEndedCommand, listEndedCommands } from "../../db/commands.ts";
import { type PrintCommandKind, traitsOf } from "../../domain/command-kind.ts";
import { LedgerCommandJson, ledgerCommandJson } from "../json/command.ts";
import { CommandAnswerJson, commandAnswerText } from "../json/command-answer.ts";
import { COMMAND_ANSWER_HEADERS, COMMAND_HEADERS, issueCommand } from "../kit/command-call.ts";
import type { HttpEnv } from "../kit/context.ts";
import { orNotFound } from "../kit/errors.ts";
import { idField, pageFields } from "../kit/fields.ts";
import { answerText } from "../kit/json-text.ts";
import { callPrinter } from "../kit/printer-call.ts";
import { route } from "../kit/route.ts";

const PrintChoice = z.object({
  print_id: idField().optional().describe("The print that is meant; another current one is left alone."),
});

function action(verb: "cancel_print" | "pause_print" | "resume_print", kind: PrintCommandKind, summary: string) {
  return route(
    {
      method: "POST",
      path: `/api/v1/printers/:printerId/${verb}`,
      summary,
      access: "write",
      printer: "active",
      // What starts motion is refused while only the printer's object vouches for the caller.
      ...(traitsOf(kind).startsMotion ? {} : { worksWithoutD1: true }),
      body: PrintChoice,
      headers: COMMAND_HEADERS,
      sets: COMMAND_ANSWER_HEADERS,
      answers: { 200: CommandAnswerJson },
    },
    async (c) => {
      const { print_id: printId = null } = c.req.valid("json");
      const answer = await issueCommand(c, c.var, { kind, printId, file: null });
      return answerText(c, await commandAnswerText(c, c.var, answer), 200);
    },
  );
}

/** The route of each kind that acts on the current print; `print-file.ts` has the one of the other kind. */
const ACTIONS = {
  cancel: action("cancel_print", "cancel", "Cancel the current print"),
  pause: action("pause_print", "pause", "Pause the current print"),
  resume: action("resume_print", "resume", "Resume the current print"),
} as const satisfies Record<PrintCommandKind, unknown>;

const list = route(
  {
    method: "GET",
    path: "/api/v1/printers/:printerId/commands",
    summary: "List a printer's commands",
    description: "Newest first, refused ones included.",
    access: "read",
    printer: "active",
    query: z.object(pageFields(12)),
    answers: { 200: z.array(LedgerCommandJson) },
  },
  async (c) => {
    const { id, uid } = c.get("printer");
    const { start, limit } = c.req.valid("query");
    const {
      commands: newest,
      held,
      oldestAt,
    } = await callPrinter(c, id, (printer) => printer.listCommands(uid, { start, limit }));
    const rest = { start: Math.max(0, start - held), limit: limit - newest.length };
    const older = rest.limit === 0 ? [] : await listEndedCommands(connect(c.env.DB), id, oldestAt, rest);
    return c.json([...newest, ...older].map(ledgerCommandJson), 200);
  },
);

const read = route(
  {
    method: "GET",
    path: "/api/v1/printers/:printerId/commands/:commandId",
    summary: "Read a command",
    access: "read",
    printer: "active",
    answers: { 200: LedgerCommandJson },
  },
  async (c) => {
    const { id, uid } = c.get("printer");
    const commandId = c.req.param("commandId");
    const found =
      (await callPrinter(c, id, (printer) => printer.findCommand(uid, commandId))) ??
      (await findEndedCommand(connect(c.env.DB), id, commandId));
    return c.json(ledgerCommandJson(orNotFound(found, "Command")), 200);
  },
);

export const commands = new Hono<HttpEnv>()
  .on(...ACTIONS.cancel)
  .on(...ACTIONS.pause)
  .on(...ACTIONS.resume)
  .on(...list)
  .on(...read);
