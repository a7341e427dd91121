/** The object's sockets as the runtime keeps them, by kind and number. Who is connected is asked here, never stored. */
import { type Close, closeBackCode } from "../protocol/close.ts";
import type { AgentAttachment } from "./agent-attachment.ts";

/** What a socket of each kind keeps through hibernation: 16,384 bytes at most, serialized. */
interface Attachments {
  readonly agent: AgentAttachment;
}

export type SocketKind = keyof Attachments;

/** Numbers count the sockets of a kind, upwards. */
interface SocketName {
  readonly kind: SocketKind;
  readonly number: number;
}

/** What the object does with the events of one kind's sockets. */
export interface SocketHandler {
  message(webSocket: WebSocket, number: number, message: string | ArrayBuffer): void;
  closed(number: number): void;
}

export class Sockets {
  readonly #ctx: DurableObjectState;
  /** Tags never change, and asking the runtime for them costs more than reading a frame. */
  readonly #names = new WeakMap<WebSocket, SocketName>();

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  /** Takes the server's end of an upgrade in under that name. */
  accept(webSocket: WebSocket, kind: SocketKind, number: number): void {
    this.#ctx.acceptWebSocket(webSocket, [kind, tagOf(kind, number)]);
  }

  isOpen(kind: SocketKind, number: number): boolean {
    return this.#find(kind, number)?.readyState === WebSocket.OPEN;
  }

  /** The attachment of that socket, even while it is closing; null when it is gone. */
  read<K extends SocketKind>(kind: K, number: number): Attachments[K] | null {
    const attachment: unknown = this.#find(kind, number)?.deserializeAttachment();
    return (attachment ?? null) as Attachments[K] | null; // safe: only write attaches anything
  }

  write<K extends SocketKind>(kind: K, number: number, attachment: Attachments[K]): void {
    this.#find(kind, number)?.serializeAttachment(attachment);
  }

  /** The name of a socket that the runtime hands us. */
  nameOf(webSocket: WebSocket): SocketName {
    const known = this.#names.get(webSocket);
    if (known !== undefined) return known;
    const [kind, number] = this.#ctx.getTags(webSocket).find(isName)?.split(":") ?? [];
    const name = { kind: kind as SocketKind, number: Number(number) }; // safe: every socket was taken in by accept
    this.#names.set(webSocket, name);
    return name;
  }

  /** False when the frame could not be handed over. */
  send(kind: SocketKind, number: number, frame: string): boolean {
    const webSocket = this.#find(kind, number);
    if (webSocket === undefined || webSocket.readyState !== WebSocket.OPEN) return false;
    try {
      webSocket.send(frame);
      return true;
    } catch {
      return false;
    }
  }

  /** Closes every socket of that kind up to `number`. */
  closeUpTo(kind: SocketKind, number: number, close: Close): void {
    for (const webSocket of this.#ctx.getWebSockets(kind)) {
      if (this.nameOf(webSocket).number <= number) closeQuietly(webSocket, close);
    }
  }

  #find(kind: SocketKind, number: number): WebSocket | undefined {
    return this.#ctx.getWebSockets(tagOf(kind, number))[0];
  }
}

function tagOf(kind: SocketKind, number: number): string {
  return `${kind}:${number}`;
}

function isName(tag: string): boolean {
  return tag.includes(":");
}

/** Returns a peer's close: a hibernating socket's peer hangs without it. */
export function closeBack(webSocket: WebSocket, code: number): void {
  closeQuietly(webSocket, { code: closeBackCode(code), reason: "" });
}

export function closeQuietly(webSocket: WebSocket, close: Close): void {
  try {
    webSocket.close(close.code, close.reason);
  } catch {
    // It is closed already.
  }
}
