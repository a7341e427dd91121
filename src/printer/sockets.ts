/** The agent's sockets as the runtime keeps them. Who is connected is asked here, never stored (design 3). */
import type { AgentSocket } from "../domain/agent-socket.ts";
import type { ShownStatus } from "../domain/status.ts";
import { type Close, closeBackCode } from "../protocol/close.ts";
import type { ToAgent } from "../protocol/to-agent.ts";
import { readAgentHead, type ShownHead } from "./stored-json.ts";

const AGENT = "agent";
/** Of 16,384, which hold the serialization's own overhead too. */
const ATTACHMENT_BYTES = 16_000;
const REST_BYTES = 15_000;
/** Code units of a rest that fits beside whatever an `AgentSocket` can hold, so that it need not be measured. */
const SURELY_SHORT = 3_000;

/** What survives hibernation with the socket, as UTF-8. `rest` is null when the status' rest is a row of its own. */
interface Attachment {
  /** JSON of the `AgentSocket` and of the shown status without its long parts. */
  readonly head: Uint8Array;
  readonly rest: Uint8Array | null;
}

/** What a socket's attachment told; `shown.rest` is null when it is a row. */
export interface Attached {
  readonly socket: AgentSocket;
  readonly shown: (ShownHead & { readonly rest: string | null }) | null;
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
    const rest = attachment.rest === null ? null : new TextDecoder().decode(attachment.rest);
    const { socket, shown } = readAgentHead(new TextDecoder().decode(attachment.head), rest);
    return { socket, shown: shown === null ? null : { ...shown, rest } };
  }

  write(socket: AgentSocket, shown: ShownStatus | null): void {
    this.#find(socket.connection)?.serializeAttachment(attachmentOf(socket, shown));
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

function attachmentOf(socket: AgentSocket, shown: ShownStatus | null): Attachment {
  const { rest: text, job: _job, fileMetadata: _metadata, ...told } = shown ?? {};
  const head = new TextEncoder().encode(JSON.stringify({ socket, shown: shown === null ? null : told }));
  if (text === undefined) return { head, rest: null };
  const rest = new TextEncoder().encode(text);
  const isShort = rest.byteLength <= Math.min(REST_BYTES, ATTACHMENT_BYTES - head.byteLength);
  return { head, rest: isShort ? rest : null };
}

/** Whether the rest of a status is too long for the attachment, and has to be a row. */
export function isTooLong(socket: AgentSocket, shown: ShownStatus): boolean {
  return shown.rest.length > SURELY_SHORT && attachmentOf(socket, shown).rest === null;
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
