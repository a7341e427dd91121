/** Gives a command to a printer's object, with what its caller's headers ask for ([H28] to [H33]). */
import type { PrintFile } from "../../domain/command.ts";
import type { CommandKind } from "../../domain/command-kind.ts";
import { hexOf } from "../../domain/encoding.ts";
import type { CommandAnswer } from "../../printer/rpc.ts";
import type { Admitted, HttpContext } from "./context.ts";
import { IDEMPOTENCY_KEY, readIdempotency } from "./idempotency.ts";
import { callPrinter } from "./printer-call.ts";

export const COMMAND_HEADERS = {
  [IDEMPOTENCY_KEY]: "1 to 255 printable ASCII characters: for 24 hours the same key gives the same command.",
  Prefer: "wait=N: answers once the command ended, after N seconds (30 at most) at the latest.",
} as const;

export const COMMAND_ANSWER_HEADERS = {
  "Idempotency-Replayed": "`true`: an earlier call with that key made this command.",
  "Preference-Applied": "How long the answer waited at most.",
} as const;

export interface Order {
  readonly kind: CommandKind;
  /** The print that is meant; null: whichever is current. */
  readonly printId: number | null;
  /** Null but for `print_file`. */
  readonly file: PrintFile | null;
}

/** Who gives it, and the printer that it is for: one of that account's. */
export interface CommandParties {
  readonly caller: Admitted["caller"];
  readonly printer: Pick<Admitted["printer"], "id" | "uid">;
}

const WAIT_SECONDS_MAX = 30;

/** One command. Its id is made here, so a call that broke is repeated without a second frame ([C60]). */
export async function issueCommand(
  c: HttpContext,
  { caller, printer }: CommandParties,
  order: Order,
): Promise<CommandAnswer> {
  const wait = readWait(c.req.header("Prefer"));
  const request = {
    ...order,
    id: drawCommandId(),
    initiator: "api",
    userId: caller.userId,
    tokenName: caller.tokenName,
    idempotency: await readIdempotency(c.req.header(IDEMPOTENCY_KEY), requestOf(order)),
    waitMs: wait === null ? null : wait * 1000,
  } as const;
  const answer = await callPrinter(c, printer.id, (object) => object.command(printer.uid, request, caller.principal));
  if (wait !== null) c.header("Preference-Applied", `wait=${wait}`);
  if (answer.replayed) c.header("Idempotency-Replayed", "true");
  return answer;
}

/** 128 random bits. */
function drawCommandId(): string {
  return hexOf(crypto.getRandomValues(new Uint8Array(16)));
}

/** What may not share an Idempotency-Key with another. */
function requestOf({ kind, printId, file }: Order): string {
  return JSON.stringify([kind, printId, file?.id ?? null]);
}

/** Seconds of `Prefer: wait=N`; null without it, or when it cannot be read. */
function readWait(prefer: string | undefined): number | null {
  const [, seconds] = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?:[,;]|$)/i.exec(prefer ?? "") ?? [];
  return seconds === undefined ? null : Math.min(Number(seconds), WAIT_SECONDS_MAX);
}
