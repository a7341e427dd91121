/** A real network for virtual agents: HTTP and one WebSocket each, with the headers of the real ones. */
import WebSocket from "ws";
import type { AgentSocket, HttpAnswer, HttpRequest, SocketEvents, Transport } from "./virtual/transport.ts";

const HANDSHAKE_MS = 30_000;

/** `base`: the server's URL; one slash at its end does no harm. */
export function networkTransport(base: string): Transport {
  const root = base.trim().replace(/\/$/, "");
  return {
    request: (request) => call(root, request),
    dial: (headers, events) => dial(`${root.replace(/^http/, "ws")}/ws/dev/`, new URL(root).origin, headers, events),
  };
}

async function call(root: string, request: HttpRequest): Promise<HttpAnswer | null> {
  const url = request.url.startsWith("/") ? root + request.url : request.url;
  try {
    const { method, headers } = request;
    const response = await fetch(url, {
      method,
      headers,
      body: request.body === null ? null : new Uint8Array(request.body),
    });
    return { status: response.status, body: new Uint8Array(await response.arrayBuffer()) };
  } catch {
    return null;
  }
}

function dial(
  url: string,
  origin: string,
  headers: Readonly<Record<string, string>>,
  events: SocketEvents,
): Promise<AgentSocket | null> {
  const { promise, resolve } = Promise.withResolvers<AgentSocket | null>();
  const socket = new WebSocket(url, { headers, origin, perMessageDeflate: false, handshakeTimeout: HANDSHAKE_MS });
  socket.on("open", () => {
    resolve({
      send(text) {
        if (socket.readyState !== WebSocket.OPEN) throw new Error("the socket is closed");
        socket.send(text);
      },
      close: () => socket.close(1000),
    });
  });
  socket.on("message", (data, isBinary) => {
    if (!isBinary) events.onText(data.toString());
  });
  socket.on("close", (code) => {
    events.onClose(code);
    resolve(null);
  });
  // A close event follows every error.
  socket.on("error", () => {});
  return promise;
}
