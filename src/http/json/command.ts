/** A command of the ledger as clients read it: all its keys always, null where nothing happened. */
import * as z from "zod";
import { COMMAND_REASONS, COMMAND_STATES, type CommandRecord, INITIATORS } from "../../domain/command.ts";
import { COMMAND_KINDS } from "../../domain/command-kind.ts";
import { TimeJson, timeJson } from "./time.ts";

export const CommandJson = z
  .object({
    id: z.string(),
    kind: z.enum(COMMAND_KINDS),
    state: z.enum(COMMAND_STATES),
    reason: z.enum(COMMAND_REASONS).nullable(),
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
    reason: command.reason,
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
