/** What stands between a caller and the object: the Worker's retry, idempotency keys, and the wait for an answer. */
import { isReceiptExpected } from "../../src/domain/agent-socket.ts";
import { type CommandRecord, commandSucceeded, type PrintFile, receiptDueAt } from "../../src/domain/command.ts";
import type { CommandKind } from "../../src/domain/command-kind.ts";
import { between, type Random } from "../virtual/random.ts";
import { Killed, type Shell } from "./shell.ts";
import type { Simulation } from "./simulation.ts";

export interface Call {
  readonly id: string;
  readonly kind: CommandKind;
  readonly printId: number | null;
  readonly file: PrintFile | null;
  readonly key: string | null;
  readonly waitMs: number | null;
}

export interface Answer {
  readonly succeeded: boolean;
  readonly believesSent: boolean;
  readonly command: CommandRecord;
}

interface Waiter {
  readonly look: () => void;
  readonly fail: () => void;
}

export class Desk {
  readonly #simulation: Simulation;
  readonly #random: Random;
  readonly #shell: Shell;
  readonly #keys = new Map<string, string>();
  readonly #waiters = new Set<Waiter>();

  constructor(simulation: Simulation, random: Random, shell: Shell) {
    this.#simulation = simulation;
    this.#random = random;
    this.#shell = shell;
    shell.onChange(() => {
      for (const waiter of [...this.#waiters]) waiter.look();
    });
    shell.onKilled(() => {
      for (const waiter of [...this.#waiters]) waiter.fail();
    });
  }

  /** `answer` gets null for a caller that got an error. A call that broke is retried once, under the same id. */
  take(call: Call, answer: (answer: Answer | null) => void): void {
    this.#try(call, answer, () => {
      this.#simulation.after(between(this.#random, 5, 300), () => this.#try(call, answer, () => answer(null)));
    });
  }

  #try(call: Call, answer: (answer: Answer | null) => void, broken: () => void): void {
    try {
      this.#wait(this.#submit(call), call.waitMs, answer, broken);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      broken();
    }
  }

  #submit(call: Call): string {
    const known = call.key === null ? undefined : this.#keys.get(call.key);
    if (known !== undefined && this.#shell.find(known)?.state !== "rejected") return known;
    if (this.#shell.find(call.id) !== null) return call.id;
    const { id, kind, printId, file } = call;
    const refs = { ref: this.#shell.newRef("c:"), probeRef: this.#shell.newRef("p:") };
    const by = { initiator: "api", userId: 1, tokenName: "chaos" } as const;
    let commandId = id;
    try {
      const reply = this.#shell.call({ type: "command", command: { id, kind, printId, file, ...by, ...refs } });
      if (reply.type === "command") commandId = reply.commandId;
    } finally {
      this.#rememberKey(call.key, commandId);
    }
    return commandId;
  }

  /** The writes of one event commit together: the key is saved exactly if its command is, even when the object dies next. */
  #rememberKey(key: string | null, commandId: string): void {
    const command = this.#shell.find(commandId);
    if (key !== null && command !== null && command.state !== "rejected") this.#keys.set(key, commandId);
  }

  #wait(id: string, waitMs: number | null, answer: (answer: Answer) => void, broken: () => void): void {
    const command = this.#shell.find(id);
    if (command === null) throw new Error(`no command ${id}`);
    const deadline = waitMs === null ? receiptDueAt(command) : this.#simulation.now + waitMs;
    const finish = () => {
      this.#waiters.delete(waiter);
      answer(this.#answer(id));
    };
    const look = () => {
      const isTime = this.#simulation.now >= deadline;
      if (this.#waiters.has(waiter) && (isTime || this.#isSettled(id, waitMs !== null))) finish();
    };
    const fail = () => {
      this.#waiters.delete(waiter);
      broken();
    };
    const waiter: Waiter = { look, fail };
    this.#waiters.add(waiter);
    look();
    this.#simulation.at(deadline, look);
  }

  #isSettled(id: string, isPatient: boolean): boolean {
    const command = this.#shell.find(id);
    if (isPatient) return command?.endedAt != null;
    return command?.state !== "checking" && command?.state !== "sent";
  }

  #answer(id: string): Answer {
    const command = this.#shell.find(id);
    if (command === null) throw new Error(`no command ${id}`);
    const { socket, state } = this.#shell.printer();
    const believesSent = socket !== null && !isReceiptExpected(socket, state.dialect);
    return { succeeded: commandSucceeded(command, believesSent), believesSent, command };
  }
}
