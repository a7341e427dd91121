/** What moonraker-obico posts: whole messages, a regular status 30 s after the last one [V22]. */
import type { Clock } from "../clock.ts";
import type { Link } from "../link.ts";
import type { VirtualPrinter } from "../printer.ts";
import { klipperText, moonrakerStatus, type Transient } from "./status.ts";

export type MoonrakerEvent =
  | "PrintStarted"
  | "PrintPaused"
  | "PrintResumed"
  | "PrintDone"
  | "PrintCancelled"
  | "PrintFailed";

const REGULAR_MS = 30_000;
/** In wall-clock time: an agent whose clock is sped up stays within the server's limit of frames [A8]. */
const SHORTEST_MS = 500;

export class MoonrakerReports {
  /** Null while the printer's state is unknown, -1 while it does not print, else its print's start in Unix seconds. */
  printTs: number | null = null;
  /** The server's id of the file being printed. */
  fileId: unknown = null;
  transient: Transient | null = null;
  #lastAt = 0;
  readonly #printer: VirtualPrinter;
  readonly #link: Link;
  readonly #clock: Clock;

  constructor(printer: VirtualPrinter, link: Link, clock: Clock) {
    this.#printer = printer;
    this.#link = link;
    this.#clock = clock;
  }

  /** Whether 30 s went by since the last message about printer or settings. */
  get isDue(): boolean {
    return this.#clock.elapsed() - this.#lastAt >= Math.max(REGULAR_MS, SHORTEST_MS * this.#clock.speed);
  }

  get text(): string {
    return this.transient ?? klipperText(this.#printer.machine);
  }

  postStatus(event?: MoonrakerEvent): void {
    this.#post({ ...this.#status(), ...(event === undefined ? {} : { event: { event_type: event } }) });
  }

  postSettings(settings: object, withStatus: boolean): void {
    this.#post({ ...(withStatus ? this.#status() : {}), settings });
  }

  /** The printer's state is unknown. */
  postBlank(): void {
    this.#post({});
  }

  #post(message: object): void {
    this.#lastAt = this.#clock.elapsed();
    this.#link.post(message);
  }

  #status(): object {
    const { printTs, fileId, transient } = this;
    if (printTs === null) return {};
    const view = { machine: this.#printer.machine, now: this.#clock.now(), printTs, fileId, transient };
    return { current_print_ts: printTs, status: moonrakerStatus(view) };
  }
}
