/** A printer as D1 shows it: the images of its two rows, and the state that a first wake makes of them. */
import { configurationOfRow, printOfRow } from "../db/printers.ts";
import type { FirstWakeRow, LiveImage, PrinterImage } from "../db/projection.ts";
import type { Printer, PrinterState } from "../domain/change.ts";
import { initialState } from "../domain/initial-state.ts";
import { NEW_PRINT } from "../domain/print.ts";
import { statusText } from "../domain/status.ts";
import { dialectOf } from "../protocol/words.ts";

export function printerImage({ state, settings }: Printer): PrinterImage {
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

/** An object that lost its storage may have used ids that never reached D1: it goes on after a gap ([O24]). */
const GAP = 1_000;

/** The state of an object that wakes for the first time, or has lost its storage. */
export function stateOfRow({ printers: row, prints: print }: FirstWakeRow): PrinterState {
  const gap = row.revision === 0 ? 0 : GAP;
  const { id, uid, userId, createdAt, archivedAt, deletedAt, agentName, agentVersion } = row;
  const { connectedAt, disconnectedAt, printerLostAt } = row;
  const born = initialState({ id, uid, userId, createdAt, configuration: configurationOfRow(row) });
  return {
    ...born,
    ...{ archivedAt, deletedAt, agentName, agentVersion, connectedAt, disconnectedAt, printerLostAt },
    revision: row.revision + gap,
    printSequence: row.printSequence + gap,
    eventSequence: row.eventSequence + gap,
    tokens: { ...born.tokens, newest: row.generation, keyId: row.agentKeyId },
    dialect: dialectOf(agentName),
    current: print === null || print.endedAt !== null ? null : { ...NEW_PRINT, ...printOfRow(print) },
    trail: { ...born.trail, latest: print?.startedAt ?? 0 },
  };
}
