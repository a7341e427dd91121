/** The object's tables in memory, as text and copies: what outlives its fields and its sockets. */
import type { PrinterState } from "../../src/domain/change.ts";
import type { CommandRecord } from "../../src/domain/command.ts";
import { DEFAULT_CONFIGURATION } from "../../src/domain/configuration.ts";
import { initialState } from "../../src/domain/initial-state.ts";
import type { Print } from "../../src/domain/print.ts";
import type { Store } from "../../src/printer/store.ts";
import { readState } from "../../src/printer/stored-state.ts";

const CONFIGURATION = { ...DEFAULT_CONFIGURATION, name: "Bench" };
const BORN = initialState({ id: 7, uid: "uid", userId: 1, createdAt: 0, configuration: CONFIGURATION });

type DocumentName = Parameters<Store["loadDocument"]>[0];
type Documents = "loadDocument" | "saveDocument";
type Remembered = "findPrint" | "rememberPrint" | "findCommand" | "rememberCommand";

export class Tables implements Pick<Store, "loadState" | "saveState" | Documents | Remembered> {
  #state = JSON.stringify(BORN);
  readonly #documents = new Map<DocumentName, string>();
  readonly #prints = new Map<number, Print>();
  readonly #commands = new Map<string, CommandRecord>();

  loadState(): PrinterState {
    return readState(this.#state);
  }

  saveState(state: PrinterState): void {
    this.#state = JSON.stringify(state);
  }

  loadDocument(name: DocumentName): string | null {
    return this.#documents.get(name) ?? null;
  }

  saveDocument(name: DocumentName, text: string | null): void {
    if (text === null) this.#documents.delete(name);
    else this.#documents.set(name, text);
  }

  findPrint(extId: number): Print | null {
    return this.#prints.get(extId) ?? null;
  }

  rememberPrint(print: Print): void {
    this.#prints.set(print.extId, print);
  }

  findCommand(id: string): CommandRecord | null {
    return this.#commands.get(id) ?? null;
  }

  rememberCommand(command: CommandRecord): void {
    this.#commands.set(command.id, command);
  }
}
