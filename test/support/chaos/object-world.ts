/** Seeded steps against a real object: people, the agent, time, evictions and deaths in any order; each step is judged. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import { hold, LIMITS } from "../../../scripts/chaos/promises.ts";
import { between, pick, type Random } from "../../../scripts/virtual/random.ts";
import type { CommandRecord } from "../../../src/domain/command.ts";
import type { Arrived, Bench, Order } from "./bench.ts";

const ORDERS = ["pause", "resume", "cancel"] as const;
const DONE = { pause: "paused", resume: "printing", cancel: "idle" } as const satisfies Record<Order, string>;
const ALARM_LATE_MS = 2_000;
/** So many commands that were obeyed tell something. */
const ENOUGH = 5;
/** What was seen longer ago refuses nothing, and nobody looks back further. */
const SEEN_MS = LIMITS.fresh + LIMITS.live;

interface Key {
  readonly name: string;
  readonly order: Order;
  commandId: string | null;
}

export class ObjectWorld {
  readonly #bench: Bench;
  readonly #random: Random;
  /** The frame of each command by the command's id; null: it went into a closed socket. */
  readonly #frameOf = new Map<string, Arrived | null>();
  readonly #pressedAt = new Map<string, number>();
  readonly #keys: Key[] = [];
  #made = 0;
  #matched = 0;

  constructor(bench: Bench, random: Random) {
    this.#bench = bench;
    this.#random = random;
  }

  get commands(): number {
    return this.#pressedAt.size;
  }

  async step(): Promise<void> {
    if (this.#random() < 0.25) await evictDurableObject(this.#bench.printer.stub);
    // The agent is silent only while time passes: every other step ends with a frame from it.
    const isQuiet = this.#random() < 0.25;
    if (isQuiet) await this.#pass(pick(this.#random, [200, 2_000, 6_000, 6_000, 20_000, 40_000, 90_000]));
    else {
      await this.#act();
      await this.#bench.collect();
    }
    await this.#judge();
  }

  /** Nothing more happens but time. */
  async finish(): Promise<void> {
    for (let left = 0; left < 3; left += 1) await this.#pass(LIMITS.settle / 2);
    const open = (await this.#list()).filter(({ endedAt }) => endedAt === null);
    hold(open.length === 0, "leaves-delivered", `${open[0]?.kind} ${open[0]?.id} is still ${open[0]?.state}`);
    const obeyed = this.#bench.arrived.filter(({ isObeyed }) => isObeyed).length;
    const succeeded = (await this.#list()).filter(({ state }) => state === "succeeded").length;
    hold(obeyed < ENOUGH || succeeded > 0, "floor", `${obeyed} commands were obeyed, and none succeeded`);
  }

  async #act(): Promise<void> {
    const random = this.#random;
    const dice = random();
    if (!this.#bench.isConnected && dice < 0.3) return this.#bench.connect();
    if (this.#bench.phase === "idle" && dice < 0.5) return this.#bench.begin();
    if (dice < 0.45) return this.#press();
    if (dice < 0.65) return this.#bench.read(random() < 0.8);
    if (dice < 0.75) return this.#bench.report();
    if (dice < 0.78) return this.#bench.phase === "idle" ? this.#bench.report() : this.#bench.finish();
    if (dice < 0.86) return this.#bench.connect();
    if (dice < 0.92) return this.#bench.close();
    if (dice < 0.95) return this.#kill();
    return this.#pressAgain();
  }

  async #press(): Promise<void> {
    const isSensible = this.#random() < 0.7;
    const sensible = this.#bench.phase === "paused" ? "resume" : "pause";
    const order = isSensible ? sensible : pick(this.#random, ORDERS);
    if (this.#bench.isConnected && this.#random() < 0.3) return this.#pressAndRead(order);
    if (this.#random() >= 0.4) {
      await this.#ask(order, null);
      return;
    }
    const key: Key = { name: `key-${this.#keys.length}`, order, commandId: null };
    this.#keys.push(key);
    await Promise.all([this.#askWith(key), this.#askWith(key)]);
  }

  /** The caller waits, and the agent reads meanwhile. */
  async #pressAndRead(order: Order): Promise<void> {
    let isAnswered = false;
    const answered = this.#ask(order, null, null).finally(() => {
      isAnswered = true;
    });
    for (let round = 0; round < 10 && !isAnswered; round += 1) {
      await this.#bench.collect();
      while (this.#bench.isConnected && this.#bench.hasUnread) this.#bench.read(this.#random() < 0.8);
    }
    await answered;
  }

  async #pressAgain(): Promise<void> {
    const key = this.#keys[Math.floor(this.#random() * this.#keys.length)];
    if (key !== undefined) await this.#askWith(key);
  }

  async #askWith(key: Key): Promise<void> {
    const { state, id } = await this.#ask(key.order, key.name);
    if (state === "rejected") return;
    const before = key.commandId === null ? null : await this.#find(key.commandId);
    if (before === null || before.state === "rejected") key.commandId = id;
    hold(key.commandId === id, "same-key", `${id} answers for the key of ${key.commandId}`);
  }

  async #ask(kind: Order, keyHash: string | null, waitMs: number | null = 0): Promise<CommandRecord> {
    const { stub, uid } = this.#bench.printer;
    this.#made += 1;
    const id = `m${this.#made}`;
    const idempotency = keyHash === null ? null : { keyHash, requestHash: kind };
    const by = { initiator: "api", userId: null, tokenName: "chaos" } as const;
    const asked = { id, kind, printId: null, file: null, ...by, idempotency, waitMs };
    if (!this.#pressedAt.has(id)) this.#pressedAt.set(id, Date.now());
    const result = await stub.command(uid, asked);
    if (!result.ok) throw new Error(result.failure.code);
    const { succeeded, command } = result.value;
    this.#judgeRefusal(command);
    // A frame without a command yet belongs to this step, and is the newest.
    const frame = this.#frameOf.has(command.id) ? this.#frameOf.get(command.id) : this.#bench.arrived.at(-1);
    hold(
      !succeeded || frame?.isRead === true,
      "read-by-agent",
      `${kind} ${command.id} is answered as succeeded, and was not read`,
    );
    if (this.#random() < 0.2) await stub.command(uid, asked);
    return command;
  }

  #judgeRefusal({ id, kind, reason }: CommandRecord): void {
    const bench = this.#bench;
    const since = Date.now() - SEEN_MS;
    const contradicted: Readonly<Record<string, boolean>> = {
      not_printing: bench.reported !== null,
      already_paused: !bench.wasIn("paused", since),
      not_paused: !bench.wasIn("printing", since),
    };
    hold(contradicted[reason ?? ""] !== true, "refusal", `${kind} ${id} is refused as ${reason}, and that is not so`);
  }

  /** Alarms fire in time, or somewhat late. */
  async #pass(ms: number): Promise<void> {
    const end = Date.now() + ms;
    for (;;) {
      const due = await runInDurableObject(this.#bench.printer.stub, (_object, state) => state.storage.getAlarm());
      if (due === null || due > end) break;
      const late = between(this.#random, 0, ALARM_LATE_MS);
      vi.setSystemTime(Math.max(Date.now(), Math.floor(due + late)));
      await runDurableObjectAlarm(this.#bench.printer.stub);
    }
    vi.setSystemTime(Math.max(Date.now(), end));
  }

  /** The object dies, and its sockets with it. */
  async #kill(): Promise<void> {
    const { stub, uid } = this.#bench.printer;
    await stub.view(uid);
    await evictDurableObject(stub, { webSockets: "close" });
    this.#bench.close();
  }

  async #find(id: string): Promise<CommandRecord | null> {
    return (await this.#list()).find((command) => command.id === id) ?? null;
  }

  async #list(): Promise<CommandRecord[]> {
    const { stub, uid } = this.#bench.printer;
    const result = await stub.listCommands(uid, { start: 0, limit: 1_000 });
    if (!result.ok) throw new Error(result.failure.code);
    return [...result.value.commands];
  }

  async #judge(): Promise<void> {
    const commands = await this.#list();
    this.#match(commands);
    for (const command of commands) this.#judgeOne(command);
  }

  /** Every command that was sent is one frame, and every frame is a command that was asked for. */
  #match(commands: readonly CommandRecord[]): void {
    const isNew = ({ id, sentAt }: CommandRecord) => sentAt !== null && !this.#frameOf.has(id);
    const sent = commands.filter(isNew).sort((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)));
    const fresh = this.#bench.arrived.slice(this.#matched);
    const seen = `${sent.length} commands were sent, ${fresh.length} frames arrived`;
    hold(sent.length >= fresh.length, "one-frame", seen);
    this.#matched += fresh.length;
    for (const [index, { id, kind }] of sent.entries()) {
      const arrived = fresh[index];
      this.#frameOf.set(id, arrived ?? null);
      if (arrived === undefined) continue;
      hold(arrived.cmd === kind, "order", `${kind} ${id} was sent, ${arrived.cmd} arrived`);
      const age = arrived.at - (this.#pressedAt.get(id) ?? 0);
      hold(age < LIMITS.expires, "deadline", `${kind} ${id} arrived ${age} ms after it was asked for`);
    }
  }

  #judgeOne({ id, kind, state, deliveredAt, expiresAt }: CommandRecord): void {
    const frame = this.#frameOf.get(id) ?? null;
    const what = `${kind} ${id}`;
    hold(deliveredAt === null || frame?.isRead === true, "read-by-agent", `${what} is ${state}, and was not read`);
    const isLate = Date.now() > expiresAt + LIMITS.grace;
    hold(state !== "sent" || !isLate, "leaves-sent", `${what} is still sent`);
    hold(state !== "sent" || frame?.isRead !== true, "receipt", `${what} is still sent, and its receipt is there`);
    hold(state !== "failed" || frame?.isObeyed !== true, "obeyed", `${what} failed, and the agent obeyed`);
    if (state !== "succeeded" || kind === "print_file") return;
    const since = (this.#pressedAt.get(id) ?? 0) - LIMITS.live;
    const isReached = frame?.isObeyed === true || this.#bench.wasIn(DONE[kind], since);
    hold(isReached, "outcome", `${what} is called succeeded, and the machine did not do it`);
  }
}
