/** A server that only listens: it keeps every call, handshake and frame of an agent, and answers as the test tells it. */
import { type JsonObject, readObject } from "../../../scripts/virtual/json.ts";
import type {
  AgentSocket,
  HttpAnswer,
  HttpRequest,
  SocketEvents,
  Transport,
} from "../../../scripts/virtual/transport.ts";
import type { ManualClock } from "./manual-clock.ts";

/** One thing that the agent did, `at` milliseconds after the clock was made. */
export type Seen =
  | { readonly at: number; readonly kind: "http"; readonly request: HttpRequest; readonly body: string }
  | { readonly at: number; readonly kind: "handshake"; readonly headers: Readonly<Record<string, string>> }
  | { readonly at: number; readonly kind: "frame"; readonly frame: JsonObject };

/** The answer to a call; undefined: that of a server that works, null: none. */
export type Answers = (
  method: string,
  path: string,
) => { status: number; body?: unknown } | Promise<null> | null | undefined;

export class StubServer implements Transport {
  readonly seen: Seen[] = [];
  /** False: handshakes are refused. */
  accepts = true;
  answers: Answers = () => undefined;
  readonly #clock: ManualClock;
  #events: SocketEvents | null = null;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  get frames(): JsonObject[] {
    return this.seen.flatMap((seen) => (seen.kind === "frame" ? [seen.frame] : []));
  }

  /** The calls to a path, oldest first, with their bodies as text. */
  calls(path: string): Extract<Seen, { kind: "http" }>[] {
    return this.seen.filter((seen) => seen.kind === "http").filter((seen) => seen.request.url === path);
  }

  get handshakes(): number {
    return this.seen.filter((seen) => seen.kind === "handshake").length;
  }

  send(frame: object): void {
    this.#events?.onText(JSON.stringify(frame));
  }

  close(code: number): void {
    const events = this.#events;
    this.#events = null;
    events?.onClose(code);
  }

  async request(request: HttpRequest): Promise<HttpAnswer | null> {
    const body = new TextDecoder().decode(request.body ?? new Uint8Array());
    this.seen.push({ at: this.#clock.elapsed(), kind: "http", request, body });
    const told = this.answers(request.method, request.url);
    const answer = await (told === undefined ? working(request) : told);
    return answer === null ? null : { status: answer.status, body: encoded(answer.body) };
  }

  async dial(headers: Readonly<Record<string, string>>, events: SocketEvents): Promise<AgentSocket | null> {
    this.seen.push({ at: this.#clock.elapsed(), kind: "handshake", headers });
    if (!this.accepts) return null;
    this.#events = events;
    return {
      send: (text) => {
        if (this.#events !== events) throw new Error("closed");
        this.seen.push({ at: this.#clock.elapsed(), kind: "frame", frame: readObject(text) ?? {} });
      },
      close: () => this.close(1000),
    };
  }
}

function working(request: HttpRequest): { status: number; body?: unknown } {
  if (request.url === "/api/v1/octo/printer/") {
    return { status: 200, body: { printer: { id: 77, name: "Shed", is_pro: true } } };
  }
  if (request.url === "/api/v1/octo/g_code_files/") return { status: 201, body: { id: 4242 } };
  if (request.url.startsWith("/ent/")) return { status: 200, body: { ext: {} } };
  return { status: 200, body: {} };
}

function encoded(body: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(body ?? {}));
}
