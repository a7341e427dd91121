/** The agent's end of the object: its upgrades, frames and closes become inputs of a step. */
import { earlierPrintOf } from "../domain/frame.ts";
import { BLANK_FRAME } from "../domain/report.ts";
import { type FromAgent, readAgentMessage } from "../protocol/agent.ts";
import { FRAME_TOO_LARGE } from "../protocol/close.ts";
import { AGENT_FRAME_BYTES } from "../protocol/codec.ts";
import { writeFault } from "../protocol/to-agent.ts";
import { randomRef } from "./command-desk.ts";
import type { Residency } from "./residency.ts";
import { CREDENTIAL_HEADERS } from "./rpc.ts";
import { closeQuietly, type SocketHandler } from "./sockets.ts";
import type { Stepper } from "./stepper.ts";

export class AgentLine implements SocketHandler {
  readonly #stepper: Stepper;
  readonly #residency: Residency;

  constructor(stepper: Stepper, residency: Residency) {
    this.#stepper = stepper;
    this.#residency = residency;
  }

  /** Answers with the socket; 401 for a credential that does not count here, 503 while D1 cannot be asked for the printer. */
  async upgrade(request: Request): Promise<Response> {
    const read = (name: keyof typeof CREDENTIAL_HEADERS) => request.headers.get(CREDENTIAL_HEADERS[name]) ?? "";
    const ready = await this.#residency.ready(read("uid"));
    if (!ready.ok) return new Response(null, { status: ready.failure.code === "unavailable" ? 503 : 401 });
    const { 0: client, 1: server } = new WebSocketPair();
    const hello = { generation: Number(read("generation")), keyId: read("keyId") };
    const dial = { ...hello, origin: request.url.replace(/\/ws\/dev\/?$/, ""), ref: randomRef("p:") };
    const reply = this.#stepper.apply({ type: "agent-opened", ...dial }, server);
    if (reply.type === "refused") return new Response(null, { status: 401 });
    return new Response(null, { status: 101, webSocket: client });
  }

  message(webSocket: WebSocket, number: number, message: string | ArrayBuffer): void {
    if (!this.#isCurrent(number)) return;
    if (typeof message === "string") this.#takeText(webSocket, number, readAgentMessage(message));
    else this.#takeBytes(webSocket, number, message);
  }

  closed(number: number): void {
    if (this.#isCurrent(number)) this.#stepper.apply({ type: "agent-closed", connection: number });
  }

  /** The newest socket counts; what comes from an older one changes nothing. */
  #isCurrent(number: number): boolean {
    return this.#stepper.find()?.socket?.connection === number;
  }

  #takeText(webSocket: WebSocket, number: number, { frame, faults }: FromAgent): void {
    if (faults.some((fault) => fault.code === "too_large")) {
      this.#cutOff(webSocket, number);
      return;
    }
    const { store } = this.#stepper;
    const extId = earlierPrintOf(frame, this.#stepper.printer());
    this.#stepper.apply({ type: "frame", frame, remembered: extId === null ? null : store.findPrint(extId) });
    for (const fault of faults) this.#stepper.sockets.send("agent", number, writeFault(fault));
  }

  /** Binary frames are a tunnel's and are not read: each counts as a frame that says nothing of the printer. */
  #takeBytes(webSocket: WebSocket, number: number, bytes: ArrayBuffer): void {
    if (bytes.byteLength > AGENT_FRAME_BYTES) this.#cutOff(webSocket, number);
    else this.#stepper.apply({ type: "frame", frame: BLANK_FRAME, remembered: null });
  }

  #cutOff(webSocket: WebSocket, number: number): void {
    closeQuietly(webSocket, FRAME_TOO_LARGE);
    this.#stepper.apply({ type: "agent-closed", connection: number });
  }
}
