/**
 * Reads what this object stored as JSON, under this program or an older one: a key that was added since has its initial
 * value. Renamed keys are rewritten by migrations: in rows by one of `tables.ts`, in the state by one of `stored-state.ts`.
 */
import type { Projection } from "../db/projection.ts";
import { type AgentSocket, NO_FRAMES, openSocket } from "../domain/agent-socket.ts";
import type { Printer } from "../domain/change.ts";
import { type Command, type CommandRecord, type PrintFile, recordOf } from "../domain/command.ts";
import { DEFAULT_CONFIGURATION } from "../domain/configuration.ts";
import type { PrinterEvent } from "../domain/events.ts";
import { initialState } from "../domain/initial-state.ts";
import type { LastCopy } from "../domain/list-copy.ts";
import { NEW_PRINT, type Print } from "../domain/print.ts";
import { recoverStatus, type ShownStatus } from "../domain/status.ts";
import { isJsonObject } from "../protocol/codec.ts";
import { liveImage, printerImage } from "./projections.ts";
import type { Principal } from "./rpc.ts";

/** `stored`, and from `whole` the keys that it lacks, at every depth. Its lists, nulls and further keys stay as they are. */
export function complete<T extends object>(whole: T, stored: object): T {
  const values = Object.entries(whole).map(([key, value]) => [key, completeValue(value, Reflect.get(stored, key))]);
  return { ...stored, ...Object.fromEntries(values) } as T; // safe: it has every key of a T
}

function completeValue(whole: unknown, stored: unknown): unknown {
  if (stored === undefined) return whole;
  return isJsonObject(whole) && isJsonObject(stored) ? complete(whole, stored) : stored;
}

function completeIfAny<T extends object>(whole: T, stored: T | null): T | null {
  return stored === null ? null : complete(whole, stored);
}

const BIRTH = { id: 0, uid: "", userId: 0, createdAt: 0, configuration: { ...DEFAULT_CONFIGURATION, name: "" } };
const PRINTER: Printer = { state: initialState(BIRTH), socket: null, shown: null, settings: null };
const PRINT: Print = { ...NEW_PRINT, id: 0, extId: 0, filename: "", gCodeFileId: null, startedAt: 0 };
const FILE: PrintFile = { id: 0, path: "", filename: "", safeFilename: "", agentSignature: null };
const COMMAND: Command = {
  ...{ id: "", kind: "pause", state: "unknown", reason: null, agentWords: null },
  ...{ printId: null, printExtId: null, file: null },
  ...{ initiator: "system", userId: null, tokenName: null, ref: "", probeRef: "", connection: null, via: "commands" },
  ...{ createdAt: 0, expiresAt: 0, settleBy: null, sentAt: null, deliveredAt: null, endedAt: null, probeBy: null },
  marks: { wasPaused: false, sawTransient: false, pausedRun: 0, isDoubtful: false, contradictedAt: null },
};
const EVENT: PrinterEvent = {
  ...{ id: 0, printerId: 0, userId: 0, printId: null, createdAt: 0 },
  ...{ type: "PRINTER_ERROR", class: "INFO", title: null, text: null, imageUrl: null, infoUrl: null },
};
const SOCKET = openSocket({ connection: 0, origin: "", ref: "p:" }, 0, {
  clockOffset: 0,
  datedAt: 0,
  frames: NO_FRAMES,
});
const LIVE_COPY: LastCopy = {
  at: 0,
  copied: { condition: "", steady: "", moving: "", heaters: "", actualsC: [] },
  waiting: null,
};
const {
  rest: _rest,
  job: _job,
  fileMetadata: _metadata,
  ...SHOWN
} = recoverStatus({ json: "{}", at: 0, isPrinting: false });
const PRINCIPAL: Principal = { hash: "", userId: 0, tokenName: null, canRead: false, canWrite: false, expiresAt: null };

type ImageOf<K extends Projection["kind"]> = Extract<Projection, { readonly kind: K }>["image"];

const IMAGES: { readonly [K in Projection["kind"]]: ImageOf<K> } = {
  printer: printerImage(PRINTER),
  print: PRINT,
  event: EVENT,
  command: recordOf(COMMAND),
  live: liveImage(PRINTER, 0),
};

/** The initial value of every key of a state, but for those inside a null or a list. */
export const INITIAL_STATE = PRINTER.state;

export function completePrint(stored: Print | null): Print | null {
  return completeIfAny(PRINT, stored);
}

export function completeCommand(stored: Command): Command {
  const command = complete(COMMAND, stored);
  return { ...command, file: completeIfAny(FILE, command.file) };
}

/** A remembered print. */
export function readPrint(image: string): Print {
  return complete(PRINT, parseObject(image));
}

/** A command that ended. */
export function readCommandRecord(image: string): CommandRecord {
  return complete(IMAGES.command, parseObject(image));
}

/** A row of the outbox. */
export function readProjection(text: string): Projection {
  const { kind, image } = parseObject(text) as Projection; // safe: the outbox wrote it, perhaps without newer keys
  const flagged = kind === "live" ? withFlag(image, image.status) : image;
  return { kind, image: complete(IMAGES[kind], flagged) } as Projection; // safe: the image is one of that kind
}

export function readPrincipal(image: string): Principal {
  return complete(PRINCIPAL, parseObject(image));
}

/** A shown status without what is stored separately: `job`, `fileMetadata`, and a `rest` that is too long for an attachment. */
export type ShownHead = Omit<ShownStatus, "rest" | "job" | "fileMetadata">;

/** The document `status`. */
export function readStatus(text: string): ShownHead & { readonly rest: string } {
  const stored = parseObject(text) as { readonly rest?: string }; // safe: memory.ts wrote it
  return complete({ ...SHOWN, rest: "{}" }, withFlag(stored, stored.rest));
}

/** The head of an agent's attachment. A key that an older program named otherwise has its initial value until the next report. */
export function readAgentHead(text: string, rest: string | null): { socket: AgentSocket; shown: ShownHead | null } {
  const stored = parseObject(text) as { readonly socket: object; readonly shown: object | null }; // safe: packAgent wrote it
  const socket = complete(SOCKET, stored.socket);
  return {
    socket: { ...socket, live: completeIfAny(LIVE_COPY, socket.live) },
    shown: stored.shown === null ? null : complete(SHOWN, withFlag(stored.shown, rest)),
  };
}

/** Version 1 had no such flag: whether the printer prints stood only in the text of its status. */
function withFlag<T extends object>(stored: T, status: string | null | undefined): T {
  return "isPrinting" in stored ? stored : { ...stored, isPrinting: isPrintingIn(status ?? "{}") };
}

function isPrintingIn(status: string): boolean {
  const state: unknown = Reflect.get(parseObject(status), "state");
  return isJsonObject(state) && isJsonObject(state.flags) && state.flags.printing === true;
}

/** The JSON object in a text that this program stored. */
function parseObject(text: string): object {
  return JSON.parse(text) as object; // safe: nothing else is stored as JSON
}
