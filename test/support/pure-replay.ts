/** The same frames as `Replay`'s through `readAgentMessage` and `step` alone: what the ledger says in the end, within a moment. */
import type { CommandRecord } from "../../src/domain/command.ts";
import { nextAlarm } from "../../src/domain/printer.ts";
import { MemoryPrinter } from "./memory-printer.ts";
import { type RecordedCommand, type RecordedFrame, type RecordedLine, startOf } from "./recordings.ts";
import type { Claim } from "./truth.ts";

/** Until every command has an end. */
const QUIET_S = 7 * 60;

class PureReplay {
  readonly printer: MemoryPrinter;
  readonly #start: number;
  readonly #commands: { readonly id: string; readonly command: RecordedCommand }[] = [];
  /** Recorded references of which a frame of ours went out, by that frame's. */
  readonly #refs = new Map<unknown, string | null>();
  #carriedOut = 0;

  constructor(start: number) {
    this.#start = start;
    this.printer = new MemoryPrinter(start * 1000);
  }

  /** Alarms go off at their moments. */
  pass(t: number): void {
    const until = (this.#start + t) * 1000;
    for (;;) {
      const alarm = nextAlarm(this.printer.printer, this.printer.now);
      if (alarm === null || alarm > until) break;
      this.printer.now = Math.max(alarm, this.printer.now);
      this.printer.apply({ type: "alarm", ref: `p:${alarm}` });
      this.#answer();
    }
    this.printer.now = until;
  }

  play(line: RecordedLine): void {
    if (line.kind === "handshake") this.printer.open();
    else if (line.kind === "closed") this.printer.close();
    else if (line.kind === "command") this.#command(line);
    else if (line.kind === "frame") this.#hear(line.frame);
    this.#answer();
  }

  #hear(frame: RecordedFrame): void {
    const recorded = frame.passthru?.ref;
    const ref = recorded === undefined ? undefined : (this.#refs.get(recorded) ?? null);
    if (ref === undefined) this.printer.hear(frame);
    else if (ref !== null) this.printer.hear({ ...frame, passthru: { ...frame.passthru, ref } });
  }

  #command(command: RecordedCommand): void {
    const id = `command ${this.#commands.length}`;
    const ref = `c:${id}`;
    const caller = { initiator: "api", userId: 1, tokenName: "ci" } as const;
    const request = { id, kind: command.cmd, printId: null, file: null, ...caller, ref, probeRef: `p:${id}` };
    const reply = this.printer.apply({ type: "command", command: request });
    this.#commands.push({ id: reply.type === "command" ? reply.commandId : id, command });
    this.#answer();
    if (command.ref !== null) this.#refs.set(command.ref, this.#isSent(id) ? ref : null);
  }

  #isSent(id: string): boolean {
    return this.printer.effects.some((effect) => effect.type === "send-command" && effect.command.id === id);
  }

  /** As the agent answers probes, at once. */
  #answer(): void {
    for (; this.#carriedOut < this.printer.effects.length; this.#carriedOut += 1) {
      const effect = this.printer.effects[this.#carriedOut];
      if (effect?.type !== "send-probe") continue;
      this.printer.hear({ passthru: { ref: effect.ref, error: "Request not supported." } });
    }
  }

  claims(): Claim[] {
    const ended = new Map<string, CommandRecord>(this.printer.printer.state.ledger.map((one) => [one.id, one]));
    for (const effect of this.printer.effects) {
      if (effect.type === "project-command") ended.set(effect.command.id, effect.command);
    }
    return this.#commands.map(({ id, command }) => {
      const { state = "lost", reason = null } = ended.get(id) ?? {};
      return { command, state, reason };
    });
  }
}

export function replayPurely(lines: readonly RecordedLine[]): { claims: Claim[]; printer: MemoryPrinter } {
  const replay = new PureReplay(startOf(lines));
  for (const line of lines) {
    replay.pass(line.t);
    replay.play(line);
  }
  replay.pass((lines.at(-1)?.t ?? 0) + QUIET_S);
  return { claims: replay.claims(), printer: replay.printer };
}
