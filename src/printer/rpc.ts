/**
 * What the Worker may ask of a `PrinterObject` beside its socket upgrade: values only, additive between deployments.
 * Every call but `vouch` and `forget` carries the printer's `uid`, because ids can come back when D1 is restored: an object
 * that holds another printer loads again or refuses.
 */
import type { CommandRecord, CommandRequest } from "../domain/command.ts";
import type { ConfigurationPatch } from "../domain/configuration.ts";
import type { EventContent } from "../domain/events.ts";
import type { AlertOverwrite, PrintEdit } from "../domain/print.ts";
import type { Result } from "../domain/result.ts";
import type { PrinterView } from "../domain/view.ts";

/** What an agent token says, its MAC checked; the object decides whether it still counts. */
export interface AgentCredential {
  readonly printerId: number;
  readonly uid: string;
  readonly generation: number;
  readonly keyId: string;
}

/** An authenticated caller, cached in the printer's object so that it can stop the printer while D1 is down ([O29]). */
export interface Principal {
  /** SHA-256 (hex) of the API token, or of who signed in with which scopes. */
  readonly hash: string;
  readonly userId: number;
  /** Null for sign-ins. */
  readonly tokenName: string | null;
  readonly canRead: boolean;
  readonly canWrite: boolean;
  /** Epoch milliseconds; null: never, or a JWT, whose expiry the Worker checks itself. */
  readonly expiresAt: number | null;
}

/** A cached caller, and what a call needs to know of the printer. */
export interface Vouched {
  readonly principal: Principal;
  readonly uid: string;
  readonly archivedAt: number | null;
}

/** A call with a known id sends nothing, waits and reads. */
export interface CommandCall extends Omit<CommandRequest, "ref" | "probeRef"> {
  /** SHA-256 (hex) of the Idempotency-Key, and of action and body; null without the header. */
  readonly idempotency: { readonly keyHash: string; readonly requestHash: string } | null;
  /** `Prefer: wait=N` in milliseconds, 30,000 at most; null without it. */
  readonly waitMs: number | null;
}

export interface CommandAnswer {
  readonly succeeded: boolean;
  readonly command: CommandRecord;
  readonly printer: PrinterView;
  /** Answered from the ledger for a known Idempotency-Key; nothing was sent. */
  readonly replayed: boolean;
}

/** A page of the newest commands, in flight and ended; those that the object no longer holds are in D1 only. */
export interface CommandPage {
  /** Newest first. */
  readonly commands: readonly CommandRecord[];
  /** How many the object holds, and when the oldest of them was made (epoch milliseconds; null: none). */
  readonly held: number;
  readonly oldestAt: number | null;
}

/** Answer to what needs no agent: mute, acknowledge, start and finish a print, edit and delete it. */
export interface FactAnswer {
  readonly succeeded: boolean;
  readonly printer: PrinterView;
}

/** Implemented by `PrinterObject`. Failures: `not_found` (deleted, foreign uid; archived where noted), `unavailable`. */
export interface PrinterRpc {
  /** `principal`: the caller, if D1 let it pass just now. */
  view(uid: string, principal?: Principal | null): Promise<Result<PrinterView>>;
  /** For calls while D1 is down, which it never asks: `unavailable` unless that bearer passed here within a day. */
  vouch(hash: string): Promise<Result<Vouched>>;
  /** The token with that hash was revoked. */
  forget(hash: string): Promise<Result<null>>;
  /** Waits until D1 shows the change, 1 s at most. */
  configure(uid: string, patch: ConfigurationPatch): Promise<Result<PrinterView>>;
  /** `not_found` when it is archived already. */
  archive(uid: string): Promise<Result<null>>;
  unarchive(uid: string): Promise<Result<PrinterView>>;
  remove(uid: string): Promise<Result<null>>;
  /** A new generation; older tokens are dead at once. */
  rotateToken(uid: string): Promise<Result<PrinterView>>;
  /** A new generation; the one last used stays valid until the new one is used, 15 min at most. Once for each `codeId`. */
  relink(uid: string, codeId?: number): Promise<Result<PrinterView>>;
  command(uid: string, call: CommandCall, principal?: Principal | null): Promise<Result<CommandAnswer>>;
  listCommands(uid: string, page: { start: number; limit: number }): Promise<Result<CommandPage>>;
  /** Null: not among those that the object holds. */
  findCommand(uid: string, commandId: string): Promise<Result<CommandRecord | null>>;
  mute(uid: string, muted: boolean): Promise<Result<FactAnswer>>;
  acknowledge(uid: string, overwrite: AlertOverwrite | null): Promise<Result<FactAnswer>>;
  startPrint(uid: string, filename: string): Promise<Result<FactAnswer>>;
  finishPrint(uid: string, cancelled: boolean): Promise<Result<FactAnswer>>;
  /** Edits that print if it is current; `succeeded` is false when it is not. */
  editPrint(uid: string, printId: number, edit: PrintEdit): Promise<Result<FactAnswer>>;
  /** Deletes that print from history if it is current, and lets it go on; `succeeded` is false when it is not. */
  removePrint(uid: string, printId: number): Promise<Result<FactAnswer>>;
  /** `unauthenticated` when the generation is dead or the printer archived or deleted. */
  agentView(agent: AgentCredential): Promise<Result<PrinterView>>;
  /** The agent's own renaming of its printer. */
  agentConfigure(agent: AgentCredential, patch: ConfigurationPatch): Promise<Result<PrinterView>>;
  agentEvent(agent: AgentCredential, event: EventContent): Promise<Result<null>>;
}

/** Headers by which the Worker hands a checked `AgentCredential` to the object's upgrade. */
export const CREDENTIAL_HEADERS = {
  uid: "x-platen-uid",
  generation: "x-platen-generation",
  keyId: "x-platen-key-id",
} as const;
