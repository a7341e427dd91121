/** Prints a file: one of the cloud, which the agent fetches first ([A27]), or one that lies on the printer ([A72]). */
import { Hono } from "hono";
import * as z from "zod";
import { connect } from "../../db/client.ts";
import { findPrintableFile, type GCodeFile } from "../../db/g-code-files.ts";
import type { PrintFile } from "../../domain/command.ts";
import { STARTS_LOCAL_FILES } from "../../domain/dialect.ts";
import { invalid } from "../../domain/failure.ts";
import { dialectOf } from "../../protocol/words.ts";
import { CommandAnswerJson, commandAnswerText } from "../json/command-answer.ts";
import { cloudPrintFile } from "../json/g-code-url.ts";
import { COMMAND_ANSWER_HEADERS, COMMAND_HEADERS, issueCommand } from "../kit/command-call.ts";
import type { Admitted, HttpContext, HttpEnv } from "../kit/context.ts";
import { FailureError, orNotFound } from "../kit/errors.ts";
import { idField } from "../kit/fields.ts";
import { answerText } from "../kit/json-text.ts";
import { route } from "../kit/route.ts";

const print = route(
  {
    method: "POST",
    path: "/api/v1/printers/:printerId/print_file",
    summary: "Print a file",
    description:
      "One of the cloud, or one that lies on this printer. Refused (`printing`) while a print is current, and while another file is on its way. The command has succeeded once the print of that file began.",
    access: "write",
    printer: "active",
    body: z.object({ g_code_file_id: idField() }),
    headers: COMMAND_HEADERS,
    sets: COMMAND_ANSWER_HEADERS,
    answers: { 200: CommandAnswerJson },
  },
  async (c) => {
    const file = await wantedFile(c, c.var, c.req.valid("json").g_code_file_id);
    const answer = await issueCommand(c, c.var, { kind: "print_file", printId: null, file });
    return answerText(c, await commandAnswerText(c, c.var, answer), 200);
  },
);

/** 404 unless the account has it; 400 unless this printer's agent can print it. */
async function wantedFile(c: HttpContext, { caller, printer }: Asked, id: number): Promise<PrintFile> {
  const { file, agentName } = orNotFound(
    await findPrintableFile(connect(c.env.DB), { id, userId: caller.userId }),
    "GCodeFile",
  );
  if (file.residentPrinterId === null) return (await cloudPrintFile(c, file)) ?? refuse("This file has no content.");
  if (file.residentPrinterId !== printer.id) return refuse("This file lies on another printer.");
  return residentFile(file, agentName);
}

type Asked = Pick<Admitted, "caller" | "printer">;

function residentFile({ id, url, filename, safeFilename, agentSignature }: GCodeFile, agentName: string | null) {
  if (!STARTS_LOCAL_FILES[dialectOf(agentName)]) {
    return refuse("This printer's agent is not known to start a file that lies on the printer.");
  }
  if (!url || !agentSignature) return refuse("The printer's agent did not tell how this file is to be found.");
  return { id, path: url, filename, safeFilename, agentSignature };
}

function refuse(sentence: string): never {
  throw new FailureError(invalid("g_code_file_id", sentence));
}

export const printFile = new Hono<HttpEnv>().on(...print);
