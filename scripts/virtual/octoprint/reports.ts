/** What OctoPrint-Obico posts, and when: every message is a status, some with settings or an event ([V22], [V24]). */
import type { Clock } from "../clock.ts";
import type { Job } from "../job.ts";
import type { Link } from "../link.ts";
import { layer, type Machine } from "../machine.ts";
import type { VirtualPrinter } from "../printer.ts";
import type { OctoprintEvent } from "./events.ts";
import { octoprintSettings } from "./settings.ts";
import { octoprintStatus, type PastPrint, type StateId } from "./status.ts";

const TICK_MS = 750;
const REGULAR_MS = 50_000;
const BOOSTED_MS = 10_000;
const BOOST_TICKS = 20;
const SETTINGS_MS = 30 * 60_000;
/** In wall-clock time: an agent whose clock is sped up stays within the server's limit of frames [A8]. */
const SHORTEST_MS = 500;

export class OctoprintReports {
  stateId: StateId = "OFFLINE";
  /** -1 while it does not print, as far as this process knows. */
  printTs = -1;
  /** The server's id of the file being printed; undefined while there is none. */
  fileId: unknown = undefined;
  file: Job | "never" | "lost" = "never";
  error = "";
  /** M117's text. */
  message: string | null = null;
  isDownloading = false;
  /** The printer has reported temperatures since it was connected. */
  hasReadings = false;
  terminalFeed = false;
  readonly history = new Map<string, PastPrint[]>();
  #hasFirmware = false;
  #settingsAt: number | null = null;
  #lastAt = 0;
  #boost = 0;
  #layer = 0;
  #stopped = false;
  readonly #printer: VirtualPrinter;
  readonly #clock: Clock;
  readonly #link: Link;

  constructor(options: { printer: VirtualPrinter; clock: Clock; link: Link }) {
    this.#printer = options.printer;
    this.#clock = options.clock;
    this.#link = options.link;
  }

  start(): void {
    this.#clock.after(TICK_MS, () => this.#tick());
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Statuses come closer together for about 15 s. */
  boost(): void {
    this.#boost = BOOST_TICKS;
  }

  /** M117: the next tick says so. */
  show(message: string): void {
    this.message = message;
    this.#lastAt = Number.NEGATIVE_INFINITY;
  }

  /** The firmware answered: settings changed, and go out with a status at once. */
  postFirmware(): void {
    this.#hasFirmware = true;
    this.#settingsAt = null;
    this.post(null);
  }

  /** `state` and `machine` where the event's snapshot differs from how things stand now. */
  post(event: OctoprintEvent | null, state: StateId = this.stateId, machine: Machine = this.#printer.machine): void {
    if (event !== null) this.boost();
    this.#lastAt = this.#clock.elapsed();
    const history = typeof this.file === "string" ? [] : (this.history.get(this.file.path) ?? []);
    const { printTs, fileId, isDownloading, hasReadings, file, error, message } = this;
    const now = this.#clock.now();
    const seen = { machine, stateId: state, now, printTs, fileId, isDownloading, hasReadings };
    this.#link.post({
      status: octoprintStatus({ ...seen, file, error, message, history }),
      current_print_ts: printTs,
      ...this.#dueSettings(),
      ...(event === null ? {} : { event }),
    });
  }

  #dueSettings(): { settings?: object } {
    if (this.#settingsAt !== null && this.#clock.elapsed() - this.#settingsAt < SETTINGS_MS) return {};
    this.#settingsAt = this.#clock.elapsed();
    return { settings: octoprintSettings(this.#hasFirmware) };
  }

  #tick(): void {
    if (this.#stopped) return;
    this.#clock.after(TICK_MS, () => this.#tick());
    // OctoPrint fires an event at every change of height.
    if (this.#layer !== layer(this.#printer.machine)) this.boost();
    this.#layer = layer(this.#printer.machine);
    const wanted = this.#boost > 0 ? BOOSTED_MS : REGULAR_MS;
    this.#boost = Math.max(0, this.#boost - 1);
    const interval = Math.max(wanted, SHORTEST_MS * this.#clock.speed);
    if (this.#clock.elapsed() - this.#lastAt >= interval) this.post(null);
  }
}
