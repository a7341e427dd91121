/** A printer in memory, driven through the pure `step` as the object drives it, with every effect that it asked for. */
import type { Effect, Printer, PrinterState } from "../../src/domain/change.ts";
import { DEFAULT_CONFIGURATION } from "../../src/domain/configuration.ts";
import type { PrinterEvent } from "../../src/domain/events.ts";
import { initialState } from "../../src/domain/initial-state.ts";
import type { Print } from "../../src/domain/print.ts";
import { type Input, type Reply, step } from "../../src/domain/printer.ts";
import { BLANK_FRAME } from "../../src/domain/report.ts";
import { readAgentMessage } from "../../src/protocol/agent.ts";

export function newState(patch: Partial<PrinterState> = {}): PrinterState {
  const configuration = { ...DEFAULT_CONFIGURATION, name: "Bench" };
  const born = initialState({ id: 7, uid: "uid", userId: 1, createdAt: 0, configuration });
  return { ...born, agentName: "moonraker_obico", dialect: "moonraker", ...patch };
}

export class MemoryPrinter {
  printer: Printer = { state: newState(), socket: null, shown: null, settings: null };
  now: number;
  readonly effects: Effect[] = [];
  /** What D1 would show. */
  readonly prints = new Map<number, Print>();
  readonly events: PrinterEvent[] = [];
  readonly #remembered = new Map<number, Print>();

  constructor(now: number) {
    this.now = now;
  }

  apply(input: Input): Reply {
    const stepped = step(this.printer, input, this.now);
    this.printer = stepped.printer;
    for (const effect of stepped.effects) {
      this.effects.push(effect);
      if (effect.type === "project-print") this.prints.set(effect.print.id, effect.print);
      if (effect.type === "project-event") this.#tell(effect.event);
      if (effect.type === "remember-print") this.#remember(effect.print);
    }
    return stepped.reply;
  }

  /** An end that is told anew takes the place of the first, and a later date. */
  #tell(event: PrinterEvent): void {
    const earlier = this.events.findIndex(({ id }) => id === event.id);
    if (earlier >= 0) this.events.splice(earlier, 1);
    this.events.push(event);
  }

  /** Each print under its last time stamp only, as the object does. */
  #remember(print: Print): void {
    for (const [extId, { id }] of this.#remembered) if (id === print.id) this.#remembered.delete(extId);
    this.#remembered.set(print.extId, print);
  }

  open(): void {
    this.apply({ type: "agent-opened", generation: 1, keyId: "t1", origin: "https://platen.test", ref: "p:opening" });
  }

  /** The agent answers the probe with which its socket began. */
  answer(ref = "p:opening"): void {
    this.hear({ passthru: { ref, error: "Request not supported" } });
  }

  close(): void {
    this.apply({ type: "agent-closed", connection: this.printer.socket?.connection ?? 0 });
  }

  hear(said: unknown): void {
    const frame = said instanceof ArrayBuffer ? BLANK_FRAME : readAgentMessage(JSON.stringify(said)).frame;
    const extId = frame.report?.printExtId ?? null;
    const remembered = extId === null ? null : (this.#remembered.get(extId) ?? null);
    this.apply({ type: "frame", frame, remembered });
  }

  /** As the object does between two events: whatever is not plain JSON is gone. */
  evict(): void {
    this.printer = JSON.parse(JSON.stringify(this.printer));
  }
}
