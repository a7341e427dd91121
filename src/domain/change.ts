/** The printer's state, the effects that a step asks for, and the few ways in which steps compose them. */
import { type AgentSocket, type FrameCount, noteSent } from "./agent-socket.ts";
import type { Command, Ledger, LedgerStep } from "./command.ts";
import type { Configuration } from "./configuration.ts";
import { type Dialect, HAS_THREADS } from "./dialect.ts";
import { type EventContent, type PrinterEvent, tellPrintEvent, textOfPrintEvent } from "./events.ts";
import type { Print } from "./print.ts";
import type { PrintHappening } from "./print-move.ts";
import type { ShownStatus } from "./status.ts";
import { type AgentThreads, oweEnd } from "./threads.ts";

/** Stored as one row; plain JSON. Times are epoch milliseconds. */
export interface PrinterState {
  /** Of this shape; an older one is migrated when it is loaded. */
  readonly version: 4;
  readonly id: number;
  readonly uid: string;
  readonly userId: number;
  readonly createdAt: number;
  /** Rises with every projected change but those of the list's copy of the status. */
  readonly revision: number;
  readonly printSequence: number;
  readonly eventSequence: number;
  readonly connectionSequence: number;
  readonly configuration: Configuration;
  readonly archivedAt: number | null;
  readonly deletedAt: number | null;
  readonly tokens: TokenGenerations;
  readonly agentName: string | null;
  readonly agentVersion: string | null;
  /** What `agentName` stands for. */
  readonly dialect: Dialect;
  readonly connectedAt: number | null;
  readonly disconnectedAt: number | null;
  readonly printerLostAt: number | null;
  /** Arrival of the newest frame of the socket that closed last. */
  readonly lastSeenAt: number | null;
  /** Milliseconds; of the last socket, until the next one has measured its own. */
  readonly clockOffset: number;
  /** Date given to the last report of the socket that closed last, or to the last one that changed a print; 0 before any. */
  readonly datedAt: number;
  /** Sliding window of the last socket's frames: a reconnect does not reset the limit. */
  readonly frames: FrameCount;
  readonly current: Print | null;
  readonly trail: PrintTrail;
  readonly ledger: Ledger;
  readonly threads: AgentThreads;
  readonly replacements: Replacements;
  readonly normalizedP: number;
  readonly lastExaminedAt: number | null;
}

/** Which generations of the agent token count. */
export interface TokenGenerations {
  readonly newest: number;
  /** Last used by an agent; null before the first use. */
  readonly used: number | null;
  /** Until when `used` counts beside an unused newest one. */
  readonly graceUntil: number | null;
  readonly keyId: string | null;
}

/** Of the current print, or the one before: its latest date, and its newest events (`type:_ts`), against repetitions. */
interface PrintTrail {
  /** Epoch milliseconds. */
  readonly latest: number;
  readonly events: readonly string[];
  /** What history told last; null: neither, or the status contradicts it since. */
  readonly pause: "PAUSED" | "RESUMED" | null;
}

/** When agent sockets replaced open ones lately, and when history last said so. */
interface Replacements {
  readonly at: readonly number[];
  readonly toldAt: number | null;
}

/** Everything a step reads. Only `state` is durable by itself; the shell keeps the rest beside the socket. */
export interface Printer {
  readonly state: PrinterState;
  /** The current agent socket; null when none is open. */
  readonly socket: AgentSocket | null;
  readonly shown: ShownStatus | null;
  /** JSON text of the merged settings messages; null until there was one. */
  readonly settings: string | null;
}

/** Why the object closes an agent's socket; `protocol/close.ts` gives the codes. */
export type CloseCause = "replaced" | "dead-token" | "flooding" | "silent";

export type Effect =
  | { readonly type: "send-command"; readonly command: Command }
  | { readonly type: "send-probe"; readonly ref: string }
  /** Tells the agent what of a frame was not taken. */
  | { readonly type: "send-fault"; readonly code: "invalid_frame" | "throttled"; readonly detail: string }
  | { readonly type: "send-remote-status"; readonly viewing: boolean | null; readonly shouldWatch: boolean | null }
  /** Closes every agent socket up to this connection number. */
  | { readonly type: "close-agent"; readonly connection: number; readonly cause: CloseCause }
  | { readonly type: "project-printer" }
  | { readonly type: "project-print"; readonly print: Print }
  | { readonly type: "project-event"; readonly event: PrinterEvent }
  | { readonly type: "project-command"; readonly command: Command }
  /** The list's copy of the status: through the outbox, or straight ([P26], [P60]). */
  | { readonly type: "project-live" }
  | { readonly type: "refresh-live" }
  /** Keeps a print that ended (or was deleted) among those that a late report may name. */
  | { readonly type: "remember-print"; readonly print: Print };

export interface Change {
  readonly printer: Printer;
  readonly effects: readonly Effect[];
}

export function change(printer: Printer): Change {
  return { printer, effects: [] };
}

export function withState(before: Change, patch: Partial<PrinterState>, ...effects: Effect[]): Change {
  const state: PrinterState = { ...before.printer.state, ...patch };
  return { printer: { ...before.printer, state }, effects: [...before.effects, ...effects] };
}

export function withSocket(before: Change, socket: AgentSocket | null): Change {
  return { ...before, printer: { ...before.printer, socket } };
}

export function withEffects(before: Change, ...effects: Effect[]): Change {
  return effects.length === 0 ? before : { ...before, effects: [...before.effects, ...effects] };
}

/** Takes over a ledger step: a command that ended is projected, one that goes out is noted. */
export function withLedger(before: Change, step: LedgerStep): Change {
  const effects = step.effects.map(
    (effect): Effect =>
      effect.type === "command-ended" ? { type: "project-command", command: effect.command } : effect,
  );
  const isSame = step.ledger === before.printer.state.ledger;
  const kept = isSame ? withEffects(before, ...effects) : withState(before, { ledger: step.ledger }, ...effects);
  const sent = effects.flatMap((effect) => (effect.type === "send-command" ? [effect.command] : []));
  return sent.reduce(withSent, kept);
}

function withSent(before: Change, command: Command): Change {
  const { socket, state } = before.printer;
  if (socket === null) return before;
  const noted = withSocket(before, noteSent(socket, command));
  if (!HAS_THREADS[state.dialect] || command.kind === "print_file" || command.sentAt === null) return noted;
  return withState(noted, { threads: oweEnd(state.threads, command.sentAt) });
}

/** Makes the event of something that happened to a print; a second end takes the place of the first ([L57]). */
export function withHappening(before: Change, happening: PrintHappening): Change {
  const { state } = before.printer;
  const { type, print, at } = happening;
  const heading = tellPrintEvent(type, print);
  const text = textOfPrintEvent(state.configuration.name, print.filename);
  const content = { type, ...heading, text, infoUrl: null };
  if (type !== "ENDED" || print.endEventId === null) return withEvent(before, content, print.id, at);
  return withEffects(before, { type: "project-event", event: eventOf(state, content, print.endEventId, print.id, at) });
}

const EVENTS_PER_PRINTER = 100_000_000;

/** Makes an event; `at` is epoch milliseconds. */
export function withEvent(before: Change, content: EventContent, printId: number | null, at: number): Change {
  const { state } = before.printer;
  const sequence = state.eventSequence + 1;
  // Past the printer's range the last id is reused: the next one is another printer's.
  const id = state.id * EVENTS_PER_PRINTER + Math.min(sequence, EVENTS_PER_PRINTER - 1);
  const event = eventOf(state, content, id, printId, at);
  return withState(before, { eventSequence: sequence }, { type: "project-event", event });
}

function eventOf(state: PrinterState, content: EventContent, id: number, printId: number | null, at: number) {
  const { id: printerId, userId } = state;
  return { ...content, id, printerId, userId, printId, imageUrl: null, createdAt: at } satisfies PrinterEvent;
}
