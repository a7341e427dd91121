/** Observes a world from outside: calls, steps, frames handed over and read. Throws at the first broken promise. */
import type { Effect, Printer } from "../../src/domain/change.ts";
import type { Input } from "../../src/domain/printer.ts";
import type { AgentWitness } from "./agent.ts";
import { Claims, type Turn } from "./claims.ts";
import type { Answer, Call } from "./desk.ts";
import { HandOvers, type Sent, startsMotion } from "./handovers.ts";
import { Hearsay } from "./hearsay.ts";
import { Liveness } from "./liveness.ts";
import { type Cause, ITSELF, type Machine } from "./machine.ts";
import type { Spoiled } from "./pause-scripts.ts";
import { hold, LIMITS } from "./promises.ts";
import { type Moment, Reasons } from "./reasons.ts";
import type { ShellWitness } from "./shell.ts";
import type { Simulation } from "./simulation.ts";
import type { Tally } from "./tally.ts";
import type { Wire } from "./wire.ts";

export interface WitnessWorld {
  readonly simulation: Simulation;
  readonly machine: Machine;
  readonly tally: Tally;
  readonly clockAheadMs: number;
  /** What the machine did is noticed by its agent so late at most. */
  readonly lookMs: number;
  /** Nothing goes wrong in this world. */
  readonly isQuiet: boolean;
}

export class Witness implements ShellWitness, AgentWitness {
  readonly #simulation: Simulation;
  readonly #machine: Machine;
  readonly #tally: Tally;
  readonly #told: Hearsay;
  readonly #sent: HandOvers;
  readonly #claims: Claims;
  readonly #reasons: Reasons;
  /** Null where faults may be the cause of anything. */
  readonly #liveness: Liveness | null;
  readonly #keyOf = new Map<string, string>();
  readonly #commandOf = new Map<string, string>();
  readonly #unanswered = new Set<string>();
  #heardBefore = Number.NEGATIVE_INFINITY;

  constructor({ simulation, machine, tally, clockAheadMs, lookMs, isQuiet }: WitnessWorld) {
    this.#simulation = simulation;
    this.#machine = machine;
    this.#tally = tally;
    const told = new Hearsay(clockAheadMs);
    const sent = new HandOvers(told);
    const claims = new Claims({ simulation, machine, tally, lookMs, told, sent });
    this.#told = told;
    this.#sent = sent;
    this.#claims = claims;
    this.#reasons = new Reasons({ machine, told, sent, claims, isQuiet });
    this.#liveness = isQuiet ? new Liveness({ simulation, machine, tally, lookMs, told, sent, claims }) : null;
  }

  get commands(): number {
    return this.#claims.commands.size;
  }

  /** Some command or call has not come to its end. */
  get isUnsettled(): boolean {
    const commands = [...this.#claims.commands.values()];
    return (
      this.#unanswered.size > 0 ||
      commands.some(({ state }) => state === "sent" || state === "delivered" || state === "checking")
    );
  }

  onFrame(connection: number): void {
    this.#heardBefore = this.#told.heardAt(connection);
    this.#told.onFrame(connection, this.#simulation.now);
  }

  onStep(before: Printer, after: Printer, effects: readonly Effect[], input: Input): void {
    const { now } = this.#simulation;
    // Who was told of a socket's end first, the ledger or the presence, is one step's own business.
    const heardBefore = input.type === "frame" ? this.#heardBefore : this.#told.heardAt(this.#told.connection ?? 0);
    this.#told.onStep(after, effects, input, now);
    if (input.type === "command") this.#sent.onTaken(input.command.id, input.command.printId, now);
    // `sent` claims nothing yet: a frame is judged when it is handed over.
    const ended = effects.flatMap((effect) => (effect.type === "project-command" ? [effect.command] : []));
    const kept = before.state.ledger === after.state.ledger ? [] : after.state.ledger;
    const turns = [...ended, ...kept].flatMap((command) => this.#claims.onImage(command) ?? []);
    this.#judge(turns, { after, effects, input, now, heardBefore });
  }

  /** After all images are known: what ended a command may be the next one. */
  #judge(turns: readonly Turn[], moment: Moment): void {
    const { input } = moment;
    for (const turn of turns) {
      const { kind, state, reason } = turn.command;
      this.#tally.count("reasons", reason === null ? `${kind}: ${state}` : `${kind}: ${state}, ${reason}`);
      this.#reasons.judge(turn, moment);
    }
    if (input.type === "send-failed") this.#checkSendFailed(input.commandId);
    const answered = input.type === "frame" ? input.frame.answer?.ref : undefined;
    if (answered !== undefined) this.#checkReceipt(answered);
  }

  #checkSendFailed(commandId: string): void {
    const state = this.#claims.stateOf(commandId);
    hold(state === "rejected", "send-failed", `${commandId} was not taken by the socket, and is ${state}`);
  }

  #checkReceipt(ref: string): void {
    const sent = this.#sent.findByRef(ref);
    if (sent === undefined) return;
    const { id, kind } = sent.command;
    const state = this.#claims.stateOf(id);
    hold(state !== "sent", "receipt", `${kind} ${id} is still sent, and its receipt is there`);
  }

  onHandOver(effect: Effect & { type: "send-command" }, wire: Wire, _after: Printer, input: Input): void {
    const { id, kind } = effect.command;
    this.#sent.onHandOver(effect.command, wire.connection, input, this.#simulation.now);
    this.#tally.count("frames", `${kind} handed over`);
    const key = this.#keyOf.get(id);
    if (key !== undefined) this.#holdKey(key, id, "was handed over");
  }

  /** Somebody presses a button. */
  onCall({ id, key, kind, waitMs }: Call): void {
    this.#unanswered.add(id);
    // A call that broke is retried once, and then waits again.
    const longest = LIMITS.travel + 2 * (waitMs ?? LIMITS.answer);
    this.#simulation.after(longest, () => {
      hold(!this.#unanswered.has(id), "answered", `${kind} ${id} has no answer after ${longest} ms`);
    });
    if (key !== null) this.#keyOf.set(id, key);
  }

  /** `answer` null: the call broke. */
  onAnswer({ id, key }: Call, answer: Answer | null): void {
    this.#unanswered.delete(id);
    if (answer === null) this.#tally.count("answers", "broken");
    else this.#checkAnswer(key, answer);
  }

  onRead(ref: string): void {
    const sent = this.#sent.findByRef(ref);
    if (sent === undefined) return;
    // Of a file a later frame may repeat the ref, and an agent forgets the oldest of them.
    hold(
      sent.readAt === null || sent.command.file !== null,
      "one-frame",
      `${sent.command.kind} ${sent.command.id} was read twice`,
    );
    sent.readAt = this.#simulation.now;
    this.#tally.count("frames", `${sent.command.kind} read`);
    for (const late of this.#latenessOf(sent)) this.#tally.count("network", `${sent.command.kind} read ${late}`);
  }

  onTaken(ref: string, isTaken: boolean): void {
    const sent = this.#sent.findByRef(ref);
    if (sent === undefined || !isTaken) return;
    for (const late of this.#latenessOf(sent)) this.#tally.count("network", `${sent.command.kind} obeyed ${late}`);
  }

  onSecondDownload(ref: string): void {
    const command = this.#sent.findByRef(ref)?.command;
    hold(false, "one-download", `print_file ${command?.id} is a second download`);
  }

  onRefusal(cause: Cause): void {
    this.#claims.onRefusal(cause);
    this.#liveness?.onRefusal(cause);
  }

  onSpoiled(how: Spoiled, ref: string): void {
    const sent = this.#sent.findByRef(ref);
    const excuse = sent === undefined ? null : this.#excuseOf(sent);
    hold(excuse !== null, "as-it-was", `the print goes on ${how}, after pause ${sent?.command.id}`);
    this.#tally.count("network", `a print went on ${how} after a pause ${excuse}`);
  }

  /** Why a pause frame could not be known to be out of place; null: it could. */
  #excuseOf({ command, isToKnown, wasShownAtWork }: Sent): string | null {
    // The plugin keeps what a print that ended while it was paused did not use, and nothing takes it back.
    if (wasShownAtWork && this.#machine.print?.ts !== command.printExtId) return "of a print before it";
    // Without faults a frame is read at once, and nobody else pauses, but the machine itself that fails to go on.
    const hasFailed = this.#machine.history.at(-2)?.cause === ITSELF;
    if (this.#liveness !== null && !hasFailed) return null;
    if (!isToKnown) return "by an agent whose name was lost";
    return wasShownAtWork ? "that was paused before it was read" : null;
  }

  /** At the end of a world. */
  onEnd(): void {
    hold(this.#unanswered.size === 0, "answered", `${this.#unanswered.size} calls got no answer`);
    for (const { state } of this.#claims.commands.values()) this.#tally.count("commands", state);
    for (const { command, readAt } of this.#sent.all) {
      if (readAt === null) this.#tally.count("frames", `${command.kind} lost`);
    }
    this.#liveness?.onEnd();
  }

  #checkAnswer(key: string | null, answer: Answer): void {
    const { succeeded, command } = answer;
    this.#tally.count("answers", succeeded ? "succeeded" : "not succeeded");
    if (key !== null && command.state !== "rejected") this.#holdKey(key, command.id, "answers");
    if (!succeeded) return;
    const sent = this.#sent.find(command.id);
    if (sent?.readAt != null) return;
    const isOwed = sent?.owesReceipt !== false && !this.#claims.isBelieved(command.id);
    hold(!isOwed, "read-by-agent", `${command.kind} ${command.id} is answered as succeeded, and no agent read it`);
    this.#tally.count("network", "believed without a receipt, and not read by then");
  }

  /** A key belongs to the first command that was sent or answered under it; a rejected one frees it. */
  #holdKey(key: string, commandId: string, did: string): void {
    const holder = this.#commandOf.get(key) ?? commandId;
    const isFree = this.#claims.stateOf(holder) === "rejected" && this.#sent.find(holder) === undefined;
    const first = isFree ? commandId : holder;
    this.#commandOf.set(key, first);
    hold(first === commandId, "same-key", `${commandId} ${did} for the key of ${first}`);
  }

  /** Lateness that the network alone causes, for a frame that was handed over in time. */
  #latenessOf({ command, at }: Sent): string[] {
    const { now } = this.#simulation;
    const { kind, id, createdAt, printExtId } = command;
    const print = this.#machine.print?.ts ?? null;
    const ways = {
      "after its deadline": now >= createdAt + LIMITS.expires,
      "over 5 s late": startsMotion(kind) && now - at > LIMITS.heard,
      "after its print ended": kind !== "print_file" && print !== printExtId,
      "after it was superseded": this.#claims.stateOf(id) === "superseded",
    };
    return Object.entries(ways).flatMap(([way, isSo]) => (isSo ? [way] : []));
  }
}
