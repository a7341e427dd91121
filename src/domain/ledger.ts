/** The command ledger's rules: each input gives the ledger after it, and what is to be done. */
import {
  type AgentFacts,
  type Command,
  type CommandRequest,
  deadlineOf,
  type Evidence,
  isInFlight,
  isOfSamePrint,
  isOpen,
  type Ledger,
  type LedgerFacts,
  type LedgerStep,
} from "./command.ts";
import { traitsOf } from "./command-kind.ts";
import { isAtIt, PRINT_ENDED, weighReceipt, weighReport } from "./evidence.ts";
import { advance, end, followDownload, prolong, replace, send, stay } from "./ledger-step.ts";
import { dispatchOf, refusalOf } from "./refusal.ts";
import type { PassthruAnswer } from "./report.ts";

const EXPIRES_MS = 30_000;
const PROBE_MS = 3_000;

/** `commandId` is the new command, or the one under way that answers instead. A rejected one is not kept. */
export interface TakenCommand extends LedgerStep {
  readonly commandId: string;
}

export function takeCommand(ledger: Ledger, request: CommandRequest, facts: LedgerFacts, now: number): TakenCommand {
  const timed = onTime(ledger, now);
  const command = newCommand(request, facts, timed.ledger, now);
  const reason = refusalOf(command, request.printId, facts, timed.ledger, now);
  if (reason !== null || facts.agent === null) return answeredBy(end(timed, command, "rejected", reason, now), command);
  const twin = findTwin(timed.ledger, command, facts.agent);
  if (twin !== undefined) return answeredBy(timed, twin);
  const dispatch = dispatchOf(command.kind, facts.agent, now);
  if (dispatch === "refuse") return answeredBy(end(timed, command, "rejected", "agent_offline", now), command);
  const cleared = timed.ledger.reduce<LedgerStep>(
    (step, earlier) => supersedeChecking(step, earlier, command, now),
    timed,
  );
  return answeredBy(
    dispatch === "send" ? handOver(cleared, command, facts.agent, now) : check(cleared, command, now),
    command,
  );
}

function answeredBy(step: LedgerStep, command: Command): TakenCommand {
  return { ...step, commandId: command.id };
}

function newCommand(request: CommandRequest, facts: LedgerFacts, ledger: Ledger, now: number): Command {
  // An earlier frame of its kind may be obeyed first; this one then looks as if it were not.
  const isDoubtful = ledger.some(({ kind, state }) => kind === request.kind && state === "sent");
  const { id, kind, initiator, userId, tokenName, file, ref, probeRef } = request;
  return {
    ...{ id, kind, initiator, userId, tokenName, file, ref, probeRef },
    state: "checking",
    reason: null,
    agentWords: null,
    printId: facts.print?.id ?? null,
    printExtId: facts.print?.extId ?? null,
    createdAt: now,
    expiresAt: now + EXPIRES_MS,
    settleBy: null,
    sentAt: null,
    deliveredAt: null,
    endedAt: null,
    probeBy: null,
    via: "commands",
    connection: facts.agent?.connection ?? null,
    marks: { wasPaused: false, sawTransient: false, pausedRun: 0, isDoubtful, contradictedAt: null },
  };
}

/** One in flight that does the same, unless an opposite command was taken after it. */
function findTwin(ledger: Ledger, command: Command, { expectsReceipt }: AgentFacts): Command | undefined {
  const related = ledger.filter((other) => isInFlight(other) && isOfSamePrint(other, command));
  const newest = related.findLast(
    ({ kind }) => kind === command.kind || traitsOf(kind).supersedes.includes(command.kind),
  );
  if (newest?.kind !== command.kind || newest.file?.id !== command.file?.id) return undefined;
  // A second download does harm, so an agent that gives no receipts is believed to have read the first.
  const isTaken = newest.state !== "sent" || (command.kind === "print_file" && !expectsReceipt);
  return isTaken ? newest : undefined;
}

/** A command still `sent` is superseded when a newer one of its kind is sent: the older frame may be lost. */
function handOver(step: LedgerStep, command: Command, agent: AgentFacts, now: number): LedgerStep {
  const isRepeated = command.kind === "print_file" ? isUnreadFile : isUnread;
  const repeated = step.ledger.filter((earlier) => isRepeated(earlier, command));
  const cleared = repeated.reduce((left, earlier) => end(left, earlier, "superseded", "replaced", now), step);
  // An agent takes a ref once, so the same file again is no second download where the first frame was read [C90].
  const ref = (command.kind === "print_file" ? repeated.at(-1)?.ref : undefined) ?? command.ref;
  return send(cleared, { ...command, ref }, agent, now);
}

function isUnread({ kind, state }: Command, command: Command): boolean {
  return kind === command.kind && state === "sent";
}

/** One for the same file that nobody is known to have read, given up or not. */
function isUnreadFile({ id, kind, state, deliveredAt, file }: Command, command: Command): boolean {
  if (kind !== "print_file" || id === command.id || file?.id !== command.file?.id) return false;
  return state === "sent" || (state === "unknown" && deliveredAt === null);
}

/** A command that waits for its probe, to start motion, is superseded by a newer one of its kind, and by one that stops. */
function supersedeChecking(step: LedgerStep, earlier: Command, command: Command, now: number): LedgerStep {
  const isRepeated = earlier.kind === command.kind && earlier.state === "checking";
  if (isRepeated) return end(step, earlier, "superseded", "replaced", now);
  const isStop = traitsOf(earlier.kind).startsMotion && !traitsOf(command.kind).startsMotion;
  const isOvertaken = earlier.state === "checking" && isStop;
  return isOvertaken ? end(step, earlier, "superseded", "opposite_command", now) : step;
}

function check(step: LedgerStep, command: Command, now: number): LedgerStep {
  const waiting: Command = { ...command, probeBy: now + PROBE_MS };
  return {
    ledger: [...step.ledger, waiting],
    effects: [...step.effects, { type: "send-probe", ref: command.probeRef }],
  };
}

/** The socket did not take the frame: nobody heard it. */
export function onSendFailed(ledger: Ledger, commandId: string, now: number): LedgerStep {
  const command = ledger.find(({ id, state }) => id === commandId && state === "sent");
  const step = stay(ledger);
  return command === undefined ? step : end(step, { ...command, sentAt: null }, "rejected", "agent_offline", now);
}

/** An answer with a command's ref is its receipt, whenever and wherever it comes. */
export function onAnswer(ledger: Ledger, answer: PassthruAnswer, now: number): LedgerStep {
  const timed = onTime(ledger, now);
  const command = timed.ledger.find(({ ref, state }) => ref === answer.ref && state !== "checking");
  if (command === undefined) return timed;
  const finding = weighReceipt(command, answer);
  // What the agent says aloud is certain, however late it comes.
  if (command.state !== "unknown" || finding.agentWords) return advance(timed, command, finding, now);
  return command.deliveredAt === null ? replace(timed, command, { ...command, deliveredAt: now }, now) : timed;
}

/** Any frame shows that the agent is there: what waited for that is judged again, and sent now or never. */
export function onFrame(ledger: Ledger, connection: number, facts: LedgerFacts, now: number): LedgerStep {
  const { agent, print } = facts;
  const timed = onTime(ledger, now);
  if (agent === null || agent.connection !== connection) return timed;
  return timed.ledger.reduce<LedgerStep>((step, command) => {
    if (command.state !== "checking" || command.connection !== connection) return step;
    if (command.kind !== "print_file" && command.printId !== (print?.id ?? null))
      return advance(step, command, PRINT_ENDED, now);
    const isRead = command.kind === "print_file" && isDelivered(step.ledger, command);
    const reason = isRead ? "file_under_way" : refusalOf(command, null, facts, step.ledger, now);
    return reason === null ? handOver(step, command, agent, now) : end(step, command, "rejected", reason, now);
  }, timed);
}

/** The receipt of an earlier command for the file came while this one waited. */
function isDelivered(ledger: Ledger, { id, file }: Command): boolean {
  return ledger.some((other) => other.id !== id && other.file?.id === file?.id && other.state === "delivered");
}

/** What a report shows, asked for each command in turn; called after the report moved the print. */
export function onReport(ledger: Ledger, evidence: Evidence, now: number): LedgerStep {
  const timed = onTime(ledger, now);
  return timed.ledger.reduce<LedgerStep>((step, { id }) => {
    const command = step.ledger.find((other) => other.id === id);
    return command === undefined ? step : weigh(step, command, evidence, now);
  }, timed);
}

/** Evidence on a socket belongs to the earliest command on it that has not ended; a file is recognised by its id. */
function isBehind(command: Command, ledger: Ledger, evidence: Evidence): boolean {
  if (command.connection !== evidence.connection || command.kind === "print_file") return false;
  const earlier = ledger.slice(0, ledger.indexOf(command));
  return earlier.some(
    ({ kind, connection, state }) =>
      kind !== "print_file" && connection === command.connection && (state === "sent" || state === "delivered"),
  );
}

function weigh(step: LedgerStep, command: Command, evidence: Evidence, now: number): LedgerStep {
  const { marks, finding } = weighReport(command, evidence, isBehind(command, step.ledger, evidence));
  const began = command.kind === "print_file" && finding?.state === "succeeded" ? evidence.current : null;
  const isChanged = marks !== command.marks || began !== null;
  const changed = isChanged ? { ...command, marks, printId: began?.id ?? command.printId } : command;
  const next =
    command.kind === "print_file"
      ? followDownload(changed, evidence)
      : isAtIt(command, evidence)
        ? prolong(changed, now)
        : changed;
  if (finding !== null) return advance(step, next, finding, now);
  return next === command ? step : replace(step, command, next, now);
}

/** The server itself ended the print (finished or removed by its owner). */
export function onPrintEnded(ledger: Ledger, printId: number, now: number): LedgerStep {
  const bound = ledger.filter((command) => command.printId === printId);
  return bound.reduce<LedgerStep>((step, command) => advance(step, command, PRINT_ENDED, now), stay(ledger));
}

/** The socket is gone: commands that it or an earlier one carried get no receipt on it any more. */
export function onSocketClosed(ledger: Ledger, connection: number, now: number): LedgerStep {
  const timed = onTime(ledger, now);
  return timed.ledger.reduce<LedgerStep>((step, command) => {
    if (command.connection === null || command.connection > connection) return step;
    if (command.state === "checking") return end(step, command, "rejected", "agent_offline", now);
    return command.state === "sent" ? end(step, command, "unknown", "connection_lost", now) : step;
  }, timed);
}

/** What an agent is known to have read may be told of for as long as its print lasts. */
function isKeptToItsEnd({ state, deliveredAt, printId }: Command): boolean {
  return state === "unknown" && deliveredAt !== null && printId !== null;
}

const GIVEN_UP = {
  checking: { state: "rejected", reason: "agent_offline" },
  sent: { state: "unknown", reason: "no_receipt" },
  delivered: { state: "unknown", reason: "not_settled" },
} as const;

/** Gives up what is past its limit. Reports, frames, answers, closes and new commands do this first, so a late alarm is harmless. */
export function onTime(ledger: Ledger, now: number): LedgerStep {
  const kept = ledger.filter((command) => isOpen(command, now) || isKeptToItsEnd(command));
  return kept.reduce(
    (step, command) => {
      const deadline = deadlineOf(command);
      if (deadline === null || now < deadline) return step;
      const { state, reason } = GIVEN_UP[command.state as keyof typeof GIVEN_UP]; // safe: only these have a deadline
      return end(step, command, state, reason, now);
    },
    stay(kept.length === ledger.length ? ledger : kept),
  );
}
