/** What outlives the object's fields: one row of state, remembered prints and commands; and attachments, which die with sockets. */
import type { Effect, Printer } from "../../src/domain/change.ts";
import { type CommandRecord, recordOf } from "../../src/domain/command.ts";
import { DEFAULT_CONFIGURATION } from "../../src/domain/configuration.ts";
import { initialState } from "../../src/domain/initial-state.ts";
import type { Print } from "../../src/domain/print.ts";

const CONFIGURATION = { ...DEFAULT_CONFIGURATION, name: "Bench" };
const BORN = initialState({ id: 7, uid: "uid", userId: 1, createdAt: 0, configuration: CONFIGURATION });

export class ObjectStorage {
  #row = JSON.stringify({ state: BORN, settings: null });
  readonly #prints = new Map<number, Print>();
  readonly #commands = new Map<string, CommandRecord>();
  readonly #attachments = new Map<number, string>();

  save({ state, settings, socket, shown }: Printer, effects: readonly Effect[]): void {
    this.#row = JSON.stringify({ state, settings });
    for (const effect of effects) {
      if (effect.type === "remember-print") this.#prints.set(effect.print.extId, effect.print);
      if (effect.type === "project-command") this.#commands.set(effect.command.id, recordOf(effect.command));
    }
    if (socket !== null) this.#attachments.set(socket.connection, JSON.stringify({ socket, shown }));
  }

  read(): Printer {
    const { state, settings } = JSON.parse(this.#row) as Pick<Printer, "state" | "settings">; // safe: save wrote it
    const isConnected = state.connectedAt !== null && state.disconnectedAt === null;
    const attached = isConnected ? this.#attachments.get(state.connectionSequence) : undefined;
    if (attached === undefined) return { state, settings, socket: null, shown: null };
    return { state, settings, ...(JSON.parse(attached) as Pick<Printer, "socket" | "shown">) }; // safe: save wrote it
  }

  findPrint(extId: number): Print | null {
    return this.#prints.get(extId) ?? null;
  }

  findCommand(id: string): CommandRecord | null {
    return this.#commands.get(id) ?? null;
  }

  dropAttachment(connection: number): void {
    this.#attachments.delete(connection);
  }

  dropAttachments(): void {
    this.#attachments.clear();
  }
}
