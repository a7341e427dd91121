/** Prints an upload at once ([G38]). The file is kept by then: whatever comes of the command is told beside it. */
import * as z from "zod";
import type { GCodeFile } from "../../db/g-code-files.ts";
import { CommandJson, commandJson } from "../json/command.ts";
import { WrittenFileJson } from "../json/g-code-record.ts";
import { cloudPrintFile } from "../json/g-code-url.ts";
import { type CommandParties, issueCommand } from "../kit/command-call.ts";
import type { HttpContext } from "../kit/context.ts";
import { FailureError, sentenceOf } from "../kit/errors.ts";

const PrintedJson = z.object({
  command: CommandJson.nullable().optional().describe("With `print`; null: there is none."),
  detail: z.string().optional().describe("Why there is no command, in a sentence."),
});

export const UploadedFileJson = WrittenFileJson.extend(PrintedJson.shape).meta({ id: "UploadedGCodeFile" });

export async function printUpload(
  c: HttpContext,
  file: GCodeFile,
  parties: CommandParties,
): Promise<z.input<typeof PrintedJson>> {
  try {
    const printed = await cloudPrintFile(c, file);
    const { command } = await issueCommand(c, parties, { kind: "print_file", printId: null, file: printed });
    return { command: commandJson(command) };
  } catch (error) {
    if (!(error instanceof FailureError)) throw error;
    return { command: null, detail: sentenceOf(error.failure) };
  }
}
