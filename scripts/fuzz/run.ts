/** A run of the fuzzer: rounds of calls on freshly stocked accounts, side by side, and what came of them. */
import { setTimeout as pause } from "node:timers/promises";
import { type LocalServer, playOnServer } from "../own-server.ts";
import { seededRandom } from "../virtual/random.ts";
import { type AccountState, differenceOf, readState } from "./account-state.ts";
import { Description } from "./description.ts";
import { type Drawn, draw, type Place } from "./draw.ts";
import { Judge } from "./judge.ts";
import { type Reply, send } from "./send.ts";
import { Account, type Stocked, stockUp } from "./stock.ts";
import { Tally } from "./tally.ts";

export interface FuzzOptions {
  readonly requests: number;
  readonly seed: number;
  /** The number of the one call that is wanted; null: all. */
  readonly only: number | null;
}

/** Of the HEAD of a GET that changes something. */
const METHOD_NOT_ALLOWED = 405;
const PROGRESS_MS = 5_000;
/** Calls on one stock: a token may make 600 a minute. */
const ROUND = 400;
/** Rounds side by side, each in an account of its own. */
const LANES = 4;
/** Calls of a round side by side. */
const AT_ONCE = 4;
/** The last calls of a round come one by one: whoever is refused must have changed nothing. */
const WATCHED = 6;
/** A caller that hung up may have been heard all the same. */
const SETTLE_MS = 500;
/** One of so many GETs is asked again as HEAD. */
const HEAD_EACH = 10;

/** Ends the process: with 1 if anything was wrong. */
export function runFuzz(options: FuzzOptions): Promise<never> {
  console.log(`Seed ${options.seed}.`);
  return playOnServer("fuzz", async (server) => new Run(server, options, await server.url).play());
}

class Run {
  readonly #server: LocalServer;
  readonly #options: FuzzOptions;
  readonly #url: string;
  readonly #tally = new Tally();
  #nextRound = 0;

  constructor(server: LocalServer, options: FuzzOptions, url: string) {
    this.#server = server;
    this.#options = options;
    this.#url = url;
  }

  /** Whether all was right. */
  async play(): Promise<boolean> {
    const description = await Description.read(this.#url);
    const judge = new Judge(description);
    const bystander = await this.#server.makeToken("bystander");
    const { stock: foreign, clear } = await stockUp(this.#url, bystander, "bystander", "127.0.0");
    const account = new Account(this.#url, foreign.credentials.full[0]);
    await pause(SETTLE_MS);
    const base = { description, foreign, judge, bystander: account, untouched: await readState(account) };
    const { requests, only } = this.#options;
    if (only !== null) return this.#playOne(only, base);
    const rounds = Math.ceil(requests / ROUND);
    console.log(`${requests} calls to ${description.operations.length} operations on ${this.#url}:`);
    // Before the calls: while another process writes to it, the server's database is locked.
    const roots: string[] = [];
    while (roots.length < Math.min(LANES, rounds)) roots.push(await this.#server.makeToken(`lane${roots.length}`));
    const began = performance.now();
    const progress = setInterval(() => this.#tellProgress(began), PROGRESS_MS);
    await Promise.all(roots.map((root) => this.#runLane(root, rounds, base)));
    clearInterval(progress);
    await clear();
    return this.#tell((performance.now() - began) / 1000);
  }

  async #runLane(root: string, rounds: number, base: Base): Promise<void> {
    while (this.#nextRound < rounds) {
      const round = this.#nextRound++;
      const { stocked, place } = await this.#open(root, round, base);
      const end = Math.min(this.#options.requests, (round + 1) * ROUND);
      await this.#playRound(round * ROUND, end, place, base);
      await stocked.clear();
    }
  }

  async #open(
    root: string,
    round: number,
    { description, foreign }: Base,
  ): Promise<{ stocked: Stocked; place: Place }> {
    const address = `127.${1 + Math.floor(round / 256)}.${round % 256}`;
    const stocked = await stockUp(this.#url, root, `round${round}`, address);
    return { stocked, place: { description, foreign, stock: stocked.stock, address } };
  }

  async #playRound(first: number, end: number, place: Place, base: Base): Promise<void> {
    let next = first;
    const watchedFrom = Math.max(first, end - WATCHED);
    const work = async () => {
      while (next < watchedFrom) await this.#playCall(this.#draw(next++, place), base);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    await this.#playWatched(
      Array.from({ length: end - watchedFrom }, (_, at) => this.#draw(watchedFrom + at, place)),
      place,
      base,
    );
    const difference = differenceOf(base.untouched, await readState(base.bystander));
    if (difference !== null) {
      this.#tally.blame(this.#draw(first, place), "another account", `${difference} changed in the round of this call`);
    }
  }

  /** One by one; resolves with the last answer. */
  async #playWatched(calls: readonly Drawn[], { stock }: Place, base: Base): Promise<Reply | null> {
    const account = new Account(this.#url, stock.credentials.full[1]);
    await pause(SETTLE_MS);
    let before = await readState(account);
    let reply: Reply | null = null;
    for (const call of calls) {
      reply = await this.#playCall(call, base);
      if (reply === null) await pause(SETTLE_MS);
      const after = await readState(account);
      const difference = differenceOf(before, after);
      if (reply !== null && reply.status >= 400 && difference !== null) {
        this.#tally.blame(call, this.#routeOf(call, base), `${reply.status} and ${difference} changed`);
      }
      before = after;
    }
    return reply;
  }

  #draw(number: number, place: Place): Drawn {
    return draw(number, place, seededRandom(Math.imul(this.#options.seed, 1_000_003) + number));
  }

  #routeOf(call: Drawn, { judge }: Base): string {
    const operation = judge.operationOf(call);
    return operation === null ? "beside the description" : `${operation.method} ${operation.path}`;
  }

  /** Null without an answer. */
  async #playCall(call: Drawn, base: Base): Promise<Reply | null> {
    const reply = await this.#ask(call, base);
    if (reply !== null && call.method === "GET" && call.number % HEAD_EACH === 0)
      await this.#compareHead(call, reply, base);
    return reply;
  }

  async #ask(call: Drawn, base: Base): Promise<Reply | null> {
    const route = this.#routeOf(call, base);
    try {
      const reply = await send(this.#url, call);
      this.#tally.count(route, reply?.status ?? "hung up");
      const fault = reply === null ? null : base.judge.faultOf(call, reply);
      if (fault !== null) this.#tally.blame(call, route, fault);
      return reply;
    } catch (error) {
      this.#tally.count(route, "no answer");
      this.#tally.blame(call, route, error instanceof Error ? error.message : String(error));
      return null;
    }
  }

  /** What changed meanwhile is known by a second GET. */
  async #compareHead(call: Drawn, before: Reply, base: Base): Promise<void> {
    const head = await this.#ask({ ...call, method: "HEAD" }, base);
    const after = await this.#ask(call, base);
    if (head === null || head.status === METHOD_NOT_ALLOWED) return;
    if (before.status !== after?.status || head.status === before.status) return;
    this.#tally.blame(call, this.#routeOf(call, base), `HEAD ${head.status} in place of ${before.status}`);
  }

  #tellProgress(began: number): void {
    const seconds = (performance.now() - began) / 1000;
    const mistakes = [...this.#tally.mistakes.values()].reduce((sum, { count }) => sum + count, 0);
    console.log(`${seconds.toFixed(0).padStart(5)} s  ${this.#tally.calls} calls, ${mistakes} answered wrongly`);
  }

  #tell(seconds: number): boolean {
    const { calls } = this.#tally;
    console.log(`\nStatuses by route\n${this.#tally.lines().join("\n")}`);
    console.log(
      `\n${calls} calls in ${seconds.toFixed(0)} s, ${(calls / seconds).toFixed(0)} a second. ${this.#tally.total()}`,
    );
    const failures = this.#server
      .log()
      .split("\n")
      .filter((line) => /"event":"\w+\.failed"|Uncaught/.test(line));
    const mistakes = [...this.#tally.mistakes.values()].sort((one, other) => other.count - one.count);
    for (const { route, words, first, count } of mistakes) {
      console.log(`\n${count} x ${route}: ${words}\n${describe(first, this.#url, this.#options.seed)}`);
    }
    if (failures.length > 0)
      console.log(`\n${failures.length} failures in the log:\n${failures.slice(0, 10).join("\n")}`);
    const isRight = mistakes.length === 0 && failures.length === 0;
    const wrong = `Wrong: ${mistakes.length} kinds of answers, and ${failures.length} failures in the log.`;
    console.log(isRight ? "\nEvery answer was one that the description has." : `\n${wrong}`);
    return isRight;
  }

  async #playOne(number: number, base: Base): Promise<boolean> {
    const { place } = await this.#open(await this.#server.makeToken("lane0"), Math.floor(number / ROUND), base);
    const call = this.#draw(number, place);
    console.log(describe(call, this.#url, this.#options.seed));
    const reply = await this.#playWatched([call], place, base);
    console.log(
      `\n${reply?.status}\n${JSON.stringify(reply?.headers, null, 2)}\n${reply?.body.toString().slice(0, SHOWN)}`,
    );
    return this.#tell(1);
  }
}

interface Base {
  readonly description: Description;
  readonly foreign: Place["foreign"];
  readonly judge: Judge;
  /** Whose things nobody may touch. */
  readonly bystander: Account;
  readonly untouched: AccountState;
}

const SHOWN = 2_000;

/** The call as a command to copy, and how it is sent again. */
function describe(call: Drawn, url: string, seed: number): string {
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const headers = call.headers.map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`);
  const body =
    call.body === null ? [] : [`--data-binary ${quote(Buffer.from(call.body).toString("latin1").slice(0, SHOWN))}`];
  const line = [
    "curl -i --path-as-is",
    `-X ${call.method}`,
    ...headers,
    ...body,
    quote(url + call.path.slice(0, SHOWN)),
  ];
  const faults = call.faults.length === 0 ? "a valid call" : call.faults.join(", ");
  return `  number ${call.number}, ${faults}\n  ${line.join(" ")}\n  Again: npm run fuzz -- --seed ${seed} --only ${call.number}`;
}
