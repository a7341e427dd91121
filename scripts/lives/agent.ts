/** An agent on a bare socket: frames as plain JSON, a receipt for every reference, nothing else of its own. */
import WebSocket from "ws";
import { isJsonObject, type JsonObject, readObject } from "../virtual/json.ts";

/** What the server asks for: by `commands`, or by passthru alone. */
export interface Order {
  readonly way: "commands" | "passthru";
  /** `pause`, `resume`, `cancel`, or the passthru's function. */
  readonly name: string;
  readonly ref: unknown;
}

/** What the answer to a reference says beside it; null: no answer. */
export type Receipt = (order: Order) => JsonObject | null;

/** Moonraker's agent knows no such function, and says so after it carried out the command. */
export const moonrakerReceipt: Receipt = () => ({ error: "Request not supported by this version of the agent." });

const STATE_IDS: Readonly<Record<string, string>> = { pause: "PAUSING", resume: "RESUMING", cancel: "CANCELLING" };

/** OctoPrint's state right after the command; a passthru that orders something returns nothing. */
export function octoprintReceipt(stateId: () => string): Receipt {
  return ({ way, name }) => {
    if (way === "commands") return { ret: STATE_IDS[name] ?? stateId() };
    return { ret: name === "get_state_id" ? stateId() : null };
  };
}

export class Agent {
  readonly #socket: WebSocket;
  readonly #receipt: Receipt;
  #orders: Order[] = [];
  #onOrder: ((order: Order) => void) | null = null;
  #ordered = Promise.withResolvers<void>();

  private constructor(socket: WebSocket, receipt: Receipt) {
    this.#socket = socket;
    this.#receipt = receipt;
    socket.on("message", (data) => this.#hear(data.toString()));
    socket.on("error", () => {});
  }

  static connect(url: string, token: string, receipt: Receipt): Promise<Agent> {
    const { promise, resolve, reject } = Promise.withResolvers<Agent>();
    const headers = { authorization: `bearer ${token}` };
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/ws/dev/`, { headers, perMessageDeflate: false });
    const agent = new Agent(socket, receipt);
    socket.once("open", () => resolve(agent));
    socket.once("error", reject);
    return promise;
  }

  say(frame: object): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  /** Called for each order before its receipt goes out. */
  onOrder(listener: (order: Order) => void): void {
    this.#onOrder = listener;
  }

  /** Resolves with the next order. */
  nextOrder(): Promise<void> {
    return this.#ordered.promise;
  }

  /** Orders of that kind since the last call; probes are none. */
  takeOrders(kind: string): Order[] {
    const isMeant = ({ name }: Order) => name === kind || name === `${kind}_print`;
    const taken = this.#orders.filter(isMeant);
    this.#orders = this.#orders.filter((order) => !isMeant(order));
    return taken;
  }

  close(): void {
    this.#socket.terminate();
  }

  #hear(text: string): void {
    const frame = readObject(text);
    if (frame === null) return;
    const order = orderIn(frame);
    if (order === null) return;
    if (order.way === "commands" || order.name !== "get_state_id") {
      this.#orders.push(order);
      this.#onOrder?.(order);
      this.#ordered.resolve();
      this.#ordered = Promise.withResolvers();
    }
    const receipt = this.#receipt(order);
    if (receipt !== null && order.ref !== undefined) this.say({ passthru: { ref: order.ref, ...receipt } });
  }
}

function orderIn({ commands, passthru }: JsonObject): Order | null {
  const call = isJsonObject(passthru) ? passthru : {};
  const [command] = Array.isArray(commands) ? commands : [];
  if (isJsonObject(command)) return { way: "commands", name: String(command.cmd), ref: call.ref };
  return passthru === undefined ? null : { way: "passthru", name: String(call.func), ref: call.ref };
}
