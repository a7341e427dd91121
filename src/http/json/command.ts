/** A command of the ledger as clients read it: all its keys always, null where nothing happened. */
import * as z from "zod";
import { COMMAND_STATES, type CommandReason, type CommandRecord, INITIATORS } from "../../domain/command.ts";
import { COMMAND_KINDS } from "../../domain/command-kind.ts";
import { TimeJson, timeJson } from "./time.ts";

/** Each reason's word and sentence. Words are promises to clients, so two reasons may share one and differ in what they say. */
const REASONS = {
  agent_offline: ["agent_offline", "The printer's agent is not connected, so nothing was sent."],
  not_printing: ["not_printing", "The printer is not printing."],
  file_coming: [
    "not_printing",
    "A file is on its way to the printer and its print will start; nothing can stop it before that. Try again once it prints.",
  ],
  wrong_print: ["wrong_print", "Another print is current than the one that was meant."],
  printing: ["printing", "The printer is printing."],
  already_paused: ["already_paused", "The printer is paused already."],
  not_paused: ["not_paused", "The printer is not paused."],
  print_ending: ["print_ending", "The print has been cancelled already."],
  no_receipt: ["no_receipt", "It was sent, but the printer's agent did not confirm that it read it."],
  connection_lost: ["connection_lost", "The connection to the printer's agent was lost before it confirmed."],
  not_settled: ["not_settled", "The printer's agent read it, but the printer has not shown what came of it."],
  not_obeyed: ["not_obeyed", "The printer shows that it did not do it."],
  refused: ["refused", "The printer's agent refused it."],
  other_print: ["other_print", "Another print is concerned, or began meanwhile."],
  print_ended: ["print_ended", "The print ended first."],
  opposite_command: ["opposite_command", "A later command asked for the opposite."],
  replaced: ["replaced", "The same was asked for again."],
} as const satisfies Record<CommandReason, readonly [word: string, sentence: string]>;

const REASON_WORDS = [...new Set(Object.values(REASONS).map(([word]) => word))];

function reasonJson(reason: CommandReason | null) {
  const [word, detail] = reason === null ? [null, null] : REASONS[reason];
  return { reason: word, detail };
}

export const CommandJson = z
  .object({
    id: z.string(),
    kind: z.enum(COMMAND_KINDS),
    state: z.enum(COMMAND_STATES),
    reason: z.enum(REASON_WORDS).nullable(),
    detail: z.string().nullable().describe("The reason in a sentence."),
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
    ...reasonJson(command.reason),
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
