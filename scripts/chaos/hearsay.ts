/** What the object was told, recorded from its inputs alone: sockets, the newest frames, the reported print. */
import type { Effect, Printer } from "../../src/domain/change.ts";
import { GIVES_RECEIPTS } from "../../src/domain/dialect.ts";
import type { Phase } from "../../src/domain/phase.ts";
import type { Input } from "../../src/domain/printer.ts";
import type { AgentFrame, Report, ReportedEventType } from "../../src/domain/report.ts";
import { LIMITS } from "./promises.ts";

const ENDS: readonly ReportedEventType[] = ["done", "failed"];

/** An agent that answers nothing is asked ten times, once for each frame. */
const BACKLOG_FRAMES = 20;

/** The newest status of a socket. */
export interface HeardStatus {
  readonly phase: Phase | null;
  /** Arrival, epoch milliseconds. */
  readonly at: number;
  /** It told of now: an answer of the agent's lay behind it, or it was new when it came. */
  readonly isLive: boolean;
  /** Nobody can take it for one that waited in a queue. */
  readonly isSurelyLive: boolean;
}

export class Hearsay {
  /** The open socket; null: none. */
  connection: number | null = null;
  /** The `current_print_ts` of the newest frame that had one; null before the first. */
  printTs: number | null = null;
  /** Time stamps of prints that were reported as ended, of those that another reported print followed, and of those told as cancelled. */
  readonly over = new Set<number>();
  readonly left = new Set<number>();
  readonly cancelled = new Set<number>();
  /** One of the two agents that give receipts has said its name. */
  isIntroduced = false;
  /** When sockets replaced open ones. */
  readonly #replacedAt: number[] = [];
  readonly #clockAheadMs: number;
  readonly #heardAt = new Map<number, number>();
  readonly #answeredOn = new Set<number>();
  readonly #frames = new Map<number, number>();
  readonly #statuses = new Map<number, HeardStatus>();
  readonly #live = new Map<number, HeardStatus>();
  readonly #surelyLive = new Map<number, HeardStatus>();
  readonly #shownAt = new Map<Phase, number>();

  constructor(clockAheadMs: number) {
    this.#clockAheadMs = clockAheadMs;
  }

  onStep(after: Printer, effects: readonly Effect[], input: Input, now: number): void {
    const closes = effects.some(({ type }) => type === "close-agent");
    if (closes && input.type === "agent-opened") this.#replacedAt.push(now);
    if (input.type === "agent-closed" || input.type === "agent-lost" || closes) this.connection = null;
    if (input.type === "agent-opened") {
      this.connection = after.state.connectionSequence;
      this.#heardAt.set(this.connection, now);
    }
    if (input.type === "frame") this.#take(input.frame, now);
  }

  /** A frame arrived, whatever became of it. */
  onFrame(connection: number, now: number): void {
    this.#heardAt.set(connection, now);
    this.#frames.set(connection, (this.#frames.get(connection) ?? 0) + 1);
  }

  /** Nobody can take that socket's frames for a backlog any more: it answered, or has said much since it opened. */
  isBeyondBacklog(connection: number): boolean {
    return this.hasAnswered(connection) || (this.#frames.get(connection) ?? 0) > BACKLOG_FRAMES;
  }

  /** Arrival of the newest frame on that socket, or its opening. */
  heardAt(connection: number): number {
    return this.#heardAt.get(connection) ?? Number.NEGATIVE_INFINITY;
  }

  /** Receipts are due on this socket: the agent is a known one, or gave one there. */
  owesReceipts(connection: number): boolean {
    return this.isIntroduced || this.hasAnswered(connection);
  }

  /** The agent has given a receipt on this socket. */
  hasAnswered(connection: number): boolean {
    return this.#answeredOn.has(connection);
  }

  statusOn(connection: number): HeardStatus | null {
    return this.#statuses.get(connection) ?? null;
  }

  /** Each that may be taken for the newest live one of that socket. */
  liveStatusesOn(connection: number): HeardStatus[] {
    return [this.#live, this.#surelyLive].flatMap((statuses) => statuses.get(connection) ?? []);
  }

  /** When any socket showed that phase last. */
  shownAt(phase: Phase): number {
    return this.#shownAt.get(phase) ?? Number.NEGATIVE_INFINITY;
  }

  #take({ report, answer }: AgentFrame, now: number): void {
    if (answer !== null && this.connection !== null) this.#answeredOn.add(this.connection);
    if (report === null) return;
    if (GIVES_RECEIPTS[report.settings?.dialect ?? "other"]) this.isIntroduced = true;
    this.#takeStatus(report, now);
    this.#takePrint(report, now);
  }

  #takeStatus({ status }: Report, now: number): void {
    if (status === null || this.connection === null) return;
    const hasAnswered = this.hasAnswered(this.connection);
    const isNew = status.ts !== null && now - (status.ts * 1_000 - this.#clockAheadMs) < LIMITS.live;
    const { phase } = status;
    if (phase !== null) this.#shownAt.set(phase, now);
    const heard = { phase, at: now, isLive: isNew || hasAnswered, isSurelyLive: isNew && hasAnswered };
    this.#statuses.set(this.connection, heard);
    if (heard.isLive) this.#live.set(this.connection, heard);
    if (heard.isSurelyLive) this.#surelyLive.set(this.connection, heard);
  }

  /** The object takes the agent for two with one token: one of them may be idle while the other prints. */
  #isContested(now: number): boolean {
    return this.#replacedAt.filter((at) => now - at < LIMITS.contested).length >= 3;
  }

  #takePrint({ printExtId: ts, event }: Report, now: number): void {
    if (ts === null) return;
    if (this.printTs !== null && ts !== this.printTs) this.left.add(this.printTs);
    // The print may go on, and may be over: either can be told.
    if (ts === -1 && this.#isContested(now)) return;
    this.printTs = ts;
    if (event === null) return;
    if (ENDS.includes(event.type)) this.over.add(ts);
    if (event.type === "cancelled") this.cancelled.add(ts);
  }
}
