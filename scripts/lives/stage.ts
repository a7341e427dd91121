/** Where one life is played: its printer, its agents, what REST says, and every step with its time. */
import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { Agent, type Order, type Receipt } from "./agent.ts";

export type Kind = "pause" | "resume" | "cancel";

/** The parts of a command, a print and a printer that the lives read. */
export interface Told {
  readonly id: string;
  readonly kind: Kind;
  readonly state: string;
  readonly reason: string | null;
  readonly print_id: number | null;
}

export interface Pressed {
  readonly succeeded: boolean;
  readonly command: Told;
  /** What went out to the agent for it. */
  readonly order: Order | null;
  /** Everything in the answer but the printer. */
  readonly words: string;
}

export interface Recorded {
  readonly id: number;
  readonly filename: string;
  readonly outcome: string | null;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly print_time: number | null;
}

export interface Shown {
  readonly id: number;
  readonly auth_token: string;
  readonly created_at: string;
  readonly status: { readonly state: { readonly text: string } } | null;
  readonly current_print: Recorded | null;
}

const POLL_MS = 200;
const SOON_S = 4;

export class Stage {
  readonly #url: string;
  readonly #token: string;
  #began = performance.now();
  readonly #agents: Agent[] = [];
  readonly #lines: string[] = [];
  readonly #printer: Shown;
  #wrongs = 0;

  private constructor(url: string, token: string, printer: Shown) {
    this.#url = url;
    this.#token = token;
    this.#printer = printer;
  }

  static async open(url: string, token: string, name: string): Promise<Stage> {
    const made = await ask<Shown>(url, token, "POST", "/api/v1/printers/", { name });
    return new Stage(url, token, made);
  }

  get lines(): readonly string[] {
    return this.#lines;
  }

  /** When the printer was made. */
  get madeAt(): string {
    return this.#printer.created_at;
  }

  get isRight(): boolean {
    return this.#wrongs === 0;
  }

  /** Times count from now. */
  begin(): void {
    this.#began = performance.now();
  }

  note(line: string): void {
    this.#lines.push(`${((performance.now() - this.#began) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  }

  wait(seconds: number): Promise<void> {
    return pause(seconds * 1000);
  }

  async connect(receipt: Receipt): Promise<Agent> {
    const agent = await Agent.connect(this.#url, this.#printer.auth_token, receipt);
    this.#agents.push(agent);
    this.note("the agent's socket is open");
    return agent;
  }

  /** Gives a command over REST, at once; resolves with the answer. */
  async press(kind: Kind, body: object = {}): Promise<Pressed> {
    const agent = this.#agents.at(-1);
    agent?.takeOrders(kind);
    const path = `/api/v1/printers/${this.#printer.id}/${kind}_print/`;
    this.note(`POST ${kind}_print`);
    type Answer = { succeeded: boolean; command: Told; printer: Shown };
    const { printer: _printer, ...answer } = await ask<Answer>(this.#url, this.#token, "POST", path, body);
    const order = agent?.takeOrders(kind).at(-1) ?? null;
    const { state, reason } = answer.command;
    const sent = order === null ? "no frame" : `a frame by ${order.way} ${order.name}`;
    this.note(`${kind}: succeeded ${answer.succeeded}, ${state}${reason === null ? "" : ` ${reason}`}, ${sent}`);
    return { ...answer, order, words: JSON.stringify(answer) };
  }

  printer(): Promise<Shown> {
    return ask(this.#url, this.#token, "GET", `/api/v1/printers/${this.#printer.id}/`);
  }

  /** The text that GET shows. */
  async text(): Promise<string | null> {
    return (await this.printer()).status?.state.text ?? null;
  }

  async command({ command }: Pressed): Promise<Told> {
    const path = `/api/v1/printers/${this.#printer.id}/commands/${command.id}/`;
    return ask(this.#url, this.#token, "GET", path);
  }

  async stateOf(pressed: Pressed): Promise<string> {
    return (await this.command(pressed)).state;
  }

  /** Of the current print; null without one. */
  async currentFile(): Promise<string | null> {
    return (await this.printer()).current_print?.filename ?? null;
  }

  /** Oldest first, the current one too. */
  async prints(): Promise<Recorded[]> {
    const found = await ask<Recorded[]>(this.#url, this.#token, "GET", "/api/v1/prints/?limit=50");
    return found.sort((one, other) => one.id - other.id);
  }

  /** Types of events, oldest first, without those about the agent. */
  async events(): Promise<string[]> {
    const path = "/api/v1/printer_events/?limit=50";
    const found = await ask<{ id: number; event_type: string }[]>(this.#url, this.#token, "GET", path);
    const sorted = found.sort((one, other) => one.id - other.id).map(({ event_type }) => event_type);
    return sorted.filter((type) => type !== "PRINTER_ERROR");
  }

  /** Waits until `look` gives something that passes, `seconds` at most; gives what it gave last. */
  async until<T>(seconds: number, look: () => Promise<T>, passes: (value: T) => boolean): Promise<T> {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      const value = await look();
      if (passes(value) || performance.now() > end) return value;
      await pause(POLL_MS);
    }
  }

  /** One of `expected` is to come within a few seconds: history is written a moment later. */
  async comesTo<T>(what: string, look: () => Promise<T>, ...expected: readonly T[]): Promise<void> {
    const passes = (got: T) => expected.some((one) => isDeepStrictEqual(one, got));
    this.check(what, await this.until(SOON_S, look, passes), ...expected);
  }

  /** One of `expected` is to have come. */
  check(what: string, got: unknown, ...expected: readonly unknown[]): void {
    this.#judge(what, got, expected.map((one) => JSON.stringify(one)).join(" or "), () =>
      expected.some((one) => isDeepStrictEqual(one, got)),
    );
  }

  /** Something is to have come that `passes`; `expected` says it in words. */
  checkThat<T>(what: string, got: T, expected: string, passes: (got: T) => boolean): void {
    this.#judge(what, got, expected, () => passes(got));
  }

  #judge(what: string, got: unknown, expected: string, passes: () => boolean): void {
    const isRight = passes();
    if (!isRight) this.#wrongs += 1;
    this.note(`${isRight ? "ok" : `WRONG: expected ${expected}:`} ${what}: ${JSON.stringify(got)}`);
  }

  close(): void {
    for (const agent of this.#agents) agent.close();
  }
}

async function ask<T>(url: string, token: string, method: string, path: string, body?: object): Promise<T> {
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const response = await fetch(url + path, { method, headers, body: body === undefined ? null : JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T; // safe: the route's own schema
}
