/**
 * One printer: holds its agent's socket, puts its commands in order, pushes its state to D1. The platform's events and the
 * Worker's calls come in here; each change is a step.
 */
import { DurableObject } from "cloudflare:workers";
import type { ConfigurationPatch } from "../domain/configuration.ts";
import type { EventContent } from "../domain/events.ts";
import { DEAD_TOKEN } from "../domain/failure.ts";
import type { AlertOverwrite, PrintEdit } from "../domain/print.ts";
import type { Input } from "../domain/printer.ts";
import { err, ok, type Result } from "../domain/result.ts";
import type { PrinterView } from "../domain/view.ts";
import { log } from "../log.ts";
import { SOCKET_ERROR } from "../protocol/close.ts";
import { AgentLine } from "./agent-line.ts";
import { CommandDesk, randomRef } from "./command-desk.ts";
import { Principals } from "./principals.ts";
import { Residency } from "./residency.ts";
import type { AgentCredential, CommandAnswer, CommandCall, FactAnswer, Principal, PrinterRpc, Vouched } from "./rpc.ts";
import { closeBack, closeQuietly, type SocketHandler, type SocketKind } from "./sockets.ts";
import { Stepper } from "./stepper.ts";

export class PrinterObject extends DurableObject<Env> implements PrinterRpc {
  readonly #stepper: Stepper;
  readonly #residency: Residency;
  readonly #principals: Principals;
  readonly #desk: CommandDesk;
  readonly #agent: AgentLine;
  /** Who takes the events of each kind's sockets. */
  readonly #handlers: Readonly<Record<SocketKind, SocketHandler>>;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#stepper = new Stepper(ctx, env.DB, () => this.#desk.settle());
    this.#residency = new Residency(ctx, env.DB, this.#stepper);
    this.#principals = new Principals(ctx.storage.sql, () => this.#stepper.find()?.state ?? null);
    this.#desk = new CommandDesk(this.#stepper);
    this.#agent = new AgentLine(this.#stepper, this.#residency);
    this.#handlers = { agent: this.#agent };
    ctx.blockConcurrencyWhile(() => this.#residency.load());
  }

  /** An agent's upgrade, with the credential that the Worker checked. */
  override fetch(request: Request): Promise<Response> {
    return this.#agent.upgrade(request);
  }

  override webSocketMessage(webSocket: WebSocket, message: string | ArrayBuffer): void {
    const { kind, number } = this.#stepper.sockets.nameOf(webSocket);
    this.#handlers[kind].message(webSocket, number, message);
  }

  override webSocketClose(webSocket: WebSocket, code: number): void {
    closeBack(webSocket, code);
    this.#closed(webSocket);
  }

  override webSocketError(webSocket: WebSocket): void {
    closeQuietly(webSocket, SOCKET_ERROR);
    this.#closed(webSocket);
  }

  /** Never throws: the platform drops an alarm after six failures. */
  override async alarm(): Promise<void> {
    try {
      await this.#residency.wakeUp(randomRef("p:"));
    } catch (error) {
      log({ event: "alarm.failed", printer: this.ctx.id.name ?? "", error });
      this.#stepper.rearm();
    }
  }

  view(uid: string, principal: Principal | null = null): Promise<Result<PrinterView>> {
    return this.#with(uid, () => {
      if (principal !== null) this.#principals.note(principal, Date.now());
      return ok(this.#stepper.view());
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

  relink(uid: string, codeId?: number): Promise<Result<PrinterView>> {
    return this.#with(uid, async () => {
      const { store } = this.#stepper;
      if (codeId === undefined || store.loadDocument("code") !== String(codeId)) {
        const reply = this.#stepper.apply({ type: "relink" });
        if (reply.type === "refused") return err(reply.failure);
        // Nothing is awaited in between, so the platform stores both or neither.
        if (codeId !== undefined) store.saveDocument("code", String(codeId));
        await this.#stepper.flush();
      }
      return ok(this.#stepper.view());
    });
  }

  command(uid: string, call: CommandCall, principal: Principal | null = null): Promise<Result<CommandAnswer>> {
    return this.#with(uid, () => {
      if (principal !== null) this.#principals.note(principal, Date.now());
      return this.#desk.take(call);
    });
  }

  async vouch(hash: string): Promise<Result<Vouched>> {
    return this.#principals.vouch(hash, Date.now());
  }

  async forget(hash: string): Promise<Result<null>> {
    this.#principals.forget(hash, Date.now());
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
    const usedExtIds = () => this.#stepper.store.listExtIdsFrom(Math.floor(Date.now() / 1000));
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
    return this.#called(agent, () => this.#stepper.view());
  }

  agentConfigure(agent: AgentCredential, patch: ConfigurationPatch): Promise<Result<PrinterView>> {
    return this.#called(agent, () => {
      this.#stepper.apply({ type: "configure", patch });
      return this.#stepper.view();
    });
  }

  agentEvent(agent: AgentCredential, event: EventContent): Promise<Result<null>> {
    return this.#called(agent, () => {
      this.#stepper.apply({ type: "agent-event", event });
      return null;
    });
  }

  /** Does not wait for D1: an agent blocks on its call, and does not read its writes back. */
  async #called<T>(agent: AgentCredential, act: () => T): Promise<Result<T>> {
    const { uid, generation, keyId } = agent;
    const ready = await this.#residency.ready(uid);
    if (!ready.ok) return ready.failure.code === "not_found" ? err(DEAD_TOKEN) : ready;
    const reply = this.#stepper.apply({ type: "agent-called", generation, keyId });
    return reply.type === "refused" ? err(reply.failure) : ok(act());
  }

  #closed(webSocket: WebSocket): void {
    const { kind, number } = this.#stepper.sockets.nameOf(webSocket);
    this.#handlers[kind].closed(number);
  }

  /** For a caller that found its printer in D1. */
  async #with<T>(uid: string, read: () => Result<T> | Promise<Result<T>>): Promise<Result<T>> {
    const ready = await this.#residency.ready(uid);
    if (ready.ok) return read();
    this.#residency.repeatDeletion(uid);
    return ready;
  }

  #change(uid: string, input: Input): Promise<Result<PrinterView>> {
    return this.#with(uid, async () => {
      const reply = this.#stepper.apply(input);
      if (reply.type === "refused") return err(reply.failure);
      await this.#stepper.flush();
      return ok(this.#stepper.view());
    });
  }

  #fact(uid: string, input: () => Input): Promise<Result<FactAnswer>> {
    return this.#with(uid, async () => {
      const reply = this.#stepper.apply(input());
      if (reply.type === "refused") return err(reply.failure);
      await this.#stepper.flush();
      return ok({ succeeded: reply.type === "fact" && reply.succeeded, printer: this.#stepper.view() });
    });
  }
}

function withoutView(result: Result<PrinterView>): Result<null> {
  return result.ok ? ok(null) : result;
}
