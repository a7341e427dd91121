/** Turns a step's effects into the images that D1 is to show, and a row of D1 into the state of a first wake. */
import { configurationOfRow, printOfRow } from "../db/printers.ts";
import type { LiveImage, PrinterImage, PrinterRow, Projection } from "../db/projection.ts";
import { NO_FRAMES } from "../domain/agent-socket.ts";
import type { Effect, Printer, PrinterState } from "../domain/change.ts";
import { recordOf } from "../domain/command.ts";
import { statusText } from "../domain/status.ts";
import { dialectOf } from "../protocol/words.ts";

/** The images of `effects`, as of `printer` at `now` (epoch milliseconds). */
export function projectionsOf(effects: readonly Effect[], printer: Printer, now: number): Projection[] {
  return effects.flatMap((effect): Projection[] => {
    switch (effect.type) {
      case "project-printer":
        return [{ kind: "printer", image: printerImage(printer) }];
      case "project-print":
        return [{ kind: "print", image: effect.print }];
      case "project-event":
        return [{ kind: "event", image: effect.event }];
      case "project-command":
        return [{ kind: "command", image: recordOf(effect.command) }];
      case "project-live":
        return [{ kind: "live", image: liveImage(printer, now) }];
      default:
        return [];
    }
  });
}

function printerImage({ state, settings }: Printer): PrinterImage {
  const { printSequence, eventSequence, archivedAt, deletedAt, agentName, agentVersion } = state;
  const { connectedAt, disconnectedAt, printerLostAt } = state;
  return {
    ...state.configuration,
    ...{ printSequence, eventSequence, archivedAt, deletedAt, agentName, agentVersion },
    ...{ settings, connectedAt, disconnectedAt, printerLostAt },
    generation: state.tokens.newest,
    agentKeyId: state.tokens.keyId,
    currentPrintId: state.current?.id ?? null,
  };
}

export function liveImage({ state, socket, shown }: Printer, now: number): LiveImage {
  return {
    at: now,
    status: shown === null ? null : statusText(shown),
    isPrinting: shown?.isPrinting ?? false,
    statusAt: shown?.at ?? null,
    lastSeenAt: socket?.lastFrameAt ?? state.lastSeenAt,
    normalizedP: state.normalizedP,
    lastExaminedAt: state.lastExaminedAt,
  };
}

/** An object may have made ids that never reached D1: it goes on behind a gap (design 3). */
const GAP = 1_000;

/** The state of an object that wakes for the first time, or again without its storage. */
export function stateOfRow({ printers: row, prints: print }: PrinterRow): PrinterState {
  const gap = row.revision === 0 ? 0 : GAP;
  return {
    version: 1,
    id: row.id,
    uid: row.uid,
    userId: row.userId,
    createdAt: row.createdAt,
    revision: row.revision + gap,
    printSequence: row.printSequence + gap,
    eventSequence: row.eventSequence + gap,
    connectionSequence: 0,
    configuration: configurationOfRow(row),
    archivedAt: row.archivedAt,
    deletedAt: row.deletedAt,
    tokens: { newest: row.generation, used: null, graceUntil: null, keyId: row.agentKeyId },
    agentName: row.agentName,
    agentVersion: row.agentVersion,
    dialect: dialectOf(row.agentName),
    connectedAt: row.connectedAt,
    disconnectedAt: row.disconnectedAt,
    printerLostAt: row.printerLostAt,
    lastSeenAt: null,
    clockOffset: 0,
    frames: NO_FRAMES,
    current: print === null || print.endedAt !== null ? null : printOfRow(print),
    trail: { latest: print?.startedAt ?? 0, events: [] },
    ledger: [],
    replacements: { at: [], toldAt: null },
    normalizedP: 0,
    lastExaminedAt: null,
  };
}
