/**
 * A virtual agent against the real Worker, in simulated time: its network can be cut, its server restarted. Time goes on
 * only once everything that it sent was handled.
 */
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { vi } from "vitest";
import { type Dialect, makeAgent, type VirtualAgent } from "../../scripts/virtual/agent.ts";
import { act, idleMachine, type Machine } from "../../scripts/virtual/machine.ts";
import type { AgentSocket, HttpAnswer, HttpRequest, SocketEvents, Transport } from "../../scripts/virtual/transport.ts";
import { type Account, call, makeAccount, makePrinterOf, ORIGIN } from "./api.ts";
import { ManualClock } from "./virtual/manual-clock.ts";

/** A year ahead, so that no alarm goes off by itself. */
const AHEAD_MS = 365 * 24 * 60 * 60 * 1000;
const LOOK_SECONDS = 300;

export class ServedAgent implements Transport {
  readonly #start = Math.ceil((Date.now() + AHEAD_MS) / 1000) * 1000;
  /** The agent's own; `setBy` puts it apart from the server's. */
  readonly clock = new ManualClock(this.#start);
  readonly account: Account;
  readonly printerId: number;
  readonly #token: string;
  readonly #dialect: Dialect;
  readonly #inFlight = new Set<Promise<unknown>>();
  #agent: VirtualAgent;
  #socket: WebSocket | null = null;
  #isCut = false;
  #isDirty = false;
  #flushed: (() => void) | null = null;
  #break: (() => void) | null = null;
  /** How often the network delivers a frame. */
  copies: () => number = () => 1;

  private constructor(dialect: Dialect, account: Account, printer: { id: number; auth_token: string }, seed: number) {
    this.#dialect = dialect;
    this.account = account;
    this.printerId = printer.id;
    this.#token = printer.auth_token;
    this.#agent = this.#make(seed, idleMachine(seed));
  }

  /** Started and linked. Date is faked from here on. */
  static async start(dialect: Dialect, seed = 7): Promise<ServedAgent> {
    const account = await makeAccount();
    const served = new ServedAgent(dialect, account, await makePrinterOf(account), seed);
    await served.#begin();
    return served;
  }

  get isOctoprint(): boolean {
    return this.#dialect === "octoprint";
  }

  /** The server's time. */
  now(): number {
    return this.#start + this.clock.elapsed();
  }

  get agent(): VirtualAgent {
    return this.#agent;
  }

  get machine() {
    return this.#agent.printer.machine;
  }

  async #begin(): Promise<void> {
    vi.setSystemTime(this.now());
    await this.#agent.start();
    await this.run(5);
  }

  #make(seed: number, machine: Machine): VirtualAgent {
    return makeAgent(this.#dialect, { token: this.#token, transport: this, clock: this.clock, seed, machine });
  }

  /** That many seconds go by; the object's alarm goes off every five minutes, as for a look [P17]. */
  async run(seconds: number): Promise<void> {
    await this.#settle();
    for (let second = 1; second <= seconds; second++) {
      await this.clock.advanceThrough(1000);
      vi.setSystemTime(this.now());
      await this.#settle();
      if (Math.floor(this.clock.elapsed() / 1000) % LOOK_SECONDS === 0) await runDurableObjectAlarm(this.#stub);
    }
  }

  async runUntil(isReached: () => boolean, limitSeconds = 3600): Promise<void> {
    for (let second = 0; !isReached(); second++) {
      if (second >= limitSeconds) throw new Error("it never came to that");
      await this.run(1);
    }
  }

  get #stub() {
    return env.PRINTERS.getByName(String(this.printerId));
  }

  rest(method: string, path: string, body?: object) {
    vi.setSystemTime(this.now());
    const options = { token: this.account.token, ...(body === undefined ? {} : { body }) };
    return call(method, `/api/v1/printers/${this.printerId}/${path}`, options);
  }

  /** The network between agent and server goes away, or comes back. */
  async cut(isCut: boolean): Promise<void> {
    this.#isCut = isCut;
    if (isCut) await this.#drop();
  }

  async #drop(): Promise<void> {
    const socket = this.#socket;
    if (socket === null) return;
    const closed = new Promise<void>((resolve) => socket.addEventListener("close", () => resolve()));
    socket.close(1000);
    await closed;
    await this.#stub.view("");
  }

  /** Object and sockets are gone at once, as when another version is deployed. */
  async restartServer(): Promise<void> {
    const socket = this.#socket;
    const closed = new Promise<void>((resolve) => socket?.addEventListener("close", () => resolve()));
    await this.#stub.view("");
    await evictDurableObject(this.#stub, { webSockets: "close" });
    if (socket !== null) await closed;
  }

  /** The object's fields are gone, its sockets stay. */
  async evict(): Promise<void> {
    await this.#stub.view("");
    await evictDurableObject(this.#stub);
  }

  /** The program ends and begins anew; OctoPrint's takes the print with it. */
  restartAgent(): Promise<void> {
    return this.#restart(5, this.#dialect === "octoprint" ? idleMachine(8) : this.machine);
  }

  /** Host and printer lose their power, and come back later without the print. */
  cutPower(seconds: number): Promise<void> {
    return this.#restart(seconds, act(this.machine, { kind: "power_cut" }));
  }

  async #restart(downSeconds: number, left: Machine): Promise<void> {
    this.#agent.stop();
    await this.#drop();
    await this.clock.advance(downSeconds * 1000);
    this.#agent = this.#make(8, left);
    await this.#begin();
  }

  /** The agent's end of the socket is gone, and the server does not know it. */
  breakSocket(): void {
    this.#socket = null;
    this.#break?.();
  }

  stop(): void {
    this.#agent.stop();
  }

  request(request: HttpRequest): Promise<HttpAnswer | null> {
    return this.#tracked(this.#isCut ? Promise.resolve(null) : this.#fetch(request));
  }

  async #fetch({ method, url, headers, body }: HttpRequest): Promise<HttpAnswer> {
    vi.setSystemTime(this.now());
    const bytes = body === null ? null : new Uint8Array(body);
    const response = await exports.default.fetch(new URL(url, ORIGIN), { method, headers, body: bytes });
    return { status: response.status, body: new Uint8Array(await response.arrayBuffer()) };
  }

  dial(headers: Readonly<Record<string, string>>, events: SocketEvents): Promise<AgentSocket | null> {
    return this.#tracked(this.#isCut ? Promise.resolve(null) : this.#upgrade(headers, events));
  }

  async #upgrade(headers: Readonly<Record<string, string>>, events: SocketEvents): Promise<AgentSocket | null> {
    vi.setSystemTime(this.now());
    const response = await exports.default.fetch(`${ORIGIN}/ws/dev/`, {
      headers: { Upgrade: "websocket", ...headers },
    });
    const socket = response.webSocket;
    if (socket === null) return null;
    socket.addEventListener("message", ({ data }) => this.#onText(String(data), events));
    socket.addEventListener("close", ({ code }) => {
      if (this.#socket === socket) this.#socket = null;
      this.#flushed?.();
      events.onClose(code);
    });
    socket.accept();
    this.#socket = socket;
    this.#break = () => events.onClose(1006);
    return { send: (text) => this.#send(socket, text), close: () => socket.close(1000) };
  }

  #send(socket: WebSocket, text: string): void {
    if (socket.readyState !== WebSocket.OPEN) throw new Error("the socket is closed");
    vi.setSystemTime(this.now());
    this.#isDirty = true;
    for (let copy = this.copies(); copy > 0; copy--) socket.send(text);
  }

  #onText(text: string, events: SocketEvents): void {
    if (text.startsWith('{"error"')) this.#flushed?.();
    else events.onText(text);
  }

  #tracked<T>(work: Promise<T>): Promise<T> {
    this.#inFlight.add(work);
    return work.finally(() => {
      this.#inFlight.delete(work);
      this.#isDirty = true;
    });
  }

  /** Calls are answered, frames are handled, and what followed from them too. */
  async #settle(): Promise<void> {
    while (this.#isDirty || this.#inFlight.size > 0) {
      this.#isDirty = false;
      await Promise.all(this.#inFlight);
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      await this.#flush();
    }
  }

  /** The answer to an unreadable frame comes after everything that was sent before it was handled. */
  async #flush(): Promise<void> {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#flushed = resolve;
    socket.send("settled?");
    await promise;
  }
}
