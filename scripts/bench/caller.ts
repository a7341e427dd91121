/** REST calls of one account over a few connections that are kept open. */
import { Agent, request } from "node:http";

/** So many calls are in flight at once. */
const CONNECTIONS = 4;

export class Caller {
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

  constructor(url: string, token: string) {
    this.#url = url;
    this.#headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  }

  /** The body of the answer; throws unless it is a 2xx. */
  call(method: "GET" | "POST" | "PATCH", path: string, body?: object): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const text = body === undefined ? "" : JSON.stringify(body);
    const headers = { ...this.#headers, "Content-Length": Buffer.byteLength(text) };
    const sent = request(this.#url + path, { method, headers, agent: this.#agent }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        const { statusCode = 0 } = answer;
        const answered = Buffer.concat(chunks).toString();
        if (statusCode >= 200 && statusCode < 300) resolve(answered);
        else reject(new Error(`${method} ${path}: ${statusCode} ${answered}`));
      });
    });
    sent.on("error", reject);
    sent.end(text);
    return promise;
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Does the work of 0 to `count` - 1, as many at once as there are connections. */
export async function forEach(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const index = next;
      next += 1;
      await work(index);
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
}
