/** What needs no agent: alerts of the current print, and prints that people report ([H35] to [H38]). */
import { Hono } from "hono";
import * as z from "zod";
import type { Failure } from "../../domain/failure.ts";
import { ALERT_OVERWRITES } from "../../domain/print.ts";
import type { Result } from "../../domain/result.ts";
import type { FactAnswer, PrinterRpc } from "../../printer/rpc.ts";
import { ownPrinterText, PrinterJson } from "../json/printer.ts";
import type { Admitted, HttpContext, HttpEnv } from "../kit/context.ts";
import { FailureError } from "../kit/errors.ts";
import { booleanField, choiceField, textField } from "../kit/fields.ts";
import { answerText, objectText, textOf } from "../kit/json-text.ts";
import { callPrinter, callPrinterOnce } from "../kit/printer-call.ts";
import { route } from "../kit/route.ts";

const FactJson = z.object({
  succeeded: z.boolean().describe("Whether a print is current, agent there or not."),
  printer: PrinterJson,
});

const MuteChoice = z.object({
  mute_alert: booleanField().optional().describe("False takes the muting back; absent or true mutes."),
});

const mute = route(
  {
    method: "POST",
    path: "/api/v1/printers/:printerId/mute_current_print",
    summary: "Stop watching the current print",
    access: "write",
    printer: "active",
    query: MuteChoice,
    body: MuteChoice,
    answers: { 200: FactJson },
  },
  async (c) => {
    const isMuted = c.req.valid("json").mute_alert ?? c.req.valid("query").mute_alert ?? true;
    const { uid } = c.get("printer");
    return answerText(c, await factText(c, c.var, await fact(c, c.var, (printer) => printer.mute(uid, isMuted))), 200);
  },
);

const OverwriteChoice = z.object({
  alert_overwrite: choiceField(ALERT_OVERWRITES).optional().describe("What the alert turned out to be."),
});

const acknowledge = route(
  {
    method: "POST",
    path: "/api/v1/printers/:printerId/acknowledge_alert",
    summary: "Acknowledge the current print's failure alert",
    description: "Without an open alert nothing changes.",
    access: "write",
    printer: "active",
    query: OverwriteChoice,
    body: OverwriteChoice,
    answers: { 200: FactJson },
  },
  async (c) => {
    const overwrite = c.req.valid("json").alert_overwrite ?? c.req.valid("query").alert_overwrite ?? null;
    const { uid } = c.get("printer");
    const answer = await fact(c, c.var, (printer) => printer.acknowledge(uid, overwrite));
    return answerText(c, await factText(c, c.var, answer), 200);
  },
);

const start = route(
  {
    method: "POST",
    path: "/api/v1/printers/:printerId/start_print",
    summary: "Report a print that no agent reports",
    description: "A current print ends first, as finished unless its cancellation was seen.",
    access: "write",
    printer: "active",
    body: z.object({ filename: textField(1000) }),
    answers: { 200: FactJson },
  },
  async (c) => {
    const { id, uid } = c.get("printer");
    const { filename } = c.req.valid("json");
    const answer = await callPrinterOnce(c, id, (printer) => printer.startPrint(uid, filename));
    return answerText(c, await factText(c, c.var, answer), 200);
  },
);

/** The sentence that existing clients know. */
const NOT_PRINTING = {
  code: "not_found",
  noun: "Print",
  sentence: "Printer is not currently printing.",
} as const satisfies Failure;

const finish = route(
  {
    method: "POST",
    path: "/api/v1/printers/:printerId/finish_print",
    summary: "Report the end of the current print",
    access: "write",
    printer: "active",
    body: z.object({
      status: z
        .unknown()
        .optional()
        .transform((status) => status === "cancelled")
        .meta({ type: "string", description: "`cancelled`; anything else is success." }),
    }),
    answers: { 200: FactJson },
  },
  async (c) => {
    const { id, uid } = c.get("printer");
    const { status: isCancelled } = c.req.valid("json");
    const answer = await callPrinterOnce(c, id, (printer) => printer.finishPrint(uid, isCancelled));
    if (!answer.succeeded) throw new FailureError(NOT_PRINTING);
    return answerText(c, await factText(c, c.var, answer), 200);
  },
);

function fact(c: HttpContext, { printer }: Asked, call: (printer: PrinterRpc) => Promise<Result<FactAnswer>>) {
  return callPrinter(c, printer.id, call);
}

type Asked = Pick<Admitted, "caller" | "printer">;

async function factText(c: HttpContext, asked: Asked, { succeeded, printer }: FactAnswer) {
  return objectText({ succeeded: textOf(succeeded), printer: await ownPrinterText(c, asked, printer) });
}

export const currentPrint = new Hono<HttpEnv>()
  .on(...mute)
  .on(...acknowledge)
  .on(...start)
  .on(...finish);
