/**
 * One printer: holds its agent's socket, puts its commands in order, pushes its state to D1. The platform's events and the
 * Worker's calls come in here, and every one of them goes through the seam.
 */
import { DurableObject } from "cloudflare:workers";
import type { ConfigurationPatch } from "../domain/configuration.ts";
import type { AgentEvent } from "../domain/events.ts";
import { DEAD_TOKEN } from "../domain/failure.ts";
import type { AlertOverwrite, PrintEdit } from "../domain/print.ts";
import type { Input } from "../domain/printer.ts";
import { err, ok, type Result } from "../domain/result.ts";
import type { PrinterView } from "../domain/view.ts";
import { log } from "../log.ts";
import { readAgentMessage } from "../protocol/agent.ts";
import { FRAME_TOO_LARGE, SOCKET_ERROR } from "../protocol/close.ts";
import { writeFault } from "../protocol/to-agent.ts";
import { CommandDesk, randomRef } from "./command-desk.ts";
import {
  type AgentCredential,
  type CommandAnswer,
  type CommandCall,
  CREDENTIAL_HEADERS,
  type FactAnswer,
  type Principal,
  type PrinterRpc,
  type Vouched,
} from "./rpc.ts";
import { Seam } from "./seam.ts";
import { closeBack, closeQuietly } from "./sockets.ts";

export class PrinterObject extends DurableObject<Env> implements PrinterRpc {
  readonly #seam: Seam;
  readonly #desk: CommandDesk;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#seam = new Seam(ctx, env.DB, () => this.#desk.settle());
    this.#desk = new CommandDesk(this.#seam);
    ctx.blockConcurrencyWhile(() => this.#seam.load());
  }

  /** Upgrades only, with the credential that the Worker checked; 401 when it does not count here. */
  override async fetch(request: Request): Promise<Response> {
    const read = (name: keyof typeof CREDENTIAL_HEADERS) => request.headers.get(CREDENTIAL_HEADERS[name]) ?? "";
    const ready = await this.#seam.ready(read("uid"));
    if (!ready.ok) return new Response(null, { status: ready.failure.code === "unavailable" ? 503 : 401 });
    const { 0: client, 1: server } = new WebSocketPair();
    const hello = { generation: Number(read("generation")), keyId: read("keyId"), origin: new URL(request.url).origin };
    const reply = this.#seam.apply({ type: "agent-opened", ...hello }, server);
    if (reply.type === "refused") return new Response(null, { status: 401 });
    return new Response(null, { status: 101, webSocket: client });
  }

  override webSocketMessage(webSocket: WebSocket, message: string | ArrayBuffer): void {
    const connection = this.#seam.sockets.connectionOf(webSocket);
    if (this.#seam.find()?.socket?.connection !== connection) return;
    const { frame, faults } = readAgentMessage(message);
    if (faults.some((fault) => fault.code === "too_large")) {
      closeQuietly(webSocket, FRAME_TOO_LARGE);
      this.#seam.apply({ type: "agent-closed", connection });
      return;
    }
    const extId = frame.report?.printExtId ?? null;
    const isEarlier = extId !== null && extId !== this.#seam.printer().state.current?.extId;
    const remembered = isEarlier ? this.#seam.store.findPrint(extId) : null;
    this.#seam.apply({ type: "frame", frame, remembered });
    for (const fault of faults) this.#seam.sockets.send(connection, writeFault(fault));
  }

  override webSocketClose(webSocket: WebSocket, code: number): void {
    closeBack(webSocket, code);
    this.#agentClosed(webSocket);
  }

  override webSocketError(webSocket: WebSocket): void {
    closeQuietly(webSocket, SOCKET_ERROR);
    this.#agentClosed(webSocket);
  }

  /** Never throws: the platform drops an alarm after six failures. */
  override async alarm(): Promise<void> {
    try {
      await this.#seam.wakeUp(randomRef("p:"));
    } catch (error) {
      log({ event: "alarm.failed", printer: this.ctx.id.name ?? "", error });
      this.#seam.rearm();
    }
  }

  view(uid: string, principal: Principal | null = null): Promise<Result<PrinterView>> {
    return this.#with(uid, () => {
      if (principal !== null) this.#seam.note(principal);
      return ok(this.#seam.view());
    });
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

  command(uid: string, call: CommandCall, principal: Principal | null = null): Promise<Result<CommandAnswer>> {
    return this.#with(uid, () => {
      if (principal !== null) this.#seam.note(principal);
      return this.#desk.take(call);
    });
  }

  async vouch(hash: string): Promise<Result<Vouched>> {
    return this.#seam.vouch(hash);
  }

  async forget(hash: string): Promise<Result<null>> {
    this.#seam.forget(hash);
    return ok(null);
  }

  listCommands(uid: string, page: { start: number; limit: number }) {
    return this.#with(uid, () => ok(this.#desk.list(page)));
  }

  findCommand(uid: string, commandId: string) {
    return this.#with(uid, () => ok(this.#desk.find(commandId)));
  }

  mute(uid: string, muted: boolean): Promise<Result<FactAnswer>> {
    return this.#fact(uid, () => ({ type: "mute", isMuted: muted }));
  }

  acknowledge(uid: string, overwrite: AlertOverwrite | null): Promise<Result<FactAnswer>> {
    return this.#fact(uid, () => ({ type: "acknowledge", overwrite }));
  }

  startPrint(uid: string, filename: string): Promise<Result<FactAnswer>> {
    const usedExtIds = () => this.#seam.store.listExtIdsFrom(Math.floor(Date.now() / 1000));
    return this.#fact(uid, () => ({ type: "start-print", filename, usedExtIds: usedExtIds() }));
  }

  finishPrint(uid: string, cancelled: boolean): Promise<Result<FactAnswer>> {
    return this.#fact(uid, () => ({ type: "finish-print", isCancelled: cancelled }));
  }

  editPrint(uid: string, printId: number, edit: PrintEdit): Promise<Result<FactAnswer>> {
    return this.#fact(uid, () => ({ type: "edit-print", printId, edit }));
  }

  removePrint(uid: string, printId: number): Promise<Result<FactAnswer>> {
    return this.#fact(uid, () => ({ type: "remove-print", printId }));
  }

  agentView(agent: AgentCredential): Promise<Result<PrinterView>> {
    return this.#called(agent, () => this.#seam.view());
  }

  agentConfigure(agent: AgentCredential, patch: ConfigurationPatch): Promise<Result<PrinterView>> {
    return this.#called(agent, () => {
      this.#seam.apply({ type: "configure", patch });
      return this.#seam.view();
    });
  }

  agentEvent(agent: AgentCredential, event: AgentEvent): Promise<Result<null>> {
    return this.#called(agent, () => {
      this.#seam.apply({ type: "agent-event", event });
      return null;
    });
  }

  /** Answers at once: an agent's event loop waits for it, and nobody reads its writes back. */
  async #called<T>(agent: AgentCredential, act: () => T): Promise<Result<T>> {
    const { uid, generation, keyId } = agent;
    const ready = await this.#seam.ready(uid);
    if (!ready.ok) return ready.failure.code === "not_found" ? err(DEAD_TOKEN) : ready;
    const reply = this.#seam.apply({ type: "agent-called", generation, keyId });
    return reply.type === "refused" ? err(reply.failure) : ok(act());
  }

  #agentClosed(webSocket: WebSocket): void {
    const connection = this.#seam.sockets.connectionOf(webSocket);
    if (this.#seam.find()?.socket?.connection === connection) this.#seam.apply({ type: "agent-closed", connection });
  }

  /** For a caller whose printer D1 shows. */
  async #with<T>(uid: string, read: () => Result<T> | Promise<Result<T>>): Promise<Result<T>> {
    const ready = await this.#seam.ready(uid);
    if (ready.ok) return read();
    this.#seam.retell(uid);
    return ready;
  }

  #change(uid: string, input: Input): Promise<Result<PrinterView>> {
    return this.#with(uid, async () => {
      const reply = this.#seam.apply(input);
      if (reply.type === "refused") return err(reply.failure);
      await this.#seam.flushed();
      return ok(this.#seam.view());
    });
  }

  #fact(uid: string, input: () => Input): Promise<Result<FactAnswer>> {
    return this.#with(uid, async () => {
      const reply = this.#seam.apply(input());
      if (reply.type === "refused") return err(reply.failure);
      await this.#seam.flushed();
      return ok({ succeeded: reply.type === "fact" && reply.succeeded, printer: this.#seam.view() });
    });
  }
}

function withoutView(result: Result<PrinterView>): Result<null> {
  return result.ok ? ok(null) : result;
}
