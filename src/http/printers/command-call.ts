/** Gives a command to a printer's object, with what its caller's headers ask for ([H28] to [H33]). */
import * as z from "zod";
import { digest } from "../../credentials/digest.ts";
import type { PrintFile } from "../../domain/command.ts";
import type { CommandKind } from "../../domain/command-kind.ts";
import { hexOf } from "../../domain/encoding.ts";
import { invalid } from "../../domain/failure.ts";
import { CommandJson, commandJson } from "../json/command.ts";
import { ownPrinterText, PrinterJson } from "../json/printer.ts";
import type { Admitted, HttpContext } from "../kit/context.ts";
import { FailureError } from "../kit/errors.ts";
import { type JsonText, objectText, textOf } from "../kit/json-text.ts";
import { callPrinter } from "../kit/printer-call.ts";

export const CommandAnswerJson = z.object({
  succeeded: z.boolean().describe("Whether an agent took the command in; not that the printer obeyed."),
  printer: PrinterJson,
  command: CommandJson,
});

export const COMMAND_HEADERS = {
  "Idempotency-Key": "1 to 255 printable ASCII characters: for 24 hours the same key gives the same command.",
  Prefer: "wait=N: answers once the command ended, after N seconds (30 at most) at the latest.",
} as const;

export interface Order {
  readonly kind: CommandKind;
  /** The print that is meant; null: whichever is current. */
  readonly printId: number | null;
  /** Null but for `print_file`. */
  readonly file: PrintFile | null;
}

const WAIT_SECONDS_MAX = 30;
const PRINTABLE = /^[\x20-\x7e]{1,255}$/;

/** One command. Its id is made here, so a call that broke is repeated without a second frame ([C60]). */
export async function issueCommand(
  c: HttpContext,
  { caller, printer }: Pick<Admitted, "caller" | "printer">,
  order: Order,
): Promise<JsonText<z.input<typeof CommandAnswerJson>>> {
  const wait = readWait(c.req.header("Prefer"));
  const request = {
    ...order,
    id: drawCommandId(),
    initiator: "api",
    userId: caller.userId,
    tokenName: caller.tokenName,
    idempotency: await readIdempotency(c.req.header("Idempotency-Key"), order),
    waitMs: wait === null ? null : wait * 1000,
  } as const;
  const answer = await callPrinter(c, printer.id, (object) => object.command(printer.uid, request, caller.principal));
  if (wait !== null) c.header("Preference-Applied", `wait=${wait}`);
  if (answer.replayed) c.header("Idempotency-Replayed", "true");
  return objectText({
    succeeded: textOf(answer.succeeded),
    printer: await ownPrinterText(c, { caller, printer }, answer.printer),
    command: textOf(commandJson(answer.command)),
  });
}

/** 128 random bits. */
function drawCommandId(): string {
  return hexOf(crypto.getRandomValues(new Uint8Array(16)));
}

/** Hashes of the key and of what it is used for. */
async function readIdempotency(key: string | undefined, { kind, printId, file }: Order) {
  if (key === undefined) return null;
  if (!PRINTABLE.test(key)) {
    throw new FailureError(invalid("Idempotency-Key", "1 to 255 printable ASCII characters are expected."));
  }
  const [keyHash, requestHash] = await Promise.all([
    digest(key),
    digest(JSON.stringify([kind, printId, file?.id ?? null])),
  ]);
  return { keyHash, requestHash };
}

/** Seconds of `Prefer: wait=N`; null without it, or when it cannot be read. */
function readWait(prefer: string | undefined): number | null {
  const [, seconds] = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:[,;]|$)/i.exec(prefer ?? "") ?? [];
  return seconds === undefined ? null : Math.min(Number(seconds), WAIT_SECONDS_MAX);
}
