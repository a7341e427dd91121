/** The printer between two events: state from its row, the rest from the socket's attachment and the document rows. */
import type { AgentSocket } from "../domain/agent-socket.ts";
import type { Printer } from "../domain/change.ts";
import { dropWaiting } from "../domain/list-copy.ts";
import type { ShownStatus } from "../domain/status.ts";
import { type AgentAttachment, packAgent, unpackAgent } from "./agent-attachment.ts";
import type { Sockets } from "./sockets.ts";
import type { Store } from "./store.ts";
import { readStatus } from "./stored-json.ts";

/** A status too long for the attachment is a row, written with each copy for the list, else at most this often (throttled). */
const LONG_STATUS_MS = 60_000;

type Rows = Pick<Store, "loadState" | "saveState" | "loadDocument" | "saveDocument">;
type Attachments = Pick<Sockets, "read" | "write">;

/** The newest attachment, and what it was made of. */
interface Packed {
  readonly socket: AgentSocket;
  readonly shown: ShownStatus | null;
  readonly attachment: AgentAttachment;
}

export class PrinterMemory {
  readonly #store: Rows;
  readonly #sockets: Attachments;
  #cached: Printer | null = null;
  #longStatusAt = 0;
  #packed: Packed | null = null;

  constructor(store: Rows, sockets: Attachments) {
    this.#store = store;
    this.#sockets = sockets;
  }

  /** Null until a printer was adopted. */
  load(): Printer | null {
    this.#cached ??= this.#read();
    return this.#cached;
  }

  /** The tables may hold something else: they were cleared, or a transaction was rolled back. */
  forget(): void {
    this.#cached = null;
  }

  /** Puts what changed into the socket's attachment, which costs no row. */
  attach(before: Printer, after: Printer): void {
    if (after.socket === null) return;
    if (after.socket === before.socket && after.shown === before.shown) return;
    this.#sockets.write("agent", after.socket.connection, this.#pack(after.socket, after.shown));
  }

  /** The writes of the rows in which `after` differs, for one transaction; most frames need none. */
  rowWrites(before: Printer, after: Printer, now: number): (() => void)[] {
    const store = this.#store;
    const writes: (() => void)[] = [];
    if (after.state !== before.state) writes.push(() => store.saveState(after.state));
    if (after.settings !== before.settings) writes.push(() => store.saveDocument("settings", after.settings));
    if (after.shown?.job !== before.shown?.job) writes.push(() => store.saveDocument("job", after.shown?.job ?? null));
    if (after.shown?.fileMetadata !== before.shown?.fileMetadata) {
      writes.push(() => store.saveDocument("file_metadata", after.shown?.fileMetadata ?? null));
    }
    if (this.#isStatusRowDue(before, after, now)) writes.push(() => this.#saveStatus(after.shown));
    return writes;
  }

  /** The rows of `after` are written. */
  keep(after: Printer): void {
    this.#cached = after;
  }

  #isStatusRowDue(before: Printer, after: Printer, now: number): boolean {
    if (after.socket === null) return before.socket !== null || after.shown !== before.shown;
    const isCopied = (after.socket.live?.at ?? null) !== (before.socket?.live?.at ?? null);
    if (after.shown === null || (after.shown === before.shown && !isCopied)) return false;
    // What is too long for the attachment has to be a row.
    if (this.#pack(after.socket, after.shown).rest !== null) return false;
    const isDue = isCopied || now - this.#longStatusAt >= LONG_STATUS_MS;
    if (isDue) this.#longStatusAt = now;
    return isDue;
  }

  /** Once a step: whether the status fits is asked before it is attached. */
  #pack(socket: AgentSocket, shown: ShownStatus | null): AgentAttachment {
    if (this.#packed?.socket !== socket || this.#packed.shown !== shown) {
      this.#packed = { socket, shown, attachment: packAgent(socket, shown) };
    }
    return this.#packed.attachment;
  }

  #saveStatus(shown: ShownStatus | null): void {
    const { job: _job, fileMetadata: _metadata, ...status } = shown ?? {};
    this.#store.saveDocument("status", shown === null ? null : JSON.stringify(status));
  }

  #read(): Printer | null {
    const state = this.#store.loadState();
    if (state === null) return null;
    const isConnected = state.connectedAt !== null && state.disconnectedAt === null;
    const attachment = isConnected ? this.#sockets.read("agent", state.connectionSequence) : null;
    const attached = attachment === null ? null : unpackAgent(attachment);
    const head = attached === null ? this.#readStatus() : attached.shown;
    const long = head !== null && head.rest === null ? this.#readLongStatus() : null;
    return {
      state,
      socket: attached === null ? null : withStatusOf(attached.socket, long?.at ?? head?.at, head?.at),
      shown: head === null ? null : { ...head, rest: head.rest ?? long?.rest ?? "{}", ...this.#readParts() },
      settings: this.#store.loadDocument("settings"),
    };
  }

  #readLongStatus(): ReturnType<typeof readStatus> | null {
    const status = this.#readStatus();
    this.#longStatusAt = status?.at ?? 0;
    return status;
  }

  #readStatus(): ReturnType<typeof readStatus> | null {
    const text = this.#store.loadDocument("status");
    return text === null ? null : readStatus(text);
  }

  #readParts(): Pick<ShownStatus, "job" | "fileMetadata"> {
    return { job: this.#store.loadDocument("job"), fileMetadata: this.#store.loadDocument("file_metadata") };
  }
}

/** A row may be older than the newest status, which is lost then. */
function withStatusOf(socket: AgentSocket, readAt: number | undefined, shownAt: number | undefined): AgentSocket {
  return readAt === shownAt ? socket : { ...socket, live: dropWaiting(socket.live) };
}
