/** An agent that knows only the wire: a bare socket, frames as plain JSON, nothing of the project. */
import WebSocket from "ws";

type Frame = Record<string, unknown>;

export class RawAgent {
  readonly #socket: WebSocket;
  readonly #frames: Frame[] = [];
  #wake: () => void = () => {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => {
      this.#frames.push(JSON.parse(data.toString()));
      this.#wake();
    });
  }

  /** Rejects when the handshake is refused. */
  static connect(url: string, token: string): Promise<RawAgent> {
    const { promise, resolve, reject } = Promise.withResolvers<RawAgent>();
    const headers = { authorization: `bearer ${token}` };
    const socket = new WebSocket(`${url.replace(/^http/, "ws")}/ws/dev/`, { headers, perMessageDeflate: false });
    const agent = new RawAgent(socket);
    socket.once("open", () => resolve(agent));
    socket.on("error", reject);
    return promise;
  }

  /** A status of a print of `hook.gcode`, dated now. */
  report(printTs: number, text: string, event?: string): void {
    this.send({
      current_print_ts: printTs,
      status: {
        _ts: Date.now() / 1000,
        state: { text, flags: { operational: true, printing: text === "Printing", paused: text === "Paused" } },
        job: { file: { name: "hook.gcode", path: "hook.gcode" } },
        progress: { completion: 12.5, printTime: 60, printTimeLeft: 420 },
        temperatures: { extruder: { actual: 214.9, target: 215, offset: 0 } },
      },
      ...(event === undefined ? {} : { event: { event_type: event } }),
    });
  }

  send(frame: Frame): void {
    this.sendText(JSON.stringify(frame));
  }

  sendText(text: string): void {
    this.#socket.send(text);
  }

  /** The code with which the server closed it. */
  async closed(): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#socket.once("close", resolve);
    return promise;
  }

  /** The first frame not taken yet that has all the keys. */
  async next(...keys: string[]): Promise<Frame> {
    for (;;) {
      const index = this.#frames.findIndex((frame) => keys.every((key) => key in frame));
      const [frame] = index < 0 ? [] : this.#frames.splice(index, 1);
      if (frame !== undefined) return frame;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      await promise;
    }
  }

  close(): void {
    this.#socket.terminate();
  }
}
