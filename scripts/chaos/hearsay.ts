/** What the object was told, recorded from its inputs alone: sockets, the newest frames, the reported print. */
import type { Effect, Printer } from "../../src/domain/change.ts";
import { GIVES_RECEIPTS } from "../../src/domain/dialect.ts";
import type { Input } from "../../src/domain/printer.ts";
import type { AgentFrame, ReportedEventType } from "../../src/domain/report.ts";

const ENDS: readonly ReportedEventType[] = ["done", "failed"];

export class Hearsay {
  /** The open socket; null: none. */
  connection: number | null = null;
  /** The `current_print_ts` of the newest frame that had one; null before the first. */
  printTs: number | null = null;
  /** Time stamps of prints that were reported as ended, and of those that another reported print followed. */
  readonly over = new Set<number>();
  readonly left = new Set<number>();
  /** One of the two agents that give receipts has said its name. */
  isIntroduced = false;
  readonly #heardAt = new Map<number, number>();
  readonly #answeredOn = new Set<number>();

  /** A frame arrived, whatever became of it. */
  onFrame(connection: number, now: number): void {
    this.#heardAt.set(connection, now);
  }

  onStep(after: Printer, effects: readonly Effect[], input: Input, now: number): void {
    const closes = effects.some(({ type }) => type === "close-agent");
    if (input.type === "agent-closed" || input.type === "agent-lost" || closes) this.connection = null;
    if (input.type === "agent-opened") {
      this.connection = after.state.connectionSequence;
      this.#heardAt.set(this.connection, now);
    }
    if (input.type === "frame") this.#take(input.frame);
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

  #take({ report, answer }: AgentFrame): void {
    if (answer !== null && this.connection !== null) this.#answeredOn.add(this.connection);
    if (GIVES_RECEIPTS[report?.settings?.dialect ?? "other"]) this.isIntroduced = true;
    const ts = report?.printExtId ?? null;
    if (ts === null) return;
    if (this.printTs !== null && ts !== this.printTs) this.left.add(this.printTs);
    this.printTs = ts;
    if (report?.event != null && ENDS.includes(report.event.type)) this.over.add(ts);
  }
}
