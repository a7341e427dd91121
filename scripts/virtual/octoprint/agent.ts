/** OctoPrint-Obico 2.6.1 inside a virtual OctoPrint: its start in order [V12], then what the server asks. */
import type { AgentOptions, VirtualAgent } from "../agent.ts";
import { AgentHttp } from "../http.ts";
import { isJsonObject, type JsonObject, readObject } from "../json.ts";
import { Link } from "../link.ts";
import { isPrinting } from "../machine.ts";
import { Pictures } from "../pictures.ts";
import { VirtualPrinter } from "../printer.ts";
import { eventFields, type PrinterEvent } from "../printer-event.ts";
import { type Random, seededRandom } from "../random.ts";
import { RecentRefs } from "../recent-refs.ts";
import { OctoprintFiles } from "./files.ts";
import { OctoprintLife } from "./life.ts";
import { answerOctoprint } from "./passthru.ts";
import { OctoprintReports } from "./reports.ts";

const QUEUE_LIMIT = 1000;
const PROOF_MS = 30_000;
const RETRY_CEILING_S = 1200;
const FIRMWARE_MS = 500;
const REMEMBERED_REFS = 25;
const PAUSE_ARGUMENTS = ["retract", "lift_z", "tools_off", "bed_off"];

const WEBCAM_FAILED: PrinterEvent = {
  event_title: "Obico for OctoPrint: Webcam Streaming Failed",
  event_text: "This virtual printer streams no video; snapshots work.",
  event_class: "WARNING",
  event_type: "PRINTER_ERROR",
  info_url: "https://obico.io/docs/user-guides/webcam-feed-is-not-showing/",
};

export class OctoprintAgent implements VirtualAgent {
  readonly printer: VirtualPrinter;
  readonly link: Link;
  readonly #options: AgentOptions;
  readonly #random: Random;
  readonly #http: AgentHttp;
  readonly #reports: OctoprintReports;
  readonly #life: OctoprintLife;
  readonly #files: OctoprintFiles;
  readonly #pictures: Pictures;
  readonly #refs = new RecentRefs(REMEMBERED_REFS);
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
      onOpen: () => {},
    });
    this.link.hold();
    const parts = { printer: this.printer, clock, random, http: this.#http, link: this.link };
    this.#reports = new OctoprintReports(parts);
    this.#life = new OctoprintLife({ ...parts, reports: this.#reports });
    this.#files = new OctoprintFiles({ ...parts, reports: this.#reports });
    this.#pictures = new Pictures({
      http: this.#http,
      clock,
      isPrinting: () => this.#reports.stateId === "PRINTING",
      fields: (isBoost) => (isBoost ? [["viewing_boost", "true"]] : []),
    });
  }

  /** OctoPrint's own start goes into the queue; the plugin then proves its token before it connects. */
  async start(): Promise<void> {
    if (isPrinting(this.printer.machine)) await this.#life.resume();
    else this.#life.connectSerial(FIRMWARE_MS);
    await this.#prove(0);
  }

  changeFilament(): void {
    this.#life.changeFilament();
    this.printer.order({ kind: "pause", nozzleOff: false, bedOff: false, liftMm: 0 });
  }

  stop(): void {
    this.#stopped = true;
    this.#reports.stop();
    this.#pictures.stop();
    this.printer.stop();
    this.link.stop();
  }

  async #prove(failures: number): Promise<void> {
    const found = await this.#http.findPrinter(PROOF_MS);
    // 2xx without what it needs ends its main thread: only a restart helps.
    if (this.#stopped || found === "unreadable") return;
    if (found === "refused") {
      const seconds = this.#random() * Math.min(2 ** failures, RETRY_CEILING_S);
      this.#options.clock.after(seconds * 1000, () => this.#prove(failures + 1));
      return;
    }
    await this.#http.askNozzleCamera(found.id);
    if (this.#stopped) return;
    this.link.release();
    this.#reports.start();
    this.#pictures.start(found.isPro);
    const posted = this.#http.postPrinterEvent(eventFields(WEBCAM_FAILED), null);
    this.link.post({ passthru: { printer_event: WEBCAM_FAILED } });
    await posted;
  }

  /** An exception while a message is handled drops the rest of that message. */
  #onText(text: string): void {
    const message = readObject(text);
    if (message === null || this.#stopped) return;
    for (const command of Array.isArray(message.commands) ? message.commands : []) {
      if (!this.#isCarriedOut(command)) return;
    }
    if (isJsonObject(message.passthru)) this.#passthru(message.passthru);
    if (isJsonObject(message.remote_status)) {
      this.#reports.boost();
      this.#pictures.onRemoteStatus(message.remote_status.viewing, message.remote_status.should_watch);
    }
  }

  /** False: an exception. A pause without an object of known arguments is one. */
  #isCarriedOut(command: unknown): boolean {
    if (!isJsonObject(command)) return false;
    this.#reports.boost();
    if (command.cmd === "resume" || command.cmd === "cancel") this.printer.order({ kind: command.cmd });
    if (command.cmd !== "pause") return true;
    const { args } = command;
    if (!isJsonObject(args) || Object.keys(args).some((key) => !PAUSE_ARGUMENTS.includes(key))) return false;
    const liftMm = typeof args.lift_z === "number" ? args.lift_z : 0;
    this.printer.order({ kind: "pause", nozzleOff: args.tools_off === true, bedOff: args.bed_off === true, liftMm });
    return true;
  }

  #passthru(call: JsonObject): void {
    this.#reports.boost();
    if (this.#refs.isRepeated(call.ref)) return;
    const host = { printer: this.printer, reports: this.#reports, files: this.#files };
    const answer = answerOctoprint(call, host);
    if (answer !== null && call.ref) this.link.post({ passthru: { ref: call.ref, ...answer } });
  }
}
