/** OctoPrint's events as its printer's phases change, in OctoPrint's order ([V15] to [V21]). */
import type { Clock } from "../clock.ts";
import type { AgentHttp } from "../http.ts";
import type { Job } from "../job.ts";
import type { Link } from "../link.ts";
import { isPrinting, type Machine } from "../machine.ts";
import { PICTURE } from "../picture.ts";
import type { VirtualPrinter } from "../printer.ts";
import { eventFields, type PrinterEvent } from "../printer-event.ts";
import {
  printBroken,
  printCancelled,
  printCancelling,
  printDone,
  printPaused,
  printResumed,
  printStarted,
  stateChanged,
} from "./events.ts";
import type { OctoprintReports } from "./reports.ts";
import type { StateId } from "./status.ts";

/** A printer that answers again is connected again that much later. */
const RECONNECT_MS = 6000;
const FIRST_READING_MS = 2000;

const ERROR_MS = 30 * 60_000;
const FILAMENT_MS = 10 * 60_000;
const FILAMENT_CHANGE = {
  event_title: "Filament Change Required",
  event_type: "FILAMENT_CHANGE",
  event_class: "WARNING",
  notify: "true",
} as const;

export interface LifeOptions {
  readonly printer: VirtualPrinter;
  readonly clock: Clock;
  readonly http: AgentHttp;
  readonly link: Link;
  readonly reports: OctoprintReports;
}

export class OctoprintLife {
  readonly #options: LifeOptions;
  readonly #reports: OctoprintReports;
  #filamentAt = Number.NEGATIVE_INFINITY;
  #errorAt = Number.NEGATIVE_INFINITY;
  /** OctoPrint handles events one at a time: one that waits for the server holds up the next. */
  #handled: Promise<void> = Promise.resolve();

  constructor(options: LifeOptions) {
    this.#options = options;
    this.#reports = options.reports;
    options.printer.onPhase((before, after) => this.#onPhase(before, after));
  }

  /** The serial port is found and opened; the firmware's answer comes later. */
  connectSerial(firmwareMs: number): void {
    this.#reports.error = "";
    this.#reports.hasReadings = false;
    this.#become("DETECT_SERIAL");
    this.#become("OPERATIONAL");
    this.#options.clock.after(firmwareMs, () => this.#reports.postFirmware());
    this.#options.clock.after(FIRST_READING_MS, () => {
      this.#reports.hasReadings = true;
    });
  }

  /** The host went on while nobody simulated it: in mid-print, with nothing to report [V14]. */
  async resume(): Promise<void> {
    const { machine } = this.#options.printer;
    this.#reports.stateId = machine.phase === "paused" ? "PAUSED" : "PRINTING";
    this.#reports.printTs = machine.startedAt;
    this.#reports.file = machine.job ?? "never";
    this.#reports.hasReadings = true;
    if (machine.job !== null) await this.#upsert(machine.job);
  }

  /** EventHeading over HTTP only, with a picture, and once in ten minutes. */
  changeFilament(): void {
    const { clock, http, printer } = this.#options;
    const name = printer.machine.job?.name;
    if (name === undefined || clock.elapsed() - this.#filamentAt < FILAMENT_MS) return;
    this.#filamentAt = clock.elapsed();
    const event_text = `<div><i>Printer:</i> virtual</div><div><i>G-Code:</i> ${name}</div>`;
    void http.postPrinterEvent(eventFields({ ...FILAMENT_CHANGE, event_text }), PICTURE);
  }

  #onPhase(before: Machine, after: Machine): void {
    const file = after.job ?? before.job;
    if (before.reach !== after.reach) this.#onReach(before, after);
    else if (file !== null && this.#reports.stateId !== "OFFLINE") this.#onPrint(file, before, after);
  }

  #onPrint(file: Job, before: Machine, after: Machine): void {
    switch (after.phase) {
      case "starting":
        this.#onStarting(file);
        break;
      case "printing":
        if (before.phase === "starting") this.#onStarted(file);
        this.#become("PRINTING");
        break;
      case "pausing":
        this.#become("PAUSING");
        break;
      case "paused":
        this.#say(() => this.#reports.post(printPaused(file, after), "PAUSING"));
        this.#become("PAUSED");
        break;
      case "resuming":
        this.#become("RESUMING");
        this.#say(() => this.#reports.post(printResumed(file), "RESUMING"));
        break;
      case "cancelling":
        this.#say(() => this.#reports.post(printCancelling(file), "CANCELLING"));
        this.#become("CANCELLING");
        break;
      case "finishing":
        this.#become("FINISHING");
        break;
      case "idle":
        this.#onEnd(file, before, after);
    }
  }

  #onStarting(file: Job): void {
    this.#reports.file = file;
    this.#reports.error = "";
    this.#become("STARTING");
  }

  /** Without an answer that holds an id the file stays unknown; a 2xx without one loses the event [V32]. */
  #onStarted(file: Job): void {
    this.#say(async () => {
      this.#reports.printTs = this.#options.printer.machine.startedAt;
      if ((await this.#upsert(file)) !== "unreadable") this.#reports.post(printStarted(file), "PRINTING");
    });
  }

  #onEnd(file: Job, before: Machine, after: Machine): void {
    if (after.outcome === "error") this.#lose("CLOSED_WITH_ERROR", file, before, after.error ?? "");
    else if (after.outcome === null) this.#lose("OFFLINE", file, before, "");
    else this.#close(file, after);
  }

  #close(file: Job, after: Machine): void {
    this.#say(() => {
      this.#remember(file, after);
      if (after.outcome === "complete") this.#reports.post(printDone(file, after), "OPERATIONAL");
      else {
        this.#reports.post(printCancelled("PrintCancelled", file, after), "CANCELLING");
        this.#reports.post(printCancelled("PrintFailed", file, after), "CANCELLING");
      }
      this.#forget();
    });
    this.#become("OPERATIONAL");
  }

  /** The host feeds the printer line by line: without the port there is no print. */
  #onReach(before: Machine, after: Machine): void {
    const { job } = before;
    if (after.reach === "ready") this.connectSerial(0);
    else if (job !== null && isPrinting(before)) this.#lose("OFFLINE", job, before, "");
    else {
      this.#reports.file = "lost";
      this.#become("OFFLINE");
    }
    this.#options.printer.order({ kind: "power_cut" });
  }

  #lose(stateId: StateId, file: Job, before: Machine, error: string): void {
    this.#reports.stateId = stateId;
    this.#say(() => {
      this.#reports.file = "lost";
      this.#reports.error = error;
      this.#reports.post(stateChanged(stateId), stateId, before);
      this.#reports.post(printBroken(file, before, error), stateId, before);
      this.#forget();
    });
    if (stateId === "CLOSED_WITH_ERROR") this.#say(() => this.#tell(error));
    this.#options.clock.after(RECONNECT_MS, () => {
      if (this.#reports.stateId === stateId && this.#options.printer.machine.reach === "ready") this.connectSerial(0);
    });
  }

  /** An event of one title is told once in half an hour. */
  async #tell(error: string): Promise<void> {
    const { clock } = this.#options;
    if (clock.elapsed() - this.#errorAt < ERROR_MS) return;
    this.#errorAt = clock.elapsed();
    const event: PrinterEvent = {
      event_title: "OctoPrint Error",
      event_text: error,
      event_class: "ERROR",
      event_type: "PRINTER_ERROR",
    };
    this.#options.link.post({ passthru: { printer_event: event } });
    await this.#options.http.postPrinterEvent(eventFields(event), PICTURE);
  }

  #become(stateId: StateId): void {
    this.#reports.stateId = stateId;
    this.#say(() => this.#reports.post(stateChanged(stateId), stateId));
  }

  #say(event: () => void | Promise<void>): void {
    this.#handled = this.#handled.then(event);
  }

  #forget(): void {
    this.#reports.printTs = -1;
    this.#reports.fileId = undefined;
  }

  #remember(file: Job, machine: Machine): void {
    const success = machine.outcome === "complete";
    const timestamp = this.#options.clock.now() / 1000;
    const past = { timestamp, ...(success ? { printTime: machine.totalSeconds } : {}), success };
    const prints = this.#reports.history.get(file.path) ?? [];
    this.#reports.history.set(file.path, [...prints, { ...past, printerProfile: "_default" }]);
  }

  async #upsert(file: Job): Promise<"known" | "refused" | "unreadable"> {
    const answer = await this.#options.http.upsertFile([
      ["filename", file.name],
      ["safe_filename", file.name],
      ["num_bytes", String(file.sizeBytes)],
      ["agent_signature", `md5:${file.hash}`],
      ["url", file.path],
    ]);
    if (typeof answer === "string") return answer;
    this.#reports.fileId = answer.id;
    return "known";
  }
}
