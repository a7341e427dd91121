/** When pictures are posted [V33]: at an interval while it prints, and at once for a viewer. */
import type { Clock } from "./clock.ts";
import type { Fields } from "./form.ts";
import type { AgentHttp } from "./http.ts";
import { PICTURE } from "./picture.ts";

const TICK_MS = 1000;
const WATCHED_MS = 10_000;
const UNWATCHED_MS = 120_000;
/** In wall-clock time: an agent whose clock is sped up stays within the server's limit of calls. */
const SHORTEST_MS = 5000;

export interface PictureOptions {
  readonly http: AgentHttp;
  readonly clock: Clock;
  isPrinting(): boolean;
  fields(isBoost: boolean): Fields;
}

export class Pictures {
  readonly #options: PictureOptions;
  /** Both begin as false and outlive a reconnect [V30]. */
  #remote = { viewing: false, shouldWatch: false };
  #isPro = false;
  #lastAt = Number.NEGATIVE_INFINITY;
  #boosts = 0;
  #posting = false;
  #stopped = false;

  constructor(options: PictureOptions) {
    this.#options = options;
  }

  get isViewed(): boolean {
    return this.#remote.viewing;
  }

  start(isPro: boolean): void {
    this.#isPro = isPro;
    this.#options.clock.after(TICK_MS, () => this.#tick());
  }

  stop(): void {
    this.#stopped = true;
  }

  /** A `remote_status` message: what it leaves out stays. */
  onRemoteStatus(viewing: unknown, shouldWatch: unknown): void {
    this.#remote = {
      viewing: typeof viewing === "boolean" ? viewing : this.#remote.viewing,
      shouldWatch: typeof shouldWatch === "boolean" ? shouldWatch : this.#remote.shouldWatch,
    };
    if (!this.#remote.viewing) return;
    this.#boosts = this.#isPro ? 3 : 1;
    this.#options.clock.after(0, () => this.#boost());
  }

  async #tick(): Promise<void> {
    if (this.#stopped) return;
    const { clock } = this.#options;
    if (this.#options.isPrinting() && clock.elapsed() - this.#lastAt >= this.#interval()) {
      this.#lastAt = clock.elapsed();
      await this.#post(false);
    }
    clock.after(TICK_MS, () => this.#tick());
  }

  async #boost(): Promise<void> {
    if (this.#posting) return;
    this.#posting = true;
    while (this.#boosts > 0 && !this.#stopped) {
      this.#boosts -= 1;
      await this.#post(true);
    }
    this.#posting = false;
  }

  #interval(): number {
    const wanted = this.#remote.viewing || this.#remote.shouldWatch ? WATCHED_MS : UNWATCHED_MS;
    return Math.max(wanted, SHORTEST_MS * this.#options.clock.speed);
  }

  #post(isBoost: boolean): Promise<void> {
    return this.#options.http.postPicture(this.#options.fields(isBoost), PICTURE);
  }
}
