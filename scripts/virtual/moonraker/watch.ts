/** The agent polls Klipper once a second and makes events of what changed ([V17] to [V19], [V23]). */
import type { Clock } from "../clock.ts";
import type { AgentHttp } from "../http.ts";
import type { VirtualPrinter } from "../printer.ts";
import type { MoonrakerReports } from "./reports.ts";
import { type KlipperText, klipperText } from "./status.ts";

const POLL_MS = 1000;
/** PrintFailed follows PrintCancelled that much later. */
const AFTER_CANCELLED_MS = 500;

export class KlipperWatch {
  /** What the last look saw; null while Klipper does not answer. */
  seen: KlipperText | null = null;
  #saidLost = false;
  #stopped = false;
  readonly #printer: VirtualPrinter;
  readonly #clock: Clock;
  readonly #http: AgentHttp;
  readonly #reports: MoonrakerReports;

  constructor(options: { printer: VirtualPrinter; clock: Clock; http: AgentHttp; reports: MoonrakerReports }) {
    this.#printer = options.printer;
    this.#clock = options.clock;
    this.#http = options.http;
    this.#reports = options.reports;
  }

  start(): Promise<void> {
    return this.#look();
  }

  stop(): void {
    this.#stopped = true;
  }

  #again(ms: number, work: () => void | Promise<void>): void {
    this.#clock.after(ms, () => (this.#stopped ? undefined : work()));
  }

  async #look(): Promise<void> {
    if (this.#printer.machine.reach === "ready") {
      this.#saidLost = false;
      if (this.#reports.printTs === null) await this.#recover();
      else if (await this.#report(klipperText(this.#printer.machine))) return;
      if (this.#reports.isDue) this.#reports.postStatus();
    } else this.#sayUnknown();
    this.#again(POLL_MS, () => this.#look());
  }

  /** Klipper not ready: `{}` every second. Gone: one `{}`, then silence [V23]. */
  #sayUnknown(): void {
    this.#reports.printTs = null;
    this.seen = null;
    if (this.#printer.machine.reach === "shutdown" || !this.#saidLost) this.#reports.postBlank();
    this.#saidLost = this.#printer.machine.reach === "lost";
  }

  /** The state was unknown: a print under way is taken up from the job history, without an event. */
  async #recover(): Promise<void> {
    const text = klipperText(this.#printer.machine);
    this.#reports.printTs = text === "Operational" ? -1 : this.#printer.machine.startedAt;
    this.#reports.fileId = null;
    this.seen = text;
    if (text !== "Operational") await this.#upsert();
  }

  /** Reports what changed since the last look; true when the next look is scheduled already. */
  async #report(text: KlipperText): Promise<boolean> {
    const before = this.seen;
    this.seen = text;
    if (before === text) return false;
    if (text === "Operational") return this.#end();
    if (before === "Operational") await this.#begin();
    else this.#reports.postStatus(text === "Paused" ? "PrintPaused" : "PrintResumed");
    return false;
  }

  /** Without the server's id of the file the started event is never sent [V32]. */
  async #begin(): Promise<void> {
    this.#reports.printTs = this.#printer.machine.startedAt;
    if (await this.#upsert()) this.#reports.postStatus("PrintStarted");
  }

  #end(): boolean {
    const { outcome } = this.#printer.machine;
    if (outcome === "cancelled") {
      this.#reports.postStatus("PrintCancelled");
      this.#again(AFTER_CANCELLED_MS, () => {
        this.#close("PrintFailed");
        return this.#look();
      });
      return true;
    }
    if (outcome === "complete") this.#close("PrintDone");
    else if (outcome === "error") this.#close("PrintFailed");
    else this.#forget();
    return false;
  }

  #close(event: "PrintDone" | "PrintFailed"): void {
    this.#reports.postStatus(event);
    this.#forget();
  }

  #forget(): void {
    this.#reports.printTs = -1;
    this.#reports.fileId = null;
  }

  async #upsert(): Promise<boolean> {
    const { job } = this.#printer.machine;
    if (job === null) return false;
    const answer = await this.#http.upsertFile([
      ["filename", job.name],
      ["safe_filename", job.name],
      ["num_bytes", String(job.sizeBytes)],
      ["agent_signature", `ts:${job.modifiedAt}`],
      ["url", job.path],
    ]);
    if (typeof answer === "string") return false;
    this.#reports.fileId = answer.id;
    return true;
  }
}
