/** Commands to a printer's agent, and the ledger that tells what became of them (design 5, wire 3). */
import { Hono } from "hono";
import * as z from "zod";
import { connect } from "../../db/client.ts";
import { findEndedCommand, listEndedCommands } from "../../db/commands.ts";
import { type PrintCommandKind, traitsOf } from "../../domain/command-kind.ts";
import { notFound } from "../../domain/failure.ts";
import { CommandJson, commandJson, LedgerCommandJson, ledgerCommandJson } from "../json/command.ts";
import { ownPrinterJson, PrinterJson } from "../json/printer.ts";
import type { HttpEnv } from "../kit/context.ts";
import { FailureError } from "../kit/errors.ts";
import { integerField, pageFields } from "../kit/fields.ts";
import { callPrinter } from "../kit/printer-call.ts";
import { route } from "../kit/route.ts";
import { issueCommand } from "./command-call.ts";

export const CommandAnswerJson = z.object({
  succeeded: z.boolean().describe("Whether an agent took the command in; not that the printer obeyed."),
  printer: PrinterJson,
  command: CommandJson,
});

export const COMMAND_HEADERS = {
  "Idempotency-Key": "1 to 255 printable ASCII characters: for 24 hours the same key gives the same command.",
  Prefer: "wait=N: answers once the command ended, after N seconds (30 at most) at the latest.",
} as const;

const PrintChoice = z.object({
  print_id: integerField({ min: 1, max: Number.MAX_SAFE_INTEGER })
    .optional()
    .describe("The print that is meant; another current one is left alone."),
});

function action(verb: "cancel_print" | "pause_print" | "resume_print", kind: PrintCommandKind, summary: string) {
  return route(
    {
      method: "POST",
      path: `/api/v1/printers/:printerId/${verb}`,
      summary,
      access: "write",
      printer: "live",
      // What starts motion needs more than a memory of its caller.
      ...(traitsOf(kind).startsMotion ? {} : { knownToObject: true }),
      body: PrintChoice,
      headers: COMMAND_HEADERS,
      answers: { 200: CommandAnswerJson },
    },
    async (c) => {
      const { print_id: printId = null } = c.req.valid("json");
      const answer = await issueCommand(c, c.var, { kind, printId, file: null });
      const printer = await ownPrinterJson(c, c.var, answer.printer);
      return c.json({ succeeded: answer.succeeded, printer, command: commandJson(answer.command) }, 200);
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
    printer: "live",
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
    printer: "live",
    answers: { 200: LedgerCommandJson },
  },
  async (c) => {
    const { id, uid } = c.get("printer");
    const commandId = c.req.param("commandId");
    const found =
      (await callPrinter(c, id, (printer) => printer.findCommand(uid, commandId))) ??
      (await findEndedCommand(connect(c.env.DB), id, commandId));
    if (found === undefined) throw new FailureError(notFound("Command"));
    return c.json(ledgerCommandJson(found), 200);
  },
);

export const commands = new Hono<HttpEnv>()
  .on(...ACTIONS.cancel)
  .on(...ACTIONS.pause)
  .on(...ACTIONS.resume)
  .on(...list)
  .on(...read);
