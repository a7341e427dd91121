/** The object's ends of its sockets with their attachments, by connection: they outlive its fields, and die with it. */
import type { AgentAttachment } from "../../src/printer/agent-attachment.ts";
import type { Sockets } from "../../src/printer/sockets.ts";
import type { Wire } from "./wire.ts";

interface Held {
  readonly wire: Wire;
  attachment: AgentAttachment | null;
}

export class Wires implements Pick<Sockets, "isOpen" | "read" | "write" | "send" | "closeUpTo"> {
  readonly #held = new Map<number, Held>();
  /** Frames that the runtime took. */
  taken = 0;

  accept(wire: Wire, connection: number): void {
    wire.connection = connection;
    this.#held.set(connection, { wire, attachment: null });
  }

  find(connection: number): Wire | null {
    return this.#held.get(connection)?.wire ?? null;
  }

  isOpen(_kind: "agent", connection: number): boolean {
    return this.find(connection)?.isOpenToServer === true;
  }

  read(_kind: "agent", connection: number): AgentAttachment | null {
    return this.#held.get(connection)?.attachment ?? null;
  }

  write(_kind: "agent", connection: number, attachment: AgentAttachment): void {
    const held = this.#held.get(connection);
    if (held !== undefined) held.attachment = attachment;
  }

  send(_kind: "agent", connection: number, frame: string): boolean {
    const isTaken = this.find(connection)?.sendToAgent(frame) ?? false;
    if (isTaken) this.taken += 1;
    return isTaken;
  }

  closeUpTo(_kind: "agent", connection: number): void {
    for (const { wire } of [...this.#held.values()]) {
      if (wire.connection > connection) continue;
      wire.closeByServer();
      this.drop(wire);
    }
  }

  drop(wire: Wire): void {
    this.#held.delete(wire.connection);
  }

  /** The object died with all of them. */
  forget(): void {
    for (const { wire } of this.#held.values()) wire.forget();
    this.#held.clear();
  }
}
