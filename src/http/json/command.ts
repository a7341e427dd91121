/** A command of the ledger as clients read it: all its keys always, null where nothing happened. */
import * as z from "zod";
import { COMMAND_STATES, type CommandReason, type CommandRecord, INITIATORS } from "../../domain/command.ts";
import { COMMAND_KINDS } from "../../domain/command-kind.ts";
import { TimeJson, timeJson } from "./time.ts";

/** What each reason means, as a sentence. */
const SENTENCES = {
  agent_offline: "The printer's agent is not there.",
  not_printing: "The printer is not printing.",
  file_coming: "A file is on its way and its print will start: it can be stopped then.",
  wrong_print: "Another print is current.",
  printing: "The printer is printing.",
  file_under_way: "A file was handed to the printer already, and its print may start.",
  already_paused: "The printer is paused already.",
  not_paused: "The printer is not paused.",
  print_ending: "The print has been cancelled already.",
  no_receipt: "It was not confirmed.",
  connection_lost: "The connection was lost.",
  not_settled: "Nothing came of it yet.",
  not_obeyed: "The printer did not do it.",
  refused: "The printer's agent refused it.",
  other_print: "Another print is concerned.",
  print_ended: "The print ended first.",
  opposite_command: "The opposite was asked for.",
  replaced: "It was asked for again.",
} as const satisfies Record<CommandReason, string>;

type ReasonWord = Exclude<CommandReason, "file_coming" | "file_under_way">;

/** Words are promises to clients: that a file is coming is told as another one, and only the sentence differs. */
function wordOf(reason: CommandReason): ReasonWord {
  if (reason === "file_under_way") return "printing";
  return reason === "file_coming" ? "not_printing" : reason;
}

/** What an agent said is told as it said it. */
function detailOf({ reason, agentWords }: CommandRecord): string | null {
  if (reason === null) return null;
  return agentWords ? `${SENTENCES[reason].slice(0, -1)}: ${agentWords}` : SENTENCES[reason];
}

const REASON_WORDS = [...new Set((Object.keys(SENTENCES) as CommandReason[]).map(wordOf))]; // safe: it has no other keys

export const CommandJson = z
  .object({
    id: z.string(),
    kind: z.enum(COMMAND_KINDS),
    state: z.enum(COMMAND_STATES),
    reason: z.enum(REASON_WORDS).nullable(),
    detail: z.string().nullable().describe("The reason in a sentence, and the words of an agent that refused it."),
    print_id: z.int().nullable().describe("The print it is bound to."),
    initiator: z.enum(INITIATORS),
    created_at: TimeJson,
    expires_at: TimeJson,
    settle_by: TimeJson.nullable(),
    sent_at: TimeJson.nullable(),
    delivered_at: TimeJson.nullable(),
    ended_at: TimeJson.nullable(),
  })
  .meta({ id: "Command" });

export function commandJson(command: CommandRecord): z.input<typeof CommandJson> {
  return {
    id: command.id,
    kind: command.kind,
    state: command.state,
    reason: command.reason === null ? null : wordOf(command.reason),
    detail: detailOf(command),
    print_id: command.printId,
    initiator: command.initiator,
    created_at: timeJson(command.createdAt),
    expires_at: timeJson(command.expiresAt),
    settle_by: timeJson(command.settleBy),
    sent_at: timeJson(command.sentAt),
    delivered_at: timeJson(command.deliveredAt),
    ended_at: timeJson(command.endedAt),
  };
}

/** In the ledger it also says who gave it. */
export const LedgerCommandJson = CommandJson.extend({
  user_id: z.int().nullable().describe("Null for the service itself."),
  token_name: z.string().nullable().describe("The API token it was given with."),
}).meta({ id: "LedgerCommand" });

export function ledgerCommandJson(command: CommandRecord): z.input<typeof LedgerCommandJson> {
  return { ...commandJson(command), user_id: command.userId, token_name: command.tokenName };
}
