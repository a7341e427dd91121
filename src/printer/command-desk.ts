/** The ledger as callers use it: idempotency keys, repeated calls, waiting for an outcome, and the list of commands. */
import { isReceiptExpected } from "../domain/agent-socket.ts";
import type { Printer } from "../domain/change.ts";
import { type CommandRecord, commandSucceeded, receiptDueAt, recordOf, visibleReason } from "../domain/command.ts";
import { notFound } from "../domain/failure.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { viewOf } from "../domain/view.ts";
import type { CommandAnswer, CommandCall, CommandPage } from "./rpc.ts";
import type { Stepper } from "./stepper.ts";
import { Waiters } from "./waiters.ts";

export class CommandDesk {
  readonly #stepper: Stepper;
  readonly #waiters = new Waiters();

  constructor(stepper: Stepper) {
    this.#stepper = stepper;
  }

  /** Called after every change of the printer. */
  settle(): void {
    this.#waiters.settle();
  }

  async take(call: CommandCall): Promise<Result<CommandAnswer>> {
    const key = this.#findKey(call);
    if (key !== null && key.request !== call.idempotency?.requestHash) return err({ code: "idempotency_mismatch" });
    const submitted = key === null ? this.#submit(call) : ok(key.commandId);
    if (!submitted.ok) return submitted;
    const id = submitted.value;
    await this.#wait(id, call.waitMs);
    const command = this.find(id);
    if (command === null) return err(notFound("Command"));
    const printer = this.#stepper.printer();
    const succeeded = commandSucceeded(command, this.#believesSent(printer));
    // The Worker repeats a broken call under the same id: that is no replay.
    const replayed = key !== null && key.commandId !== call.id;
    return ok({ succeeded, command, printer: viewOf(printer, Date.now()), replayed });
  }

  /** In flight or ended, with the reason to show now; null when the object does not hold it. */
  find(id: string): CommandRecord | null {
    const inFlight = this.#stepper.printer().state.ledger.find((command) => command.id === id);
    const record = inFlight === undefined ? this.#stepper.store.findCommand(id) : recordOf(inFlight);
    return record === null ? null : this.#show(record);
  }

  list(page: { readonly start: number; readonly limit: number }): CommandPage {
    const inFlight = this.#stepper.printer().state.ledger.map(recordOf);
    const inFlightIds = new Set(inFlight.map((command) => command.id));
    const ended = this.#stepper.store.listCommands().filter((command) => !inFlightIds.has(command.id));
    const all = [...inFlight, ...ended].sort((a, b) => b.createdAt - a.createdAt);
    const commands = all.slice(page.start, page.start + page.limit).map((command) => this.#show(command));
    return { commands, held: all.length, oldestAt: all.at(-1)?.createdAt ?? null };
  }

  /** An earlier use of the key; null for none. A use whose command was rejected does not count: the caller may try again. */
  #findKey(call: CommandCall) {
    if (call.idempotency === null) return null;
    const key = this.#stepper.store.findIdempotency(keyOf(call, call.idempotency.keyHash), Date.now());
    const command = key === null ? null : this.find(key.commandId);
    return command !== null && command.state !== "rejected" ? key : null;
  }

  #submit(call: CommandCall): Result<string> {
    if (this.find(call.id) !== null) return ok(call.id);
    const { id, kind, printId, file, initiator, userId, tokenName } = call;
    const refs = { file, ref: randomRef("c:"), probeRef: randomRef("p:") };
    const reply = this.#stepper.apply({
      type: "command",
      command: { id, kind, printId, initiator, userId, tokenName, ...refs },
    });
    if (reply.type === "refused") return err(reply.failure);
    const commandId = reply.type === "command" ? reply.commandId : id;
    const record = this.find(commandId);
    if (call.idempotency !== null && record !== null && record.state !== "rejected") {
      const key = keyOf(call, call.idempotency.keyHash);
      this.#stepper.store.rememberIdempotency({ key, request: call.idempotency.requestHash, commandId }, Date.now());
    }
    return ok(commandId);
  }

  /** `waitMs` null: until the receipt, 2 s at most after the frame; else until the command ended. */
  #wait(id: string, waitMs: number | null): Promise<void> {
    if (waitMs !== null) return this.#waiters.wait(() => (this.find(id)?.endedAt ?? null) !== null, waitMs);
    const command = this.find(id);
    if (command === null) return Promise.resolve();
    const isPending = (found: CommandRecord | null) => found?.state === "checking" || found?.state === "sent";
    return this.#waiters.wait(() => !isPending(this.find(id)), receiptDueAt(command) - Date.now());
  }

  #show(command: CommandRecord): CommandRecord {
    const believesSent = this.#believesSent(this.#stepper.printer());
    return { ...command, reason: visibleReason(command, believesSent, Date.now()) };
  }

  /** No receipt is to be expected of this agent, so a frame that was handed over counts as read. */
  #believesSent({ socket, state }: Printer): boolean {
    return socket !== null && !isReceiptExpected(socket, state.dialect);
  }
}

function keyOf(call: CommandCall, keyHash: string): string {
  return `${call.userId ?? ""}:${keyHash}`;
}

/** `prefix` and 16 random letters, so that nobody can guess a ref and forge its receipt. */
export function randomRef(prefix: "c:" | "p:"): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return prefix + Array.from(bytes, (byte) => String.fromCharCode(97 + (byte >> 4))).join("");
}
