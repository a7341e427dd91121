/** Sends a call byte for byte as it was drawn: no client between that would mend a path, a header or a body. */
import { Agent, type IncomingHttpHeaders, request } from "node:http";

export interface Wire {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array | null;
  /** After so many bytes of the body the caller hangs up; null: it waits for the answer. */
  readonly hangsUpAfter: number | null;
  /** Where the call comes from, on the loopback network. */
  readonly from: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const ANSWER_MS = 60_000;
const HANG_UP_MS = 20;
const CONNECTIONS = new Agent({ keepAlive: true, maxFreeSockets: 64 });
/** Elsewhere the loopback network is one address. */
const HAS_LOOPBACK_NETWORK = process.platform === "linux";

/** Null after a call that hung up; rejects when no answer comes. */
export function send(url: string, wire: Wire): Promise<Reply | null> {
  const { hostname: host, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<Reply | null>();
  const { method, path, hangsUpAfter, body } = wire;
  const headers = wire.headers.flat();
  if (!wire.headers.some(([name]) => name.toLowerCase() === "host")) headers.push("Host", `${host}:${port}`);
  const hasLength = wire.headers.some(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
  if (body !== null && !hasLength) headers.push("Content-Length", String(body.length));
  const from = HAS_LOOPBACK_NETWORK ? { localAddress: wire.from } : {};
  const call = request({ host, port, method, path, headers, agent: CONNECTIONS, ...from });
  call.setTimeout(ANSWER_MS, () => call.destroy(new Error(`no answer in ${ANSWER_MS / 1000} s`)));
  call.on("error", (error) => (hangsUpAfter === null ? reject(error) : resolve(null)));
  call.on("response", (answer) => {
    const chunks: Buffer[] = [];
    answer.on("data", (chunk: Buffer) => chunks.push(chunk));
    answer.on("error", reject);
    answer.on("end", () =>
      resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) }),
    );
  });
  // An answer that is no HTTP one any more: what was asked for is another protocol.
  call.on("upgrade", (answer, socket) => {
    socket.destroy();
    resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.alloc(0) });
  });
  if (hangsUpAfter === null) {
    call.end(body ?? undefined);
  } else {
    call.write((body ?? Buffer.alloc(0)).subarray(0, hangsUpAfter));
    setTimeout(() => call.destroy(), HANG_UP_MS);
  }
  return promise;
}
