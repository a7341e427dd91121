/** The answer to a command ([H28]). */
import * as z from "zod";
import type { CommandAnswer } from "../../printer/rpc.ts";
import type { Admitted, HttpContext } from "../kit/context.ts";
import { type JsonText, objectText, textOf } from "../kit/json-text.ts";
import { CommandJson, commandJson } from "./command.ts";
import { ownPrinterText, PrinterJson } from "./printer.ts";

export const CommandAnswerJson = z.object({
  succeeded: z.boolean().describe("Whether an agent took the command in; not that the printer obeyed."),
  printer: PrinterJson,
  command: CommandJson,
});

export async function commandAnswerText(
  c: HttpContext,
  asked: Pick<Admitted, "caller" | "printer">,
  { succeeded, printer, command }: CommandAnswer,
): Promise<JsonText<z.input<typeof CommandAnswerJson>>> {
  return objectText({
    succeeded: textOf(succeeded),
    printer: await ownPrinterText(c, asked, printer),
    command: textOf(commandJson(command)),
  });
}
