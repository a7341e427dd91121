/** An agent whose frames are sent when the benchmark says so: the virtual agents' own frames, without their clocks. */
import WebSocket from "ws";
import type { Dialect } from "../virtual/agent.ts";
import { makeJob } from "../virtual/job.ts";
import { isJsonObject, readObject } from "../virtual/json.ts";
import { act, advance, idleMachine, type Machine } from "../virtual/machine.ts";
import { moonrakerSettings } from "../virtual/moonraker/settings.ts";
import { moonrakerStatus } from "../virtual/moonraker/status.ts";
import { printPaused, printResumed, stateChanged } from "../virtual/octoprint/events.ts";
import { octoprintSettings } from "../virtual/octoprint/settings.ts";
import { octoprintStatus, type StateId } from "../virtual/octoprint/status.ts";
import { seededRandom } from "../virtual/random.ts";

/** What a frame tells: a regular status, a text that changed, or an event with one. */
export type Saying = "status" | "pausing" | "paused" | "resuming" | "printing" | "paused-event" | "resumed-event";

/** OctoPrint sends its events a moment before it comes to the state that they tell of. */
const OCTOPRINT_STATES = {
  status: "PRINTING",
  pausing: "PAUSING",
  paused: "PAUSED",
  resuming: "RESUMING",
  printing: "PRINTING",
  "paused-event": "PAUSING",
  "resumed-event": "RESUMING",
} as const satisfies Record<Saying, StateId>;

/** The regular distance of two statuses, for which the machine goes on between two frames. */
const REGULAR_S = 30;
const STEP_S = 0.5;

export class BenchAgent {
  readonly dialect: Dialect;
  #machine: Machine;
  readonly #printTs: number;
  #socket: WebSocket | null = null;
  #onCommand: (() => void) | null = null;

  constructor(seed: number, isPrinting: boolean) {
    this.dialect = seed % 2 === 0 ? "moonraker" : "octoprint";
    const job = makeJob(seededRandom(seed), Date.now());
    const startedAt = Math.floor(Date.now() / 1000) - 600;
    const idle = idleMachine(seed);
    // OctoPrint keeps the last file loaded between prints.
    const loaded = this.dialect === "octoprint" ? { ...idle, job } : idle;
    const machine = isPrinting ? act(idle, { kind: "start", job: { ...job, seconds: 86_400 }, at: startedAt }) : loaded;
    this.#machine = isPrinting ? later(machine, 900) : machine;
    this.#printTs = isPrinting ? startedAt : -1;
  }

  /** Resolves once the socket is open. */
  connect(url: string, token: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const headers = { authorization: `bearer ${token}` };
    const socket = new WebSocket(url.replace(/^http/, "ws"), { headers, perMessageDeflate: false });
    socket.once("open", resolve);
    socket.once("error", reject);
    socket.on("message", (data) => this.#onText(data.toString()));
    this.#socket = socket;
    return promise;
  }

  /** What an agent says of itself first. */
  sendSettings(): void {
    const isMoonraker = this.dialect === "moonraker";
    const settings = isMoonraker ? moonrakerSettings({ webcam: true, presets: true }) : octoprintSettings(true);
    this.#send({ settings });
  }

  send(saying: Saying): void {
    if (saying === "status") this.#machine = later(this.#machine, REGULAR_S);
    this.#send(this.dialect === "moonraker" ? this.#moonraker(saying) : this.#octoprint(saying));
  }

  /** Once a command's frame was answered. */
  onceCommanded(act: () => void): void {
    this.#onCommand = act;
  }

  close(): void {
    this.#socket?.close(1000);
  }

  #send(message: object): void {
    this.#socket?.send(JSON.stringify(message));
  }

  #onText(text: string): void {
    const message = readObject(text);
    if (message === null || !isJsonObject(message.passthru)) return;
    const { ref } = message.passthru;
    this.#send({
      passthru: this.dialect === "moonraker" ? { ref, error: "Request not supported." } : { ref, ret: "PAUSING" },
    });
    if (Array.isArray(message.commands)) this.#onCommand?.();
    this.#onCommand = null;
  }

  #moonraker(saying: Saying): object {
    const machine = { ...this.#machine, isHeld: saying === "paused" || saying === "paused-event" };
    const transient = saying === "pausing" ? "Pausing" : saying === "resuming" ? "Resuming" : null;
    const view = { machine, now: Date.now(), printTs: this.#printTs, fileId: null, transient } as const;
    const event = saying === "paused-event" ? "PrintPaused" : saying === "resumed-event" ? "PrintResumed" : null;
    return {
      current_print_ts: this.#printTs,
      status: moonrakerStatus(view),
      ...(event === null ? {} : { event: { event_type: event } }),
    };
  }

  #octoprint(saying: Saying): object {
    const { job } = this.#machine;
    if (job === null) throw new Error("OctoPrint's agent has a file loaded");
    const isPrinting = this.#printTs > 0;
    const stateId = isPrinting ? OCTOPRINT_STATES[saying] : "OPERATIONAL";
    const event = {
      status: null,
      pausing: stateChanged("PAUSING"),
      paused: stateChanged("PAUSED"),
      resuming: stateChanged("RESUMING"),
      printing: stateChanged("PRINTING"),
      "paused-event": printPaused(job, this.#machine),
      "resumed-event": printResumed(job),
    }[saying];
    const status = octoprintStatus({
      machine: this.#machine,
      stateId,
      now: Date.now(),
      printTs: this.#printTs,
      fileId: undefined,
      isDownloading: false,
      hasReadings: true,
      file: job,
      error: "",
      message: null,
      history: [],
    });
    return { status, current_print_ts: this.#printTs, ...(event === null ? {} : { event }) };
  }
}

function later(machine: Machine, seconds: number): Machine {
  let moved = machine;
  for (let passed = 0; passed < seconds; passed += STEP_S) moved = advance(moved, STEP_S);
  return moved;
}
