/** The address before the runtime: what it passes, and what it does not. */
import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Front } from "../../scripts/front.ts";
import { fc } from "../support/random.ts";

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly socket: Socket;
}

/** Stands for the runtime: tells what came, and sends its body back. */
const seen: Seen[] = [];
let runtime: Server;
let front: Front;

beforeAll(async () => {
  runtime = createServer(async (call, answer) => {
    const { method, url, headers, socket } = call;
    const body = await text(call);
    seen.push({ method, url, headers, body, socket });
    answer.writeHead(203, ["X-Twice", "a", "X-Twice", "b"]).end(body);
  });
  runtime.on("upgrade", (_, socket, head) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    socket.write(head);
    socket.pipe(socket);
  });
  runtime.listen(0, "127.0.0.1");
  await once(runtime, "listening");
  front = await Front.open("127.0.0.1", 0);
  front.passTo(urlOf(runtime));
});

afterAll(() => {
  front.close();
  runtime.close();
});

function urlOf(server: Server): URL {
  const { port } = server.address() as AddressInfo; // safe: it listens on a port
  return new URL(`http://127.0.0.1:${port}`);
}

interface Call {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly agent?: Agent;
}

async function call({ method = "GET", path = "/", headers = {}, body = "", agent = new Agent() }: Call) {
  const { hostname: host, port } = new URL(front.url);
  const onward = request({ host, port, method, path, headers, agent });
  onward.end(body);
  const [answer] = (await once(onward, "response")) as [IncomingMessage]; // safe: http's event
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer), last: seen.at(-1) };
}

describe("a call", () => {
  const path = fc.webPath().map((tail) => `/${tail}`);
  const body = fc.string({ unit: "binary", maxLength: 100_000 });

  test("[R26] passes unchanged: method, path, body, headers, and back again status, headers and body", async () => {
    const method = fc.constantFrom("POST", "PUT", "PATCH", "DELETE", "GET");
    const one = fc.record({ method, path, body, isChunked: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(one, async ({ method, path, body, isChunked }) => {
        const length = String(Buffer.byteLength(body));
        const headers = {
          "X-Any": "1",
          ...(isChunked ? { "Transfer-Encoding": "chunked" } : { "Content-Length": length }),
        };
        const answer = await call({ method, path, body, headers });
        expect(answer).toMatchObject({ status: 203, body, last: { method, url: path, body } });
        expect(answer.headers["x-twice"]).toBe("a, b");
        expect(answer.last?.headers).toMatchObject({ "x-any": "1", host: new URL(front.url).host });
      }),
      { numRuns: 50 },
    );
  });

  test("[R26] many calls of a connection that is kept: each goes on by a fresh one, and callers are told how long", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const answers = [await call({ agent }), await call({ agent }), await call({ agent })];
    expect(answers[0]?.headers).toMatchObject({ connection: "keep-alive", "keep-alive": "timeout=75" });
    expect(Object.values(agent.freeSockets).flat()).toHaveLength(1);
    expect(new Set(answers.map(({ last }) => last?.socket)).size).toBe(3);
    agent.destroy();
  });

  test.each(["a:99999", "a b", "ü", "%", "["])("[R81] is 400 with the host %s", async (host) => {
    const before = seen.length;
    const { status } = await call({ method: "POST", body: "x", headers: { host } });
    expect([status, seen.length]).toEqual([400, before]);
  });

  test("[R27] tells who calls, whatever the caller says, and nothing that only the simulator heeds", async () => {
    const headers = { "cf-connecting-ip": "203.0.113.9", "MF-CF-Blob": "{" };
    const { last } = await call({ headers });
    expect(last?.headers["cf-connecting-ip"]).toBe("127.0.0.1");
    expect(last?.headers).not.toHaveProperty("mf-cf-blob");
  });
});

describe("a socket", () => {
  async function dial(headers = ""): Promise<Socket> {
    const { hostname, port } = new URL(front.url);
    const socket = connect(Number(port), hostname);
    socket.write(
      `GET /ws/dev/ HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${headers}\r\nfirst`,
    );
    return socket;
  }

  test("[R26] bytes pass both ways, those behind the handshake too, until one side ends it", async () => {
    const socket = await dial();
    socket.setEncoding("latin1");
    let got = "";
    socket.on("data", (part) => {
      got += part;
      if (got.endsWith("first")) socket.end("last");
    });
    await once(socket, "end");
    expect(got).toMatch(/^HTTP\/1\.1 101 [\s\S]*\r\n\r\nfirstlast$/);
  });
});

describe("the address", () => {
  test("[R26] before there is a runtime, and while there is none, the answer is 503", async () => {
    const idle = await Front.open("127.0.0.1", 0);
    const gone = createServer().listen(0, "127.0.0.1");
    await once(gone, "listening");
    expect((await fetch(idle.url)).status).toBe(503);
    idle.passTo(urlOf(gone));
    gone.close();
    const answer = await fetch(idle.url, { method: "POST", body: "x" });
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
    idle.close();
  });

  test("[R8] one that is in use, or no address of this machine, is a refusal of one line", async () => {
    const port = Number(new URL(front.url).port);
    await expect(Front.open("127.0.0.1", port)).rejects.toThrow(
      `Port ${port} on 127.0.0.1 is in use. Choose another one with --port.`,
    );
    await expect(Front.open("192.0.2.1", 0)).rejects.toThrow(
      "Cannot listen on 192.0.2.1, port 0 (EADDRNOTAVAIL). Choose an address of this machine with --host.",
    );
  });
});
