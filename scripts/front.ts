/**
 * The address that callers know, before the runtime: that closes a connection after 5 idle seconds, which whoever calls every
 * 5 s meets now and then; it tells nobody who calls; and the simulator heeds headers of its own. Nothing is read or kept here.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse, request as startCall } from "node:http";
import { type AddressInfo, connect, isIPv6, type Socket } from "node:net";
import { Refusal } from "./refusal.ts";

/** Longer than callers keep a connection that they do not use. */
const KEEP_ALIVE_MS = 75_000;

/** Headers of one connection; what is set here; what the simulator heeds. */
const NOT_PASSED = new Set([
  ...["connection", "keep-alive", "proxy-connection", "upgrade", "expect", "te", "trailer"],
  ...["cf-connecting-ip", "mf-cf-blob"],
]);

export class Front {
  /** For callers on this machine. */
  readonly url: string;
  readonly #server: Server;
  #runtime: URL | null = null;

  private constructor(server: Server, host: string) {
    this.#server = server;
    const { port } = server.address() as AddressInfo; // safe: it listens on a port
    this.url = `http://${callable(host)}:${port}`;
    server.on("request", (call, answer) => pass(call, answer, this.#runtime));
    server.on("upgrade", (call, socket, head) => passSocket(call, socket as Socket, head, this.#runtime)); // safe: http's
  }

  /** Listens, and answers 503 until there is a runtime. Port 0: any that is free. A refusal when it may not listen there. */
  static async open(host: string, port: number): Promise<Front> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS });
    server.once("error", (error: NodeJS.ErrnoException) => reject(portRefusal(host, port, error.code)));
    server.listen({ host, port, exclusive: true }, resolve);
    await promise;
    return new Front(server, host);
  }

  /** From now on calls go to the runtime at `url`. */
  passTo(url: URL): void {
    this.#runtime = url;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

function portRefusal(host: string, port: number, code: string | undefined): Refusal {
  if (code === "EADDRINUSE") return new Refusal(`Port ${port} on ${host} is in use. Choose another one with --port.`);
  if (code === "EACCES") return new Refusal(`Port ${port} on ${host} is not allowed. Choose another one with --port.`);
  return new Refusal(
    `Cannot listen on ${host}, port ${port} (${code}). Choose an address of this machine with --host.`,
  );
}

/** The loopback address in place of a wildcard, which nobody can call. */
function callable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return isIPv6(host) ? `[${host}]` : host;
}

/** On a connection of its own: one that was used before may be closed at this very moment. */
function pass(call: IncomingMessage, answer: ServerResponse, runtime: URL | null): void {
  if (runtime === null) {
    refuse(answer);
    return;
  }
  if (!isHost(call.headers.host)) {
    call.resume();
    answer.writeHead(400).end();
    return;
  }
  const { hostname: host, port } = runtime;
  const { method, url: path } = call;
  const onward = startCall({ host, port, method, path, headers: headersOf(call), agent: false });
  onward.on("response", (reply) => {
    answer.writeHead(reply.statusCode ?? 502, reply.statusMessage, passed(reply.rawHeaders, "transfer-encoding"));
    reply.pipe(answer);
    reply.on("error", () => answer.destroy());
  });
  onward.on("error", () => {
    // What is left of a body that nobody wants is read away, for the connection's next call.
    call.resume();
    if (!answer.headersSent) refuse(answer);
  });
  answer.on("close", () => onward.destroy());
  call.pipe(onward);
}

/** URLs that answers tell begin with it; the runtime itself fails at bytes beyond ASCII. */
function isHost(host = ""): boolean {
  return /^[!-~]+$/.test(host) && URL.canParse(`http://${host}`);
}

/** The runtime is not there yet, or is being replaced. */
function refuse(answer: ServerResponse): void {
  answer.writeHead(503, { "Retry-After": "1" }).end();
}

/** From the handshake on, its answer included, only bytes. */
function passSocket(call: IncomingMessage, socket: Socket, head: Buffer, runtime: URL | null): void {
  if (runtime === null) {
    socket.end("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n");
    return;
  }
  const onward = connect({ host: runtime.hostname, port: Number(runtime.port), noDelay: true });
  const headers = [...headersOf(call), "Connection", "Upgrade", "Upgrade", call.headers.upgrade ?? ""];
  const lines = headers.flatMap((name, index) => (index % 2 === 0 ? `${name}: ${headers[index + 1]}` : []));
  onward.write(`${call.method} ${call.url} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`, "latin1");
  onward.write(head);
  for (const [one, other] of [
    [socket, onward],
    [onward, socket],
  ] as const) {
    one.pipe(other);
    one.on("error", () => other.destroy());
    one.on("close", () => other.destroySoon());
  }
}

/** Names and values in turn, with the caller's address as Cloudflare's edge tells it. */
function headersOf(call: IncomingMessage): string[] {
  const address = call.socket.remoteAddress?.replace(/^::ffff:/, "") ?? "";
  return [...passed(call.rawHeaders), "CF-Connecting-IP", address];
}

function passed(rawHeaders: readonly string[], ...without: readonly string[]): string[] {
  const isPassed = (name = "") => !NOT_PASSED.has(name.toLowerCase()) && !without.includes(name.toLowerCase());
  return rawHeaders.filter((_, index) => isPassed(rawHeaders[index - (index % 2)]));
}
