/** The printer: `step` takes an input and says what becomes of the state and what is to be done; nothing else decides. */
import {
  type Change,
  change,
  type Printer,
  type PrinterState,
  withEffects,
  withEvent,
  withLedger,
  withState,
} from "./change.ts";
import { type CommandRequest, ledgerDeadline } from "./command.ts";
import { traitsOf } from "./command-kind.ts";
import { type ConfigurationPatch, patchConfiguration } from "./configuration.ts";
import {
  type AgentDial,
  type AgentHello,
  agentClosed,
  agentLost,
  agentRemembered,
  closeAgent,
  look,
  nextLook,
  openAgent,
  type RememberedAgent,
} from "./connection.ts";
import { acknowledge, endByServer, finishPrint, mute, removePrint, startPrint, withPrint } from "./current-print.ts";
import { shouldWatch } from "./detection.ts";
import type { EventContent } from "./events.ts";
import { DEAD_TOKEN, type Failure, notFound } from "./failure.ts";
import { ledgerFacts, takeFrame } from "./frame.ts";
import { isGenerationValid, relinkGeneration, rotateGeneration, useGeneration } from "./generation.ts";
import { onSendFailed, onTime, takeCommand } from "./ledger.ts";
import { copyDeadline, copyOverdue } from "./list-copy.ts";
import { type AlertOverwrite, editPrint, endPrint, type Print, type PrintEdit } from "./print.ts";
import type { AgentFrame } from "./report.ts";

export type Input =
  | ({ readonly type: "agent-opened" } & AgentDial)
  | { readonly type: "agent-closed"; readonly connection: number }
  | { readonly type: "agent-lost" }
  | ({ readonly type: "agent-remembered" } & RememberedAgent)
  | { readonly type: "frame"; readonly frame: AgentFrame; readonly remembered: Print | null }
  | ({ readonly type: "agent-called" } & AgentHello)
  | { readonly type: "agent-event"; readonly event: EventContent }
  | { readonly type: "command"; readonly command: CommandRequest }
  | { readonly type: "send-failed"; readonly commandId: string }
  /** D1 did not take a copy of the status that went to it straight. */
  | { readonly type: "copy-lost" }
  /** `ref` is for the probe of a look. */
  | { readonly type: "alarm"; readonly ref: string }
  | OwnerInput;

/** What people change of a printer without its agent. */
type OwnerInput =
  | { readonly type: "configure"; readonly patch: ConfigurationPatch }
  | { readonly type: "archive" | "unarchive" | "remove" | "rotate-token" | "relink" }
  | { readonly type: "mute"; readonly isMuted: boolean }
  | { readonly type: "acknowledge"; readonly overwrite: AlertOverwrite | null }
  /** `usedExtIds`: time stamps of remembered prints at and after `now`. */
  | { readonly type: "start-print"; readonly filename: string; readonly usedExtIds: readonly number[] }
  | { readonly type: "finish-print"; readonly isCancelled: boolean }
  | { readonly type: "edit-print"; readonly printId: number; readonly edit: PrintEdit }
  | { readonly type: "remove-print"; readonly printId: number };

export type Reply =
  | { readonly type: "done" }
  | { readonly type: "refused"; readonly failure: Failure }
  /** The command that answers: the new one, or its twin that is `checking` or `delivered` already [C26]. */
  | { readonly type: "command"; readonly commandId: string }
  | { readonly type: "fact"; readonly succeeded: boolean };

export interface Step extends Change {
  readonly reply: Reply;
}

/** Applies `input` at `now` (epoch milliseconds). A deleted printer refuses all but alarms, closes and failed sends; an archived one most things. */
export function step(printer: Printer, input: Input, now: number): Step {
  const { deletedAt, archivedAt } = printer.state;
  const isAllowedArchived = ARCHIVED_INPUTS.has(input.type);
  if (deletedAt !== null && !DELETED_INPUTS.has(input.type)) return refuse(printer, input);
  if (archivedAt !== null && !isAllowedArchived) return refuse(printer, input);
  return stepAllowed(printer, input, now);
}

const DELETED_INPUTS: ReadonlySet<Input["type"]> = new Set(["agent-closed", "agent-lost", "alarm", "send-failed"]);
const ARCHIVED_INPUTS: ReadonlySet<Input["type"]> = new Set([
  ...DELETED_INPUTS,
  "unarchive",
  "remove",
  "agent-remembered",
  "edit-print",
  "remove-print",
]);
const AGENT_INPUTS: ReadonlySet<Input["type"]> = new Set(["agent-opened", "agent-called", "agent-event", "frame"]);

function refuse(printer: Printer, input: Input): Step {
  const failure: Failure = AGENT_INPUTS.has(input.type) ? DEAD_TOKEN : notFound("Printer");
  return { ...change(printer), reply: { type: "refused", failure } };
}

const DONE = { type: "done" } as const satisfies Reply;

function stepAllowed(printer: Printer, input: Input, now: number): Step {
  const before = change(printer);
  const { state } = printer;
  switch (input.type) {
    case "agent-opened":
      return isGenerationValid(state.tokens, input.generation, now)
        ? done(openAgent(printer, input, now))
        : refuse(printer, input);
    case "agent-called":
      return agentCalled(before, input, now);
    case "agent-closed":
      return done(agentClosed(printer, input.connection, now));
    case "agent-lost":
      return done(agentLost(printer, now));
    case "agent-remembered":
      return done(agentRemembered(printer, input));
    case "frame":
      return done(takeFrame(printer, input.frame, input.remembered, now));
    case "agent-event":
      return done(withEvent(before, input.event, state.current?.id ?? null, now));
    case "command":
      return commanded(before, input.command, now);
    case "send-failed":
      return done(withLedger(before, onSendFailed(state.ledger, input.commandId, now)));
    case "copy-lost":
      return done(withEffects(before, { type: "project-live" }));
    case "alarm":
      return done(wake(before, input.ref, now));
    default:
      return stepOwner(before, input, now);
  }
}

function stepOwner(before: Change, input: OwnerInput, now: number): Step {
  const { state } = before.printer;
  switch (input.type) {
    case "configure":
      return done(configure(before, input.patch));
    case "archive":
      return done(withState(leave(before, now), { archivedAt: now }, { type: "project-printer" }));
    case "unarchive":
      // Projected also when nothing changes: D1 may have been restored to when it was archived.
      return done(withState(before, { archivedAt: null }, { type: "project-printer" }));
    case "remove":
      return done(remove(before, now));
    case "rotate-token":
      return done(withTokens(leave(before, now), rotateGeneration(state.tokens)));
    case "relink":
      return done(withTokens(before, relinkGeneration(state.tokens, now)));
    case "mute":
      return fact(before, state.current, (print) => mute(before, print, input.isMuted, now));
    case "acknowledge":
      return fact(before, state.current, (print) => acknowledge(before, print, input.overwrite, now));
    case "start-print":
      return { ...startPrint(before, input, now), reply: { type: "fact", succeeded: true } };
    case "finish-print":
      return fact(before, state.current, (print) => finishPrint(before, print, input.isCancelled, now));
    case "edit-print":
      return fact(before, currentIf(state, input.printId), (print) => withPrint(before, editPrint(print, input.edit)));
    case "remove-print":
      return fact(before, currentIf(state, input.printId), (print) => removePrint(before, print, now));
  }
}

function done(result: Change): Step {
  return { ...result, reply: DONE };
}

function fact(before: Change, print: Print | null, act: (print: Print) => Change): Step {
  const succeeded = print !== null;
  return { ...(print === null ? before : act(print)), reply: { type: "fact", succeeded } };
}

/** The current print if it is the one that is meant. */
function currentIf({ current }: PrinterState, printId: number): Print | null {
  return current?.id === printId ? current : null;
}

function agentCalled(before: Change, hello: AgentHello & { type: "agent-called" }, now: number): Step {
  const { tokens } = before.printer.state;
  if (!isGenerationValid(tokens, hello.generation, now)) return refuse(before.printer, hello);
  const used = useGeneration(tokens, hello.generation, hello.keyId);
  return done(used === tokens ? before : withTokens(before, used));
}

function withTokens(before: Change, tokens: PrinterState["tokens"]): Change {
  return withState(before, { tokens }, { type: "project-printer" });
}

/** Cancel and resume acknowledge an open alert whatever becomes of them, but for another print. */
function commanded(before: Change, command: CommandRequest, now: number): Step {
  const { state } = before.printer;
  const result = takeCommand(state.ledger, command, ledgerFacts(before.printer), now);
  const reply: Reply = { type: "command", commandId: result.commandId };
  const ledgered = withLedger(before, result);
  const print = state.current;
  const isMeant = print !== null && (command.printId === null || command.printId === print.id);
  const { acknowledges } = traitsOf(command.kind);
  if (!isMeant || acknowledges === null) return { ...ledgered, reply };
  return { ...acknowledge(ledgered, print, acknowledges, now), reply };
}

function configure(before: Change, patch: ConfigurationPatch): Change {
  const { state } = before.printer;
  const configuration = patchConfiguration(state.configuration, patch);
  const shouldBe = shouldWatch({ ...state, configuration });
  const watched = { type: "send-remote-status", viewing: null, shouldWatch: shouldBe } as const;
  if (configuration === state.configuration) return withEffects(before, watched);
  return withState(before, { configuration }, { type: "project-printer" }, watched);
}

function leave(before: Change, now: number): Change {
  return closeAgent(before, "dead-token", now, now);
}

function remove(before: Change, now: number): Change {
  const { current } = before.printer.state;
  const ended = current === null ? before : endByServer(before, endPrint(current, "removed", now, false), now);
  return withState(leave(ended, now), { deletedAt: now }, { type: "project-printer" });
}

function wake(before: Change, ref: string, now: number): Change {
  const timed = withLedger(before, onTime(before.printer.state.ledger, now));
  const looked = look(timed.printer, ref, now);
  return copyOverdue({ ...looked, effects: [...timed.effects, ...looked.effects] }, now);
}

/** Earliest moment at which something must happen without a message arriving, epoch milliseconds; null: sleep. */
export function nextAlarm(printer: Printer, now: number): number | null {
  const { state, socket } = printer;
  const deadlines = [ledgerDeadline(state.ledger), copyDeadline(socket?.live ?? null), nextLook(printer, now)];
  const due = deadlines.filter((at) => at !== null);
  return due.length === 0 ? null : Math.min(...due);
}
