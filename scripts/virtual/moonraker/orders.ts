/** Commands and downloads that the server asks of moonraker-obico, with the transient state they show ([V28], [V29]). */
import type { Clock } from "../clock.ts";
import type { CloudFile } from "../cloud-file.ts";
import type { AgentHttp } from "../http.ts";
import { type Job, makeNamedJob } from "../job.ts";
import type { VirtualPrinter } from "../printer.ts";
import type { Random } from "../random.ts";
import type { MoonrakerReports } from "./reports.ts";
import type { KlipperText, Transient } from "./status.ts";
import type { KlipperWatch } from "./watch.ts";

const CHECK_MS = 1000;
/** How long a transient state is shown when Klipper's state never changes. */
const TRANSIENT_MS = 30_000;
const CLOUD_PRINT_SECONDS = 1800;

const TRANSIENT = { pause: "Pausing", resume: "Resuming", cancel: "Cancelling" } as const;
export type RemoteCommand = keyof typeof TRANSIENT;

export interface OrderOptions {
  readonly printer: VirtualPrinter;
  readonly clock: Clock;
  readonly random: Random;
  readonly http: AgentHttp;
  readonly reports: MoonrakerReports;
  readonly watch: KlipperWatch;
}

export class MoonrakerOrders {
  readonly #options: OrderOptions;
  /** Files that the host holds, by path. */
  readonly #files = new Map<string, Job>();

  constructor(options: OrderOptions) {
    this.#options = options;
  }

  /** Shows the transient state at once, then until Klipper's state changed; a refused command ends it at once. */
  carryOut(command: RemoteCommand): void {
    const before = this.#options.watch.seen;
    this.#show(TRANSIENT[command]);
    // PAUSE is a macro of the printer's own: the arguments of the command are not used.
    const order =
      command === "pause" ? { kind: command, nozzleOff: false, bedOff: false, liftMm: 0 } : { kind: command };
    if (this.#options.printer.order(order)) this.#showUntilChanged(TRANSIENT[command], before, CHECK_MS);
    else this.#show(null);
  }

  #showUntilChanged(shown: Transient, before: KlipperText | null, waitedMs: number): void {
    const { clock, reports, watch } = this.#options;
    clock.after(CHECK_MS, () => {
      if (reports.transient !== shown) return;
      if (watch.seen !== before || waitedMs >= TRANSIENT_MS) this.#show(null);
      else this.#showUntilChanged(shown, before, waitedMs + CHECK_MS);
    });
  }

  get isBusy(): boolean {
    return this.#options.watch.seen !== "Operational" || this.#options.reports.transient !== null;
  }

  /** Fetches the file and tells the server its signature; prints only if the server accepts that [V29]. */
  async fetchAndPrint(file: CloudFile): Promise<void> {
    const { http, printer, clock, random, reports } = this.#options;
    this.#show("G-Code Downloading");
    const bytes = await http.download(file.url);
    const made = makeNamedJob(random, clock.now(), `Obico_Upload/${file.safeFilename}`, CLOUD_PRINT_SECONDS);
    const job = { ...made, sizeBytes: bytes?.length ?? 0 };
    const fields = [
      ["safe_filename", file.safeFilename],
      ["agent_signature", `ts:${job.modifiedAt}`],
    ] as const;
    if (bytes === null || !(await http.patchFile(file.id, fields))) return this.#show(null);
    this.#files.set(job.path, job);
    if (!printer.start(job)) return this.#show(null);
    const check = (): void => {
      if (reports.printTs !== null && reports.printTs > 0) this.#show(null);
      else clock.after(CHECK_MS, check);
    };
    clock.after(CHECK_MS, check);
  }

  /** A file that is on the printer already; false when it is not the one that was meant. */
  printLocal(path: string, signature: unknown): boolean {
    const { job } = this.#options.printer.machine;
    const file = this.#files.get(path) ?? (job?.path === path ? job : undefined);
    if (file === undefined || signature !== `ts:${file.modifiedAt}`) return false;
    return this.#options.printer.start(file);
  }

  #show(transient: Transient | null): void {
    this.#options.reports.transient = transient;
    this.#options.reports.postStatus();
  }
}
