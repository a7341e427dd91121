/** The agent's sockets as the runtime keeps them. Who is connected is asked here, never stored (design 3). */
import type { AgentSocket } from "../domain/agent-socket.ts";
import type { ShownStatus } from "../domain/status.ts";
import type { ToAgent } from "../protocol/agent.ts";
import { type Close, closeBackCode } from "../protocol/close.ts";

const AGENT = "agent";
/** A longer rest of a status does not fit into an attachment (16,384 bytes with its own overhead). */
export const ATTACHED_REST_BYTES = 15_000;

/** What survives hibernation with the socket. `rest` is null when the status' rest is a row of its own. */
interface Attachment {
  readonly connection: number;
  readonly socket: string;
  readonly shown: string | null;
  readonly rest: Uint8Array | null;
}

/** What a socket's attachment told; `shown.rest` is null when it is a row. */
export interface Attached {
  readonly socket: AgentSocket;
  readonly shown: (Omit<ShownStatus, "rest" | "job" | "fileMetadata"> & { readonly rest: string | null }) | null;
}

export class Sockets {
  readonly #ctx: DurableObjectState;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  /** Takes the server's end of an upgrade in as connection `connection`. */
  accept(webSocket: WebSocket, connection: number): void {
    this.#ctx.acceptWebSocket(webSocket, [AGENT, tagOf(connection)]);
  }

  isOpen(connection: number): boolean {
    return this.#find(connection)?.readyState === WebSocket.OPEN;
  }

  /** The attachment of that connection, even while it is closing; null when the socket is gone. */
  read(connection: number): Attached | null {
    const attachment: Attachment | null = this.#find(connection)?.deserializeAttachment() ?? null;
    if (attachment === null) return null;
    const socket = JSON.parse(attachment.socket) as AgentSocket; // safe: only write makes it
    if (attachment.shown === null) return { socket, shown: null };
    const rest = attachment.rest === null ? null : new TextDecoder().decode(attachment.rest);
    return { socket, shown: { ...JSON.parse(attachment.shown), rest } };
  }

  write(socket: AgentSocket, shown: ShownStatus | null): void {
    const webSocket = this.#find(socket.connection);
    if (webSocket === undefined) return;
    const rest = shown === null ? null : new TextEncoder().encode(shown.rest);
    const head = shown === null ? null : { ts: shown.ts, at: shown.at, text: shown.text };
    const attachment: Attachment = {
      connection: socket.connection,
      socket: JSON.stringify(socket),
      shown: head === null ? null : JSON.stringify(head),
      rest: rest !== null && rest.byteLength <= ATTACHED_REST_BYTES ? rest : null,
    };
    webSocket.serializeAttachment(attachment);
  }

  /** The connection number of a socket that the runtime hands us. */
  connectionOf(webSocket: WebSocket): number {
    const tag = this.#ctx.getTags(webSocket).find((name) => name !== AGENT);
    return tag === undefined ? 0 : Number(tag.slice(AGENT.length + 1));
  }

  /** False when the frame could not be handed over. */
  send(connection: number, frame: ToAgent): boolean {
    const webSocket = this.#find(connection);
    if (webSocket === undefined || webSocket.readyState !== WebSocket.OPEN) return false;
    try {
      webSocket.send(frame);
      return true;
    } catch {
      return false;
    }
  }

  /** Closes every agent socket up to `connection`. */
  closeUpTo(connection: number, close: Close): void {
    for (const webSocket of this.#ctx.getWebSockets(AGENT)) {
      if (this.connectionOf(webSocket) <= connection) closeQuietly(webSocket, close);
    }
  }

  #find(connection: number): WebSocket | undefined {
    return this.#ctx.getWebSockets(tagOf(connection))[0];
  }
}

function tagOf(connection: number): string {
  return `${AGENT}:${connection}`;
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
