/** Ledgers that somebody broke on purpose: each is the real `step` but for one thing, which the fault harness must notice. */
import type { Decide } from "../../../scripts/chaos/shell.ts";
import { change, type Effect, type Printer } from "../../../src/domain/change.ts";
import type { Command, CommandReason, CommandState } from "../../../src/domain/command.ts";
import type { CommandKind } from "../../../src/domain/command-kind.ts";
import { type Step, step } from "../../../src/domain/printer.ts";
import { BLANK_FRAME } from "../../../src/domain/report.ts";

/** Refuses what `isMeant` for that reason, and sends nothing. */
export function refusing(reason: CommandReason, isMeant: (kind: CommandKind) => boolean = () => true): Decide {
  return (printer, input, now) => {
    const real = step(printer, input, now);
    if (input.type !== "command" || !isMeant(input.command.kind)) return real;
    const command = imageOf(real, input.command.id);
    // One that the real ledger refused, or that its twin answered, stays so.
    if (command === null || command.state === "rejected") return real;
    const refused: Command = { ...command, state: "rejected", reason, sentAt: null, probeBy: null, endedAt: now };
    const effects: Effect[] = [{ type: "project-command", command: refused }];
    return { ...change(printer), effects, reply: { type: "command", commandId: command.id } };
  };
}

/** No answer is a receipt. */
export const deafToReceipts: Decide = (printer, input, now) => {
  if (input.type !== "frame") return step(printer, input, now);
  return step(printer, { ...input, frame: { ...input.frame, answer: null } }, now);
};

/** Reports move prints, but say nothing of commands. */
export const blindToReports: Decide = (printer, input, now) => {
  if (input.type !== "frame" || input.frame.report === null) return step(printer, input, now);
  const { answer } = input.frame;
  const told = step(printer, { ...input, frame: { ...BLANK_FRAME, answer } }, now);
  const seen = step(withLedger(printer, []), input, now);
  return { ...seen, printer: withLedger(seen.printer, told.printer.state.ledger), effects: merged(seen, told) };
};

/** What nothing came of ends in another state, for a reason that sounds well. */
export function renaming(from: CommandState, state: CommandState, reason: CommandReason | null): Decide {
  return (printer, input, now) => {
    const real = step(printer, input, now);
    const renamed = (command: Command): Command => (command.state === from ? { ...command, state, reason } : command);
    const effects = real.effects.map((effect) =>
      effect.type === "project-command" ? { ...effect, command: renamed(effect.command) } : effect,
    );
    const ledger = real.printer.state.ledger.filter((command) => command.state !== from);
    const isSame = ledger.length === real.printer.state.ledger.length;
    return { ...real, effects, printer: isSame ? real.printer : withLedger(real.printer, ledger) };
  };
}

/** What the socket did not take counts as sent. */
export const deafToFailedSends: Decide = (printer, input, now) =>
  input.type === "send-failed" ? { ...change(printer), reply: { type: "done" } } : step(printer, input, now);

/** A file's command is taken as if it were the first. */
export const forgetfulOfFiles: Decide = (printer, input, now) => {
  if (input.type !== "command" || input.command.kind !== "print_file") return step(printer, input, now);
  const files = printer.state.ledger.filter(({ kind }) => kind === "print_file");
  const others = printer.state.ledger.filter(({ kind }) => kind !== "print_file");
  const taken = step(withLedger(printer, others), input, now);
  return { ...taken, printer: withLedger(taken.printer, [...files, ...taken.printer.state.ledger]) };
};

/** A receipt is taken for the outcome. */
export const credulous: Decide = (printer, input, now) => {
  const real = step(printer, input, now);
  const { ledger } = real.printer.state;
  const done = ledger.filter(({ state }) => state === "delivered").map((command) => succeeded(command, now));
  if (done.length === 0) return real;
  const effects = [...real.effects, ...done.map((command) => ({ type: "project-command", command }) as const)];
  const left = ledger.filter(({ state }) => state !== "delivered");
  return { ...real, effects, printer: withLedger(real.printer, left) };
};

/** Nothing is ever given up. */
export const patient: Decide = (printer, input, now) => {
  const never = Number.MAX_SAFE_INTEGER;
  const ledger = printer.state.ledger.map((command) => ({
    ...command,
    expiresAt: never,
    settleBy: command.settleBy === null ? null : never,
  }));
  return step(ledger.length === 0 ? printer : withLedger(printer, ledger), input, now);
};

function succeeded(command: Command, now: number): Command {
  return { ...command, state: "succeeded", reason: null, endedAt: now };
}

function withLedger(printer: Printer, ledger: readonly Command[]): Printer {
  return { ...printer, state: { ...printer.state, ledger } };
}

/** What the one says of the printer, and the other of commands. */
function merged(seen: Step, told: Step): Effect[] {
  const isOfCommand = ({ type }: Effect) =>
    type === "project-command" || type === "send-command" || type === "send-probe";
  return [...seen.effects.filter((effect) => !isOfCommand(effect)), ...told.effects.filter(isOfCommand)];
}

function imageOf({ printer, effects }: Step, commandId: string): Command | null {
  const ended = effects.flatMap((effect) => (effect.type === "project-command" ? [effect.command] : []));
  return [...printer.state.ledger, ...ended].find(({ id }) => id === commandId) ?? null;
}
