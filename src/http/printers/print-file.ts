/** Prints a cloud file: the agent fetches it, then starts it ([A27]). */
import { Hono } from "hono";
import * as z from "zod";
import { connect } from "../../db/client.ts";
import { findCloudFile } from "../../db/g-code-uploads.ts";
import type { PrintFile } from "../../domain/command.ts";
import { invalid } from "../../domain/failure.ts";
import { CommandAnswerJson, commandAnswerText } from "../json/command-answer.ts";
import { cloudPrintFile } from "../json/g-code-url.ts";
import { COMMAND_HEADERS, issueCommand } from "../kit/command-call.ts";
import type { HttpContext, HttpEnv } from "../kit/context.ts";
import { FailureError, orNotFound } from "../kit/errors.ts";
import { idField } from "../kit/fields.ts";
import { answerText } from "../kit/json-text.ts";
import { route } from "../kit/route.ts";

const print = route(
  {
    method: "POST",
    path: "/api/v1/printers/:printerId/print_file",
    summary: "Print a file from the cloud",
    description:
      "Refused (`printing`) while a print is current. The command has succeeded once the print of that file began.",
    access: "write",
    printer: "active",
    body: z.object({ g_code_file_id: idField() }),
    headers: COMMAND_HEADERS,
    answers: { 200: CommandAnswerJson },
  },
  async (c) => {
    const file = await wantedFile(c, c.get("caller").userId, c.req.valid("json").g_code_file_id);
    const answer = await issueCommand(c, c.var, { kind: "print_file", printId: null, file });
    return answerText(c, await commandAnswerText(c, c.var, answer), 200);
  },
);

/** 404 unless the account has it; 400 unless the cloud has its content. */
async function wantedFile(c: HttpContext, userId: number, id: number): Promise<PrintFile> {
  const file = orNotFound(await findCloudFile(connect(c.env.DB), { id, userId }), "GCodeFile");
  const printed = await cloudPrintFile(c, file);
  if (printed === null) throw new FailureError(invalid("g_code_file_id", "Only a file in the cloud can be printed."));
  return printed;
}

export const printFile = new Hono<HttpEnv>().on(...print);
