/** moonraker-obico 2.1.4 beside a virtual Klipper printer: its start in order [V12], then what the server asks. */
import type { AgentOptions, VirtualAgent } from "../agent.ts";
import { AgentHttp } from "../http.ts";
import { isJsonObject, type JsonObject, readObject } from "../json.ts";
import { Link } from "../link.ts";
import { PICTURE } from "../picture.ts";
import { Pictures } from "../pictures.ts";
import { VirtualPrinter } from "../printer.ts";
import { eventFields, type PrinterEvent } from "../printer-event.ts";
import { type Random, seededRandom } from "../random.ts";
import { RecentRefs } from "../recent-refs.ts";
import { MoonrakerOrders } from "./orders.ts";
import { answerMoonraker } from "./passthru.ts";
import { MoonrakerReports } from "./reports.ts";
import { moonrakerSettings } from "./settings.ts";
import { klipperText } from "./status.ts";
import { KlipperWatch } from "./watch.ts";

const QUEUE_LIMIT = 50;
const PROOF_MS = 10_000;
const RETRY_CEILING_S = 120;
const WEBCAM_STARTUP_MS = 50;
const WEBCAM_FAILURE_MS = 100;
const PRESETS_MS = 900;
const REMEMBERED_REFS = 100;
const REMEMBERED_TITLES = 20;

const WEBCAM_FAILED: PrinterEvent = {
  event_title: "moonraker-obico: Webcam Streaming Failed",
  event_text: "This virtual printer streams no video; snapshots work.",
  event_type: "PRINTER_ERROR",
  event_class: "WARNING",
  info_url: "https://obico.io/docs/user-guides/webcam-install-janus/",
};

export class MoonrakerAgent implements VirtualAgent {
  readonly printer: VirtualPrinter;
  readonly link: Link;
  readonly #options: AgentOptions;
  readonly #http: AgentHttp;
  readonly #reports: MoonrakerReports;
  readonly #watch: KlipperWatch;
  readonly #orders: MoonrakerOrders;
  readonly #pictures: Pictures;
  readonly #refs = new RecentRefs(REMEMBERED_REFS);
  readonly #titles: string[] = [];
  readonly #known = { webcam: false, presets: false };
  readonly #random: Random;
  #printerId = 0;
  #opened = false;
  #stopped = false;

  constructor(options: AgentOptions) {
    const { clock } = options;
    const random = seededRandom(options.seed);
    this.#options = options;
    this.#random = random;
    this.printer = new VirtualPrinter(options.machine, clock);
    this.#http = new AgentHttp({ ...options, random });
    this.link = new Link({
      ...options,
      random,
      queueLimit: QUEUE_LIMIT,
      onText: (text) => this.#onText(text),
      onOpen: () => this.#onOpen(),
    });
    this.#reports = new MoonrakerReports(this.printer, this.link, clock);
    const parts = { printer: this.printer, clock, random, http: this.#http, reports: this.#reports };
    this.#watch = new KlipperWatch(parts);
    this.#orders = new MoonrakerOrders({ ...parts, watch: this.#watch });
    this.#pictures = new Pictures({
      http: this.#http,
      clock,
      isPrinting: () => this.printer.machine.reach === "ready" && klipperText(this.printer.machine) === "Printing",
      fields: (isBoost) => [
        ["is_primary_camera", "True"],
        ["is_nozzle_camera", "False"],
        ["camera_name", ""],
        ["viewing_boost", isBoost ? "True" : "False"],
      ],
    });
    this.printer.onPhase((before, after) => {
      if (before.outcome !== "error" && after.outcome === "error") void this.#onConsoleError(`!! ${after.error}`);
    });
  }

  /** Proves the token, however long that takes; then the first message opens the socket. */
  start(): Promise<void> {
    return this.#prove(0);
  }

  /** Klipper's macro pauses: the agent learns of nothing else. */
  changeFilament(): void {
    this.printer.order({ kind: "pause", nozzleOff: false, bedOff: false, liftMm: 0 });
  }

  stop(): void {
    this.#stopped = true;
    this.#watch.stop();
    this.#pictures.stop();
    this.printer.stop();
    this.link.stop();
  }

  async #prove(failures: number): Promise<void> {
    const found = await this.#http.findPrinter(PROOF_MS);
    if (this.#stopped) return;
    if (typeof found === "string") {
      const seconds = this.#random() * Math.min(2 ** failures, RETRY_CEILING_S);
      this.#options.clock.after(seconds * 1000, () => this.#prove(failures + 1));
      return;
    }
    this.#reports.postBlank();
    this.#pictures.start(found.isPro);
    this.#printerId = found.id;
    this.#options.clock.after(WEBCAM_STARTUP_MS, () => this.#startWebcam());
  }

  async #startWebcam(): Promise<void> {
    this.#titles.push(WEBCAM_FAILED.event_title);
    await this.#http.postPrinterEvent(eventFields(WEBCAM_FAILED), null);
    this.#options.clock.after(WEBCAM_FAILURE_MS, () => {
      this.link.post({ passthru: { printer_event: WEBCAM_FAILED } });
      this.#known.webcam = true;
      this.#reports.postSettings(moonrakerSettings(this.#known), false);
    });
  }

  #onOpen(): void {
    this.#reports.postSettings(moonrakerSettings(this.#known), this.#opened);
    if (this.#opened) return;
    this.#opened = true;
    this.#options.clock.after(PRESETS_MS, () => this.#beginReporting());
  }

  async #beginReporting(): Promise<void> {
    if (this.#stopped) return;
    this.#known.presets = true;
    this.#reports.postSettings(moonrakerSettings(this.#known), false);
    await this.#http.askNozzleCamera(this.#printerId);
    await this.#watch.start();
  }

  #onText(text: string): void {
    const message = readObject(text);
    if (message === null || this.#stopped) return;
    for (const command of Array.isArray(message.commands) ? message.commands : []) this.#command(command);
    if (isJsonObject(message.passthru)) this.#passthru(message.passthru);
    if (isJsonObject(message.remote_status)) {
      this.#pictures.onRemoteStatus(message.remote_status.viewing, message.remote_status.should_watch);
    }
  }

  #command(command: unknown): void {
    const name = isJsonObject(command) ? command.cmd : null;
    if (name === "pause" || name === "resume" || name === "cancel") this.#orders.carryOut(name);
  }

  #passthru(call: JsonObject): void {
    if (this.#refs.isRepeated(call.ref)) return;
    const answer = answerMoonraker(call, this.printer, this.#orders);
    if (call.ref !== null && call.ref !== undefined) this.link.post({ passthru: { ref: call.ref, ...answer } });
  }

  /** An error on Klipper's console: a toast every time, an event only under a new title, and the line unless that failed. */
  async #onConsoleError(line: string): Promise<void> {
    const event = { event_text: line, event_type: "PRINTER_ERROR", event_class: "ERROR" } as const;
    if (!(await this.#tell({ event_title: "Moonraker Error", ...event }))) return;
    this.link.post({ passthru: { terminal_feed: { msg: line, _ts: this.#options.clock.now() / 1000 } } });
  }

  async #tell(event: PrinterEvent): Promise<boolean> {
    this.link.post({ passthru: { printer_event: event } });
    if (this.#titles.includes(event.event_title)) return true;
    this.#titles.push(event.event_title);
    if (this.#titles.length > REMEMBERED_TITLES) this.#titles.shift();
    return this.#http.postPrinterEvent(eventFields(event), PICTURE);
  }
}
