/**
 * One printer: holds its agent's socket, puts its commands in order, pushes its state to D1. It decides nothing: every input
 * goes through `#apply` to the pure `step`, and what comes back is saved in one transaction and then carried out.
 */
import { DurableObject } from "cloudflare:workers";
import { connect } from "../db/client.ts";
import { findPrinterRow } from "../db/projection.ts";
import type { Effect, Printer } from "../domain/change.ts";
import { type Command, recordOf } from "../domain/command.ts";
import type { ConfigurationPatch } from "../domain/configuration.ts";
import type { AgentEvent } from "../domain/events.ts";
import { type Failure, notFound } from "../domain/failure.ts";
import type { AlertOverwrite } from "../domain/print.ts";
import { type Input, nextAlarm, type Reply, step, viewOf } from "../domain/printer.ts";
import { err, ok, type Result } from "../domain/result.ts";
import type { PrinterView } from "../domain/view.ts";
import { log } from "../log.ts";
import { type FromAgent, readAgentFrame, writeCommand, writeFault, writeProbe, writeRemoteStatus } from "../protocol/agent.ts";
import { AGENT_CLOSES, FRAME_TOO_LARGE } from "../protocol/close.ts";
import { AGENT_FRAME_BYTES } from "../protocol/codec.ts";
import { AlarmClock } from "./alarm-clock.ts";
import { CommandDesk, randomRef } from "./command-desk.ts";
import { PrinterMemory } from "./memory.ts";
import { Outbox } from "./outbox.ts";
import { liveImage, projectionsOf, stateOfRow } from "./projections.ts";
import { type AgentCredential, type CommandAnswer, type CommandRequest, CREDENTIAL_HEADERS, type FactAnswer, type PrinterRpc } from "./rpc.ts";
import { closeBack, closeQuietly, Sockets } from "./sockets.ts";
import { Store } from "./store.ts";

/** A REST write waits so long for D1 to show it. */
const FLUSH_MS = 1_000;

export class PrinterObject extends DurableObject<Env> implements PrinterRpc {
  readonly #store: Store;
  readonly #sockets: Sockets;
  readonly #memory: PrinterMemory;
  readonly #outbox: Outbox;
  readonly #desk: CommandDesk;
  readonly #clock: AlarmClock;
  #waking: Promise<Result<null>> | null = null;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new Store(ctx.storage.sql);
    this.#sockets = new Sockets(ctx);
    this.#memory = new PrinterMemory(this.#store, this.#sockets);
    this.#outbox = new Outbox(ctx.storage.sql, env.DB);
    this.#desk = new CommandDesk(this.#store, { printer: () => this.#printer(), apply: (input) => this.#apply(input) });
    this.#clock = new AlarmClock(ctx.storage);
    ctx.blockConcurrencyWhile(() => this.#clock.load());
  }

  /** Upgrades only, with the credential that the Worker checked; 401 when it does not count here. */
  override async fetch(request: Request): Promise<Response> {
    const read = (name: keyof typeof CREDENTIAL_HEADERS) => request.headers.get(CREDENTIAL_HEADERS[name]) ?? "";
    const ready = await this.#ready(read("uid"));
    if (!ready.ok) return new Response(null, { status: ready.failure.code === "unavailable" ? 503 : 401 });
    const { 0: client, 1: server } = new WebSocketPair();
    const hello = { type: "agent-opened", generation: Number(read("generation")), keyId: read("keyId") } as const;
    const reply = this.#apply(hello, server);
    if (reply.type === "refused") return new Response(null, { status: 401 });
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(webSocket: WebSocket, message: string | ArrayBuffer): void {
    const connection = this.#sockets.connectionOf(webSocket);
    if (this.#memory.load()?.socket?.connection !== connection) return;
    if (typeof message !== "string") return this.#takeBinary(webSocket, message, connection);
    const read = readAgentFrame(message);
    if (read.ok) return this.#takeFrame(read.value, connection);
    if (read.failure.code === "too_large") return this.#closeTooLarge(webSocket, connection);
    this.#apply({ type: "frame", frame: { report: null, answer: null }, known: null });
    this.#sockets.send(connection, writeFault(read.failure));
  }

  override webSocketClose(webSocket: WebSocket, code: number): void {
    closeBack(webSocket, code);
    this.#agentClosed(webSocket);
  }

  override webSocketError(webSocket: WebSocket): void {
    closeQuietly(webSocket, 1011, "error");
    this.#agentClosed(webSocket);
  }

  /** Never throws: the platform drops an alarm after six failures. */
  override async alarm(): Promise<void> {
    this.#clock.fired();
    try {
      if (this.#memory.load() === null) return;
      await this.#reconcile();
      this.#apply({ type: "alarm", ref: randomRef("p:") });
      await this.#drain(true);
    } catch (error) {
      log({ event: "alarm.failed", printer: this.ctx.id.name ?? "", error });
    }
    this.#arm(Date.now());
  }

  view(uid: string): Promise<Result<PrinterView>> {
    return this.#with(uid, () => ok(this.#view()));
  }

  configure(uid: string, patch: ConfigurationPatch): Promise<Result<PrinterView>> {
    return this.#change(uid, { type: "configure", patch });
  }

  async archive(uid: string): Promise<Result<null>> {
    return withoutView(await this.#change(uid, { type: "archive" }));
  }

  unarchive(uid: string): Promise<Result<PrinterView>> {
    return this.#change(uid, { type: "unarchive" });
  }

  async remove(uid: string): Promise<Result<null>> {
    return withoutView(await this.#change(uid, { type: "remove" }));
  }

  rotateToken(uid: string): Promise<Result<PrinterView>> {
    return this.#change(uid, { type: "rotate-token" });
  }

  relink(uid: string): Promise<Result<PrinterView>> {
    return this.#change(uid, { type: "relink" });
  }

  command(uid: string, request: CommandRequest): Promise<Result<CommandAnswer>> {
    return this.#with(uid, () => this.#desk.take(request));
  }

  listCommands(uid: string, page: { start: number; limit: number }) {
    return this.#with(uid, () => ok(this.#desk.list(page)));
  }

  findCommand(uid: string, commandId: string) {
    return this.#with(uid, () => this.#desk.find(commandId));
  }

  mute(uid: string, muted: boolean): Promise<Result<FactAnswer>> {
    return this.#fact(uid, () => ({ type: "mute", isMuted: muted }));
  }

  acknowledge(uid: string, overwrite: AlertOverwrite | null): Promise<Result<FactAnswer>> {
    return this.#fact(uid, () => ({ type: "acknowledge", overwrite }));
  }

  startPrint(uid: string, filename: string): Promise<Result<FactAnswer>> {
    const takenExtIds = () => this.#store.listExtIdsFrom(Math.floor(Date.now() / 1000));
    return this.#fact(uid, () => ({ type: "start-print", filename, takenExtIds: takenExtIds() }));
  }

  finishPrint(uid: string, cancelled: boolean): Promise<Result<FactAnswer>> {
    return this.#fact(uid, () => ({ type: "finish-print", isCancelled: cancelled }));
  }

  removePrint(uid: string, printId: number): Promise<Result<FactAnswer>> {
    return this.#fact(uid, () => ({ type: "remove-print", printId }));
  }

  async agentView(agent: AgentCredential): Promise<Result<PrinterView>> {
    return asAgent(await this.#change(agent.uid, { type: "agent-called", ...agent }));
  }

  async agentEvent(agent: AgentCredential, event: AgentEvent): Promise<Result<null>> {
    const called = asAgent(await this.#change(agent.uid, { type: "agent-called", ...agent }));
    return called.ok ? withoutView(await this.#change(agent.uid, { type: "agent-event", event })) : called;
  }

  /** The one seam: load, step, save in one transaction, then carry out. `accepted`: the socket of an upgrade. */
  #apply(input: Input, accepted?: WebSocket): Reply {
    const now = Date.now();
    const before = this.#printer();
    const stepped = step(before, input, now);
    const after = this.#save(before, stepped.printer, stepped.effects, now);
    if (accepted !== undefined && stepped.reply.type === "done" && after.socket !== null) {
      this.#sockets.accept(accepted, after.socket.connection);
    }
    this.#memory.attach(before, after);
    for (const effect of stepped.effects) this.#deliver(effect, after, now);
    this.#desk.settle();
    this.ctx.waitUntil(this.#drain(false));
    return stepped.reply;
  }

  #save(before: Printer, stepped: Printer, effects: readonly Effect[], now: number): Printer {
    const projections = projectionsOf(effects, stepped, now);
    const revision = before.state.revision + (projections.length === 0 ? 0 : 1);
    const isMoved = revision !== before.state.revision;
    const after = isMoved ? { ...stepped, state: { ...stepped.state, revision } } : stepped;
    try {
      this.ctx.storage.transactionSync(() => {
        this.#memory.save(before, after, now);
        for (const projection of projections) this.#outbox.put(projection, revision);
        for (const effect of effects) this.#remember(effect);
        this.#arm(now);
      });
    } catch (error) {
      this.#memory.forget();
      throw error;
    }
    return after;
  }

  #remember(effect: Effect): void {
    if (effect.type === "remember-print") this.#store.rememberPrint(effect.print);
    if (effect.type === "project-command") this.#store.rememberCommand(recordOf(effect.command));
  }

  #deliver(effect: Effect, printer: Printer, now: number): void {
    const connection = printer.socket?.connection ?? 0;
    switch (effect.type) {
      case "send-command":
        return this.#sendCommand(effect.command, connection, printer);
      case "send-probe":
        this.#sockets.send(connection, writeProbe(effect.ref));
        return;
      case "send-remote-status":
        this.#sockets.send(connection, writeRemoteStatus(effect.viewing, effect.shouldWatch));
        return;
      case "close-agent":
        return this.#sockets.closeUpTo(effect.connection, AGENT_CLOSES[effect.cause]);
      case "refresh-live":
        this.ctx.waitUntil(this.#outbox.refreshLive(printer.state, liveImage(printer, now)));
    }
  }

  #sendCommand(command: Command, connection: number, printer: Printer): void {
    const isSent = this.#sockets.send(connection, writeCommand(command, printer.state.configuration));
    if (!isSent) this.#apply({ type: "send-failed", commandId: command.id });
  }

  #takeFrame(read: FromAgent, connection: number): void {
    const { frame, faults } = read;
    const ts = frame.report?.printTs ?? null;
    const known = ts === null || ts === this.#printer().state.current?.extId ? null : this.#store.findPrint(ts);
    this.#apply({ type: "frame", frame, known });
    for (const fault of faults) this.#sockets.send(connection, writeFault(fault));
  }

  /** A binary frame is a tunnel's: counted, and ignored. */
  #takeBinary(webSocket: WebSocket, message: ArrayBuffer, connection: number): void {
    if (message.byteLength > AGENT_FRAME_BYTES) this.#closeTooLarge(webSocket, connection);
    else this.#apply({ type: "frame", frame: { report: null, answer: null }, known: null });
  }

  #closeTooLarge(webSocket: WebSocket, connection: number): void {
    closeQuietly(webSocket, FRAME_TOO_LARGE.code, FRAME_TOO_LARGE.reason);
    this.#apply({ type: "agent-closed", connection });
  }

  #agentClosed(webSocket: WebSocket): void {
    const connection = this.#sockets.connectionOf(webSocket);
    if (this.#memory.load()?.socket?.connection === connection) this.#apply({ type: "agent-closed", connection });
  }

  /** Only called once the printer is here: `#ready` or a socket's event came first. */
  #printer(): Printer {
    const printer = this.#memory.load();
    if (printer === null) throw new Error("the printer was never loaded");
    return printer;
  }

  #view(): PrinterView {
    return viewOf(this.#printer(), Date.now());
  }

  async #with<T>(uid: string, read: () => Result<T> | Promise<Result<T>>): Promise<Result<T>> {
    const ready = await this.#ready(uid);
    return ready.ok ? read() : ready;
  }

  #change(uid: string, input: Input): Promise<Result<PrinterView>> {
    return this.#with(uid, async () => {
      const reply = this.#apply(input);
      if (reply.type === "refused") return err(reply.failure);
      await this.#flushed();
      return ok(this.#view());
    });
  }

  #fact(uid: string, input: () => Input): Promise<Result<FactAnswer>> {
    return this.#with(uid, async () => {
      const reply = this.#apply(input());
      if (reply.type === "refused") return err(reply.failure);
      await this.#flushed();
      return ok({ succeeded: reply.type === "fact" && reply.succeeded, printer: this.#view() });
    });
  }

  /** Waits until D1 shows what was changed, 1 s at most. */
  async #flushed(): Promise<void> {
    const flushed = this.#outbox.flushed(this.#printer().state.revision);
    let timer: ReturnType<typeof setTimeout> | null = null;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, FLUSH_MS);
    });
    await Promise.race([flushed, late]).finally(() => clearTimeout(timer));
  }

  async #drain(byAlarm: boolean): Promise<void> {
    await this.#outbox.drain(this.#printer().state, Date.now(), byAlarm);
    this.#arm(Date.now());
  }

  #arm(now: number): void {
    this.#clock.arm([nextAlarm(this.#printer(), now), this.#outbox.nextTry(now)], now);
  }

  /** The printer with that uid is loaded, and its state agrees with its sockets. */
  async #ready(uid: string): Promise<Result<null>> {
    if (this.#memory.load()?.state.uid !== uid) {
      this.#waking ??= this.#wake(uid).finally(() => {
        this.#waking = null;
      });
      const woken = await this.#waking;
      if (!woken.ok) return woken;
    }
    await this.#reconcile();
    const printer = this.#printer();
    return printer.state.uid !== uid || printer.state.deletedAt !== null ? err(notFound("Printer")) : ok(null);
  }

  /** Loads the printer's row once, from the primary; an object that held another printer starts over. */
  async #wake(uid: string): Promise<Result<null>> {
    try {
      const row = await findPrinterRow(connect(this.env.DB), Number(this.ctx.id.name));
      if (row === undefined || row.printers.uid !== uid) return err(notFound("Printer"));
      this.ctx.storage.transactionSync(() => {
        this.#outbox.clear();
        this.#memory.adopt(stateOfRow(row));
      });
      return ok(null);
    } catch (error) {
      log({ event: "wake.failed", printer: this.ctx.id.name ?? "", error });
      return err(UNAVAILABLE);
    }
  }

  /** A socket that died with the object got no close event: the first input after it notices (design 4). */
  async #reconcile(): Promise<void> {
    const { state, socket } = this.#printer();
    if (state.connectedAt === null || state.disconnectedAt !== null) return;
    if (this.#sockets.isOpen(state.connectionSequence)) return;
    if (socket !== null) {
      this.#apply({ type: "agent-closed", connection: socket.connection });
      return;
    }
    this.#apply({ type: "agent-lost" });
    const copy = await this.#outbox.findLive(state.id);
    if (copy?.status != null && copy.statusAt !== null && this.#printer().shown === null) {
      this.#apply({ type: "status-found", status: copy.status, at: copy.statusAt });
    }
  }
}

const UNAVAILABLE = { code: "unavailable", retryAfterSeconds: 5 } as const satisfies Failure;
const DEAD_TOKEN = { code: "unauthenticated", reason: "invalid", realm: "agent" } as const satisfies Failure;

/** To an agent a printer that is gone is a token that does not count. */
function asAgent(result: Result<PrinterView>): Result<PrinterView> {
  return !result.ok && result.failure.code === "not_found" ? err(DEAD_TOKEN) : result;
}

function withoutView(result: Result<PrinterView>): Result<null> {
  return result.ok ? ok(null) : result;
}
