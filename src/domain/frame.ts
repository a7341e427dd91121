/** Takes one frame of the current agent socket: settings, status, the print's life, evidence for commands. */
import {
  type AgentSocket,
  agentFacts,
  CHATTER_IN_FIVE_MINUTES,
  countChatter,
  countFrame,
  dateOnSocket,
  forgetPrint,
  isFlooding,
  type Moment,
  noteAnswer,
  noteReport,
  observeReport,
} from "./agent-socket.ts";
import { askAgain, isProbeOf } from "./backlog.ts";
import { causedAt } from "./cause.ts";
import {
  type Change,
  change,
  type Effect,
  type Printer,
  withEffects,
  withHappening,
  withLedger,
  withSocket,
  withState,
} from "./change.ts";
import { isCancelUnderWay, type Ledger, type LedgerFacts, type LedgerStep } from "./command.ts";
import { closeAgent, isOfOtherAgent } from "./connection.ts";
import { shouldWatch } from "./detection.ts";
import { HAS_THREADS, TELLS_PLANNED_FILAMENT } from "./dialect.ts";
import type { PrintEventType } from "./events.ts";
import { onAnswer, onFrame, onReport } from "./ledger.ts";
import { copyStatus } from "./list-copy.ts";
import { canHave } from "./phase.ts";
import type { Print } from "./print.ts";
import { isDeduplicated, movePrint, type PrintMove } from "./print-move.ts";
import type { AgentFrame, PassthruAnswer, Report, ReportedStatus } from "./report.ts";
import { takeSettings } from "./settings.ts";
import { isNewer, showStatus } from "./status.ts";
import { isEnd, type ThreadView, takeEnd } from "./threads.ts";

/** The identity that a frame names, if it may be an earlier print's: what is to be looked up for `takeFrame`; else null. */
export function earlierPrintOf({ report }: AgentFrame, { state }: Printer): number | null {
  const extId = report?.printExtId ?? null;
  return extId === null || extId === -1 || extId === state.current?.extId ? null : extId;
}

/** `remembered`: the earlier print with the reported identity, for late reports; null: none is remembered. */
export function takeFrame(printer: Printer, frame: AgentFrame, remembered: Print | null, now: number): Change {
  if (printer.socket === null) return change(printer);
  const socket = frame.isChatter ? countChatter(printer.socket, now) : countFrame(printer.socket, now);
  const counted = change({ ...printer, socket });
  if (frame.isChatter && socket.chatter.count > CHATTER_IN_FIVE_MINUTES) return dropChatter(counted, socket);
  if (!frame.isChatter && isFlooding(socket)) return closeAgent(counted, "flooding", now, now);
  const answered = frame.answer === null ? counted : takeAnswer(counted, frame.answer, now);
  const reported = frame.report === null ? answered : takeReport(answered, frame.report, remembered, now);
  const { ledger } = reported.printer.state;
  return probeAgain(withLedger(reported, onFrame(ledger, socket.connection, ledgerFacts(reported.printer), now)), now);
}

const CHATTER_DROPPED = {
  type: "send-fault",
  code: "throttled",
  detail: `More than ${CHATTER_IN_FIVE_MINUTES} console lines in 5 minutes: the rest is dropped.`,
} as const;

/** It never closes the socket, on which a stop hangs; that it is dropped is told once. */
function dropChatter(counted: Change, { chatter }: AgentSocket): Change {
  return chatter.count === CHATTER_IN_FIVE_MINUTES + 1 ? withEffects(counted, CHATTER_DROPPED) : counted;
}

/** While no answer has ended the socket's backlog, its frames call for more probes. */
function probeAgain(before: Change, now: number): Change {
  const { socket } = before.printer;
  if (socket === null || socket.backlog === null) return before;
  const asked = askAgain(socket.backlog, now);
  if (asked === null) return before;
  return withEffects(withSocket(before, { ...socket, backlog: asked.backlog }), { type: "send-probe", ref: asked.ref });
}

/** What the ledger may know when it judges a command. */
export function ledgerFacts(printer: Printer): LedgerFacts {
  const { socket, shown, state } = printer;
  return { print: state.current, agent: socket === null ? null : agentFacts(socket, shown, state) };
}

function takeAnswer(before: Change, answer: PassthruAnswer, now: number): Change {
  const { state, socket } = before.printer;
  if (socket === null) return before;
  const noted = isOurRef(answer.ref) ? noteAnswer(socket, answer) : socket;
  const backlog = isAskedOn(socket, state.ledger, answer.ref) ? null : socket.backlog;
  const heard = withSocket(before, { ...noted, backlog });
  return withLedger(heard, onAnswer(state.ledger, answer, now));
}

/** Of a command or a probe: its answer shows an agent that gives receipts, even when the command ended meanwhile. */
function isOurRef(ref: string): boolean {
  return ref.startsWith("c:") || ref.startsWith("p:");
}

/** Kept only while a command may have caused it, and only the first since the newest command. */
function takeRefusal(before: Change, refusedWith: string, now: number): Change {
  const { ledger, threads, dialect } = before.printer.state;
  const newest = Math.max(0, ...ledger.map(({ sentAt }) => sentAt ?? 0));
  const isNews = threads.refusedAt === null || threads.refusedAt < newest;
  if (!HAS_THREADS[dialect] || ledger.length === 0 || !isNews) return before;
  return withState(before, { threads: { ...threads, refusedAt: now, refusedWith } });
}

/** An answer to an earlier socket's ref may itself be queued. */
function isAskedOn({ backlog, connection }: AgentSocket, ledger: Ledger, answered: string): boolean {
  if (backlog !== null && isProbeOf(backlog, answered)) return true;
  const sent = ledger.filter((command) => command.connection === connection);
  return sent.some(({ ref, probeRef }) => ref === answered || probeRef === answered);
}

function takeReport(before: Change, report: Report, remembered: Print | null, now: number): Change {
  const { socket, state } = before.printer;
  if (socket === null) return before;
  const dated = dateOnSocket(socket, state.dialect, report.status?.ts ?? null, now);
  const refused = report.refusal === null ? before : takeRefusal(before, report.refusal, now);
  const timed = withSocket(refused, dated.socket);
  const shown = takeStatus(takeSettings(timed, report), report, dated.moment);
  return followPrint(shown, report, remembered, dated.moment);
}

const BLANK_GRACE_MS = 45_000;

function takeStatus(before: Change, report: Report, { isLive, now }: Moment): Change {
  if (report.status !== null) return showReported(before, report.status, isLive, now);
  const { socket, state } = before.printer;
  if (!report.isBlank || socket === null) return before;
  if (state.printerLostAt !== null && before.printer.shown === null) return before;
  if (!socket.hasStatus && now - socket.openedAt < BLANK_GRACE_MS) return before;
  const blank: Change = { ...before, printer: { ...before.printer, shown: null, socket: { ...socket, live: null } } };
  return withState(
    blank,
    { printerLostAt: state.printerLostAt ?? now },
    { type: "project-printer" },
    { type: "project-live" },
  );
}

function showReported(before: Change, status: ReportedStatus, isLive: boolean, now: number): Change {
  const { socket, shown } = before.printer;
  if (socket === null || !isNewer(status, isLive, shown)) return before;
  const copied = copyStatus(withSocket(before, { ...socket, hasStatus: true }), status, now);
  const printer: Printer = { ...copied.printer, shown: showStatus(status, now) };
  return markLost({ ...copied, printer }, status.isPrinterLost, now);
}

/** The agent itself is fine, its printer is not. */
function markLost(before: Change, isLost: boolean, now: number): Change {
  const { printerLostAt } = before.printer.state;
  if (isLost === (printerLostAt !== null)) return before;
  return withState(before, { printerLostAt: isLost ? now : null }, { type: "project-printer" });
}

function followPrint(before: Change, report: Report, found: Print | null, moment: Moment): Change {
  const { state, socket } = before.printer;
  // A re-opened print is still remembered as it had ended: that copy is out of date.
  const remembered = found?.id === state.current?.id ? null : found;
  const caused = causedAt(state.current, state.ledger, report, moment);
  const date = Math.max(moment.date, state.trail.latest, remembered?.endedAt ?? 0, caused);
  const key = eventKeyOf(report);
  const isRepeated = key !== null && state.trail.events.includes(key);
  const move = movePrint(report, {
    current: state.current,
    remembered,
    nextId: nextPrintId(state.id, state.printSequence),
    date,
    isLive: moment.isLive,
    isCancelUnderWay: (printId) => isCancelUnderWay(state.ledger, printId),
    isRepeated,
    isOfOtherAgent: isOfOtherAgent(before.printer, moment.now),
    isFilamentPlanned: TELLS_PLANNED_FILAMENT[state.dialect],
    nameless: socket?.nameless ?? null,
    told: state.trail.pause,
  });
  const moved = withMove(before, move, date, isRepeated ? null : key);
  const noted = noteDate(moved, report, moved === before ? null : date, moment);
  const isEvidence = !isRepeated && report.event !== null && canHave(report.event.type, report.status?.phase ?? null);
  const heard = isEvidence ? report : { ...report, event: null };
  const threads = threadsAfter(before.printer, report, moment.now);
  const observed = doubtPause(observe(noted, before.printer, heard, move, moment), heard, moment);
  return judge(withThreads(observed, threads), heard, move, threads, moment);
}

/** No later report is dated before this one, but for one that says nothing that is dated: that may be as old as any. */
function noteDate(moved: Change, report: Report, recordedAt: number | null, { date }: Moment): Change {
  const { socket } = moved.printer;
  if (socket === null || (report.status === null && report.event === null && report.printExtId === null)) return moved;
  const datedAt = recordedAt ?? date;
  const noted = withSocket(moved, { ...socket, datedAt });
  return recordedAt === null ? noted : withState(noted, { datedAt });
}

const PRINTS_PER_PRINTER = 100_000;

/** The id of a printer's next print. The last one is used again rather than one of the next printer's. */
export function nextPrintId(printerId: number, sequence: number): number {
  return printerId * PRINTS_PER_PRINTER + Math.min(sequence + 1, PRINTS_PER_PRINTER - 1);
}

/** Deduplication key of an event: its type and the agent's time stamp. */
function eventKeyOf(report: Report): string | null {
  const ts = report.status?.ts ?? null;
  if (report.event === null || ts === null || !isDeduplicated(report.event.type)) return null;
  return `${report.event.type}:${ts}`;
}

const TRAIL_EVENTS = 20;
const NO_TRAIL = { events: [], pause: null } as const;

function isPauseOrResume(type: PrintEventType): type is "PAUSED" | "RESUMED" {
  return type === "PAUSED" || type === "RESUMED";
}

/** Carries a print's move into state, history and the agent's orders. */
export function withMove(before: Change, move: PrintMove, date: number, eventKey: string | null): Change {
  const { state } = before.printer;
  if (move.changed.length === 0 && move.happenings.length === 0) return before;
  const isSame = move.current?.id === state.current?.id;
  const { events: earlier, pause: told } = move.tookId ? NO_TRAIL : state.trail;
  const events = eventKey === null ? earlier : [...earlier, eventKey].slice(-TRAIL_EVENTS);
  const pause = move.happenings.map(({ type }) => type).findLast(isPauseOrResume) ?? told;
  const sequence = move.tookId ? state.printSequence + 1 : state.printSequence;
  const ledger = rebind(before, move);
  const moved = withState(before, {
    current: move.current,
    trail: { latest: date, events, pause },
    printSequence: sequence,
    ledger,
  });
  const recorded = withPrints(move.happenings.reduce(withHappening, moved), move);
  if (isSame) return recorded;
  const watched = {
    type: "send-remote-status",
    viewing: null,
    shouldWatch: shouldWatch(recorded.printer.state),
  } as const;
  return withEffects(recorded, { type: "project-printer" }, watched);
}

/** A print whose time stamp shifted with the agent's clock keeps its commands. */
function rebind(before: Change, move: PrintMove) {
  const { ledger, current } = before.printer.state;
  const next = move.current;
  if (current === null || next === null || current.id !== next.id || current.extId === next.extId) return ledger;
  return ledger.map((command) => (command.printId === next.id ? { ...command, printExtId: next.extId } : command));
}

function withPrints(before: Change, move: PrintMove): Change {
  const newest = new Map(move.changed.map((print) => [print.id, print]));
  const images = [...newest.values()].map((print) => ({ ...print, endEventId: endToldOf(print, before.effects) }));
  const ended = images.filter((print) => print.endedAt !== null);
  return withEffects(
    before,
    ...images.map((print) => ({ type: "project-print", print }) as const),
    ...ended.map((print) => ({ type: "remember-print", print }) as const),
  );
}

/** Null for an agent that has no thread of its own for each command. */
function threadsAfter({ socket, state }: Printer, report: Report, now: number): ThreadView | null {
  if (socket === null || !HAS_THREADS[state.dialect]) return null;
  return takeEnd(state.threads, isEnd(report, socket), now);
}

function withThreads(before: Change, view: ThreadView | null): Change {
  if (view === null || view.owed === before.printer.state.threads.owed) return before;
  const { ended: _ended, ...threads } = view;
  return withState(before, { threads });
}

/** Its ENDED's id: of the one that was told now, else of an earlier one. */
function endToldOf(print: Print, effects: readonly Effect[]): number | null {
  const isEnd = (effect: Effect): effect is EventEffect =>
    effect.type === "project-event" && effect.event.type === "ENDED" && effect.event.printId === print.id;
  return effects.findLast(isEnd)?.event.id ?? print.endEventId;
}

type EventEffect = Extract<Effect, { readonly type: "project-event" }>;

function observe(moved: Change, earlier: Printer, report: Report, move: PrintMove, moment: Moment): Change {
  const { socket, state } = moved.printer;
  if (socket === null) return moved;
  const kept = state.current?.id === earlier.state.current?.id ? socket : forgetPrint(socket);
  const isOfCurrent = moment.isLive && state.current !== null && state.current.extId === report.printExtId;
  const namedAt = isOfCurrent ? moment.now : kept.namedAt;
  const named = { ...kept, nameless: move.nameless, namedAt, hasNamed: isOfCurrent || kept.hasNamed };
  const observed = moment.isLive ? observeReport(named, report, moment.now) : named;
  return withSocket(moved, noteReport(observed, report));
}

const CONTRADICTS = { PAUSED: "printing", RESUMED: "paused" } as const;

/** A phase that contradicts what was told, twice in a row: an event was missed, and the next one is news. */
function doubtPause(before: Change, report: Report, moment: Moment): Change {
  const { socket, state } = before.printer;
  const { pause } = state.trail;
  const phase = report.status?.phase;
  if (pause === null || !moment.isLive || report.event !== null || phase !== CONTRADICTS[pause]) return before;
  if (socket === null || socket.phaseRun < 2) return before;
  return withState(before, { trail: { ...state.trail, pause: null } });
}

function judge(before: Change, report: Report, move: PrintMove, threads: ThreadView | null, moment: Moment): Change {
  const { socket, state } = before.printer;
  if (socket === null || state.ledger.length === 0) return before;
  const evidence = {
    connection: socket.connection,
    at: moment.now,
    gaveReceipt: socket.gaveReceipt,
    isLive: moment.isLive,
    phase: report.status?.phase ?? null,
    event: report.event,
    printExtId: report.printExtId,
    current: state.current,
    ended: move.ended,
    threads,
  };
  const step = onReport(state.ledger, evidence, moment.now);
  return dateAfter(withLedger(before, step), step);
}

/** What a command brought about may be told once more when it has left the ledger: not with a date before its sending [P43]. */
function dateAfter(before: Change, { effects }: LedgerStep): Change {
  const { current, trail } = before.printer.state;
  const done = effects.flatMap((effect) => (effect.type === "command-ended" ? [effect.command] : []));
  const sentAt = Math.max(
    0,
    ...done.filter(({ state }) => state === "succeeded").map((command) => command.sentAt ?? 0),
  );
  if (current === null || sentAt <= trail.latest) return before;
  return withState(before, { trail: { ...trail, latest: sentAt } });
}
