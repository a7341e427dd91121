/** A printer of its own for a test: its rows in D1, its object, and a scripted agent on a real socket. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { connect } from "../../src/db/client.ts";
import { users } from "../../src/db/schema/accounts.ts";
import { printers } from "../../src/db/schema/printers.ts";
import { DEFAULT_CONFIGURATION } from "../../src/domain/configuration.ts";
import type { PrinterObject } from "../../src/printer/object.ts";
import { CREDENTIAL_HEADERS } from "../../src/printer/rpc.ts";

export interface TestPrinter {
  readonly id: number;
  readonly uid: string;
  readonly userId: number;
  readonly stub: DurableObjectStub<PrinterObject>;
}

export const db = connect(env.DB);

export async function makePrinter(patch: Partial<typeof printers.$inferInsert> = {}): Promise<TestPrinter> {
  const createdAt = Date.now();
  const [user] = await db.insert(users).values({ unsubToken: crypto.randomUUID(), createdAt }).returning();
  if (user === undefined) throw new Error("no user");
  const uid = crypto.randomUUID().slice(0, 13);
  const row = { ...DEFAULT_CONFIGURATION, name: "Bench", uid, userId: user.id, createdAt, ...patch };
  const [printer] = await db.insert(printers).values(row).returning();
  if (printer === undefined) throw new Error("no printer");
  return { id: printer.id, uid, userId: user.id, stub: env.PRINTERS.getByName(String(printer.id)) };
}

/** Frames that the object sent, in order, but for the probes of a socket's beginning ([P40]); `next` waits for one that `matches`. */
export class ScriptedAgent {
  readonly #socket: WebSocket;
  #opening: string | null = null;
  readonly #frames: Record<string, unknown>[] = [];
  readonly #waiting = new Set<() => void>();
  closed: { code: number; reason: string } | null = null;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", (event) => {
      this.#take(JSON.parse(String(event.data)));
      this.#wake();
    });
    socket.addEventListener("close", (event) => {
      this.closed = { code: event.code, reason: event.reason };
      this.#wake();
    });
    socket.accept();
  }

  send(frame: unknown): void {
    this.#socket.send(typeof frame === "string" || frame instanceof ArrayBuffer ? frame : JSON.stringify(frame));
  }

  close(code = 1000): void {
    this.#socket.close(code);
  }

  /** Answers the probe with which the socket began: what was queued before it is through. */
  async answerOpening(): Promise<void> {
    await this.settled();
    this.send({ passthru: { ref: this.#opening, error: "Request not supported" } });
  }

  #take(frame: Record<string, unknown> & { readonly passthru?: { readonly ref: string } }): void {
    const { ref } = frame.passthru ?? { ref: "" };
    if (this.#opening === null && ref.startsWith("p:")) this.#opening = ref;
    if (this.#opening === null || !ref.startsWith(this.#opening)) this.#frames.push(frame);
  }

  /** The first frame not taken yet that has `key`. */
  async next(key: string): Promise<Record<string, unknown>> {
    for (;;) {
      const frame = this.take(key);
      if (frame !== null) return frame;
      await this.#changed();
    }
  }

  /** Like `next`; null if none came before `end`. */
  async nextBefore(key: string, end: Promise<unknown>): Promise<Record<string, unknown> | null> {
    let hasEnded = false;
    const ended = end.then(() => {
      hasEnded = true;
    });
    for (;;) {
      const frame = this.take(key);
      if (frame !== null || hasEnded) return frame;
      await Promise.race([this.#changed(), ended]);
      if (hasEnded) await this.settled();
    }
  }

  /** The first frame not taken yet that has `key`; null if none is there. */
  take(key: string): Record<string, unknown> | null {
    const index = this.#frames.findIndex((frame) => key in frame);
    const [frame = null] = index < 0 ? [] : this.#frames.splice(index, 1);
    return frame;
  }

  async untilClosed(): Promise<{ code: number; reason: string }> {
    while (this.closed === null) await this.#changed();
    return this.closed;
  }

  /** Frames with `key` that nobody took. */
  pending(key: string): number {
    return this.#frames.filter((frame) => key in frame).length;
  }

  /** Resolves once everything sent so far was handled: an unreadable frame is answered in its turn. */
  async settled(): Promise<void> {
    this.send("settled?");
    await this.next("error");
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }
}

export async function dial(printer: TestPrinter, generation = 1): Promise<Response> {
  const headers = {
    Upgrade: "websocket",
    [CREDENTIAL_HEADERS.uid]: printer.uid,
    [CREDENTIAL_HEADERS.generation]: String(generation),
    [CREDENTIAL_HEADERS.keyId]: "t1",
  };
  return printer.stub.fetch("https://platen/ws/dev/", { headers });
}

export async function connectAgent(printer: TestPrinter, generation = 1): Promise<ScriptedAgent> {
  const { webSocket, status } = await dial(printer, generation);
  if (webSocket === null) throw new Error(`the upgrade was refused: ${status}`);
  return new ScriptedAgent(webSocket);
}

/** D1 shows everything that the printer's object has to tell: its alarm does not gather. */
export async function projected(printerId: number): Promise<void> {
  const stub = env.PRINTERS.getByName(String(printerId));
  const isWaiting = () =>
    runInDurableObject(stub, (_instance, state) => state.storage.sql.exec("SELECT 1 FROM outbox").toArray().length > 0);
  while (await isWaiting()) await runDurableObjectAlarm(stub);
}
