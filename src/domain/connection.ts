/** The life of an agent's socket: opened, replaced, closed, lost, and the liveness check that finds a dead one. */
import { isReceiptExpected, keepOfSocket, openSocket } from "./agent-socket.ts";
import {
  type Change,
  type CloseCause,
  change,
  type Printer,
  type PrinterState,
  withEffects,
  withEvent,
  withLedger,
  withState,
} from "./change.ts";
import { shouldWatch } from "./detection.ts";
import { useGeneration } from "./generation.ts";
import { onSocketClosed } from "./ledger.ts";
import { type RememberedStatus, recoverStatus } from "./status.ts";

export interface AgentHello {
  readonly generation: number;
  readonly keyId: string;
}

export interface AgentDial extends AgentHello {
  /** `https://host[:port]` */
  readonly origin: string;
  /** `p:` and 16 random letters, for the probe with which its socket begins. */
  readonly ref: string;
}

/** A new agent socket is the current one from now on. */
export function openAgent(printer: Printer, hello: AgentDial, now: number): Change {
  const replaced = printer.socket === null ? change(printer) : replace(printer, printer.socket.connection, now);
  const { state } = replaced.printer;
  const connection = state.connectionSequence + 1;
  const datedAt = Math.max(state.createdAt, state.datedAt);
  const kept = printer.socket === null ? { ...state, datedAt } : keepOfSocket(printer.socket);
  const namedAt = printer.socket?.namedAt ?? null;
  const socket = openSocket({ ...hello, connection }, now, { ...kept, namedAt });
  const opened: Change = { ...replaced, printer: { ...replaced.printer, socket } };
  return withState(
    opened,
    {
      connectionSequence: connection,
      connectedAt: now,
      disconnectedAt: null,
      printerLostAt: null,
      tokens: useGeneration(state.tokens, hello.generation, hello.keyId),
    },
    { type: "send-remote-status", viewing: false, shouldWatch: shouldWatch(state) },
    { type: "send-probe", ref: hello.ref },
    { type: "project-printer" },
  );
}

const TOKEN_CONFLICT_WINDOW_MS = 2 * 60_000;
const TOKEN_CONFLICT_COUNT = 3;
const TOKEN_CONFLICT_SILENCE_MS = 60 * 60_000;

/** Two agents use one token just now. */
function isContested({ at }: PrinterState["replacements"], now: number): boolean {
  return at.filter((time) => now - time < TOKEN_CONFLICT_WINDOW_MS).length >= TOKEN_CONFLICT_COUNT;
}

/** Of two agents with one token the other named the current print lately: it goes on, whatever this one knows ([L56]). */
export function isOfOtherAgent({ state, socket }: Printer, now: number): boolean {
  if (socket === null || socket.hasNamed) return false;
  const { namedAt } = socket;
  return namedAt !== null && now - namedAt < TOKEN_CONFLICT_WINDOW_MS && isContested(state.replacements, now);
}

/** Two agents with one token evict each other for ever: history says so, at most once an hour [A4]. */
function replace(printer: Printer, connection: number, now: number): Change {
  const closed = withEffects(change(printer), { type: "close-agent", connection, cause: "replaced" });
  const settled = withLedger(closed, onSocketClosed(printer.state.ledger, connection, now));
  const { replacements, current } = printer.state;
  const at = [...replacements.at.filter((time) => now - time < TOKEN_CONFLICT_WINDOW_MS), now].slice(
    -TOKEN_CONFLICT_COUNT,
  );
  if (
    !isContested({ ...replacements, at }, now) ||
    (replacements.toldAt !== null && now - replacements.toldAt < TOKEN_CONFLICT_SILENCE_MS)
  ) {
    return withState(settled, { replacements: { ...replacements, at } });
  }
  const title = "Two agents use this printer's token";
  const conflict = { type: "PRINTER_ERROR", class: "ERROR", title, text: null, infoUrl: null } as const;
  return withEvent(withState(settled, { replacements: { at, toldAt: now } }), conflict, current?.id ?? null, now);
}

/** The socket with this number closed; a close of any but the current one changes nothing. */
export function agentClosed(printer: Printer, connection: number, now: number): Change {
  return printer.socket?.connection === connection ? disconnect(change(printer), now, now) : change(printer);
}

/** The state says connected, but no socket is open: it died with the object, without a close event. */
export function agentLost(printer: Printer, now: number): Change {
  const lost = change({ ...printer, socket: null, shown: null });
  const connection = printer.state.connectionSequence;
  const settled = withLedger(lost, onSocketClosed(printer.state.ledger, connection, now));
  // The time of its last frame was in the attachment that is lost: its opening is the latest certain one.
  const lastSeenAt = printer.state.connectedAt;
  return withState(settled, { disconnectedAt: now, lastSeenAt }, { type: "project-printer" });
}

/** Shows the list's copy of the status that died with the object, if nothing newer came. */
export function agentRemembered(printer: Printer, copy: RememberedAgent): Change {
  const { lastSeenAt } = printer.state;
  const shown = copy.status === null ? printer.shown : recoverStatus(copy.status);
  const seenAt = Math.max(lastSeenAt ?? 0, copy.lastSeenAt ?? 0);
  return withState(change({ ...printer, shown }), seenAt === 0 ? {} : { lastSeenAt: seenAt }, { type: "project-live" });
}

/** Times are epoch milliseconds. */
export interface RememberedAgent {
  readonly status: RememberedStatus | null;
  readonly lastSeenAt: number | null;
}

/** Closes the current socket for `cause`; it counts as disconnected since `at`. */
export function closeAgent(before: Change, cause: CloseCause, at: number, now: number): Change {
  const { socket } = before.printer;
  if (socket === null) return before;
  return disconnect(withEffects(before, { type: "close-agent", connection: socket.connection, cause }), at, now);
}

function disconnect(before: Change, at: number, now: number): Change {
  const { socket, state } = before.printer;
  if (socket === null) return before;
  const settled = withLedger(before, onSocketClosed(state.ledger, socket.connection, now));
  const closed: Change = { ...settled, printer: { ...settled.printer, socket: null } };
  const left = { disconnectedAt: at, lastSeenAt: socket.lastFrameAt, ...keepOfSocket(socket) };
  return withState(closed, left, { type: "project-printer" }, { type: "project-live" });
}

const LOOK_MS = { printing: 300_000, idle: 15 * 60_000 } as const;
const SILENT_MS = 120_000;
const LOOK_ANSWER_MS = 15_000;

/** The liveness check: a silent agent gets a probe, and without an answer its socket is closed. */
export function look(printer: Printer, ref: string, now: number): Change {
  const { socket, state } = printer;
  const before = change(printer);
  if (socket === null) return before;
  if (socket.probedAt !== null) {
    const isSilent = now - socket.probedAt >= LOOK_ANSWER_MS;
    return isSilent ? closeAgent(before, "silent", socket.lastFrameAt, now) : before;
  }
  if (!isReceiptExpected(socket, state.dialect) || now - socket.lastFrameAt <= SILENT_MS) return before;
  const probed: Change = { ...before, printer: { ...printer, socket: { ...socket, probedAt: now } } };
  return withEffects(probed, { type: "send-probe", ref });
}

/** When the next look is due, epoch milliseconds; null while nobody is connected. */
export function nextLook(printer: Printer, now: number): number | null {
  const { connectedAt, disconnectedAt, current } = printer.state;
  if (connectedAt === null || disconnectedAt !== null) return null;
  const probedAt = printer.socket?.probedAt ?? null;
  if (probedAt !== null) return probedAt + LOOK_ANSWER_MS;
  return now + (current === null ? LOOK_MS.idle : LOOK_MS.printing);
}
