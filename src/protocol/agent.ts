/** Reads agents' frames: what a text frame says, and what of it is wrong. `to-agent.ts` writes what we say back. */
import {
  type AgentFrame,
  BLANK_FRAME,
  type Json,
  type PassthruAnswer,
  type Report,
  type ReportedEvent,
  type ReportedSettings,
  type ReportedStatus,
  type StatusParts,
} from "../domain/report.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { DEFAULT_WEBCAM } from "../domain/webcam.ts";
import { AGENT_FRAME_BYTES, type FrameFault, isJsonObject, isLongerThan, readJsonObject } from "./codec.ts";
import { refusalWords } from "./refusal-words.ts";
import { dialectOf, eventTypeOf, failureReasonOf, phaseOf, phaseOfStateId } from "./words.ts";

export interface FromAgent {
  readonly frame: AgentFrame;
  /** Keys of the wrong type or too long: each was left out, the rest counts. */
  readonly faults: readonly FrameFault[];
}

/** Reads one text frame. Unknown keys are kept inside `status` and ignored elsewhere. */
export function readAgentFrame(text: string): Result<FromAgent, FrameFault> {
  const json = readJsonObject(text, AGENT_FRAME_BYTES);
  if (!json.ok) return err(json.failure);
  const faults = [...objectKeys.flatMap((key) => faultOf(json.value, key)), ...valueFaults(json.value)];
  const { report, tooLong } = leaveOutLong(readReport(json.value));
  const isChatter = faults.length === 0 && isForViewers(json.value);
  const frame = { report, answer: readAnswer(json.value.passthru), isChatter };
  return ok({ frame, faults: [...faults, ...tooLong] });
}

const VIEWERS_KEYS = ["passthru", "janus"];

/** A frame that says anything else beside it is not, nor is a passthru that names a call. */
function isForViewers(frame: Json): boolean {
  const keys = Object.keys(frame);
  const ref = object(frame.passthru)?.ref ?? null;
  return keys.length > 0 && keys.every((key) => VIEWERS_KEYS.includes(key)) && ref === null;
}

/** Reads a text frame, however broken: one that cannot be read says nothing, and its fault why. */
export function readAgentMessage(text: string): FromAgent {
  const read = readAgentFrame(text);
  return read.ok ? read.value : { frame: BLANK_FRAME, faults: [read.failure] };
}

const objectKeys = [
  "status",
  "octoprint_data",
  "event",
  "octoprint_event",
  "settings",
  "octoprint_settings",
  "passthru",
];

function faultOf(frame: Json, key: string): FrameFault[] {
  const value = frame[key];
  if (value === undefined || value === null || isJsonObject(value)) return [];
  return [{ code: "invalid_frame", detail: `${key}: an object is expected.` }];
}

/** A time stamp or an event's type of a wrong type is ignored, and the agent gets an error frame. */
function valueFaults(frame: Json): FrameFault[] {
  const { current_print_ts: ts } = frame;
  const event = object(frame.event ?? frame.octoprint_event);
  const faults: FrameFault[] = [];
  if (ts !== undefined && ts !== null && typeof ts !== "number") {
    faults.push({ code: "invalid_frame", detail: "current_print_ts: a number is expected." });
  }
  if (event !== null && typeof event.event_type !== "string") {
    faults.push({ code: "invalid_frame", detail: "event: event_type is expected to be a string." });
  }
  return faults;
}

/** Frames of these keys say nothing about the printer. */
const OTHER_KINDS = ["passthru", "janus", "http.tunnel", "http.tunnelv2", "ws.tunnel"];

function readReport(frame: Json): Report | null {
  const keys = Object.keys(frame);
  const refusal = printerRefusal(object(frame.passthru));
  if (refusal === null && keys.length > 0 && keys.every((key) => OTHER_KINDS.includes(key))) return null;
  const status = object(frame.status ?? frame.octoprint_data);
  const isEmpty = status !== null && Object.keys(status).length === 0;
  const settings = object(frame.settings ?? frame.octoprint_settings);
  return {
    printExtId: readPrintExtId(frame.current_print_ts),
    event: readEvent(object(frame.event ?? frame.octoprint_event)),
    status: status === null || isEmpty ? null : readStatus(status, frame),
    settings: settings === null ? null : readSettings(modernSettings(settings)),
    isBlank: keys.length === 0 || isEmpty,
    refusal,
  };
}

/** Klipper begins its refusals with it; Moonraker's agent passes each of them on as an event of the printer. */
const REFUSAL_PREFIX = "!!";

function printerRefusal(passthru: Json | null): string | null {
  const told = text(object(passthru?.printer_event)?.event_text);
  return told?.startsWith(REFUSAL_PREFIX) ? refusalWords(told) : null;
}

/** Drops a status that is too long for a row: serialized again, a value may be several times as long as it came. */
function leaveOutLong(report: Report | null): { report: Report | null; tooLong: FrameFault[] } {
  const status = report?.status ?? null;
  if (report === null || status === null) return { report, tooLong: [] };
  if (!isLongerThan(`${status.rest}${status.job}${status.fileMetadata}`, AGENT_FRAME_BYTES))
    return { report, tooLong: [] };
  return { report: { ...report, status: null }, tooLong: [{ code: "invalid_frame", detail: "status: too long." }] };
}

/** A fraction is floored; what is no time stamp leaves the print alone. */
function readPrintExtId(value: unknown): number | null {
  if (typeof value !== "number") return null;
  const ts = Math.floor(value);
  return ts === -1 || (ts > 0 && Number.isSafeInteger(ts)) ? ts : null;
}

function readEvent(event: Json | null): ReportedEvent | null {
  const word = event?.event_type;
  if (typeof word !== "string") return null;
  const type = eventTypeOf(word);
  const data = object(event?.data);
  const reason = type === "failed" ? failureReasonOf(text(data?.reason)) : null;
  return { type, fileName: text(data?.name), reason };
}

const STATE_TEXT_CODE_UNITS = 80;

function readStatus(status: Json, frame: Json): ReportedStatus {
  const state = object(status.state);
  const flags = object(state?.flags);
  const file = object(object(status.job)?.file);
  const progress = object(status.progress);
  const { job, file_metadata, ...rest } = status;
  const members = Object.entries(rest).map(memberOf);
  const stateText = text(state?.text)?.slice(0, STATE_TEXT_CODE_UNITS) ?? null;
  return {
    ts: readTs(status._ts),
    text: stateText,
    phase: phaseOf(stateText, flags),
    isPrinting: flags?.printing === true,
    hasError: flags?.error === true,
    isPrinterLost: flags?.closedOrError === true,
    fileName: fileNameOf(file),
    gCodeFileId: integer(file?.obico_g_code_file_id ?? frame.tsd_gcode_file_id),
    completion: percent(progress?.completion),
    printTimeSeconds: amount(progress?.printTime),
    filamentUsedMm: amount(progress?.filamentUsed),
    parts: partsOf(members, rest.temperatures, state),
    job: job === undefined ? null : JSON.stringify(job),
    fileMetadata: file_metadata === undefined ? null : JSON.stringify(file_metadata),
    rest: `{${joined(members)}}`,
  };
}

/** Some agents tell a path only, or the name that people see. */
function fileNameOf(file: Json | null): string | null {
  return [file?.name, file?.path, file?.display].map(text).find((name) => name?.trim()) ?? null;
}

/** Unix seconds between 1970 and 5138: a host without a clock of its own begins at 0. */
function readTs(value: unknown): number | null {
  const ts = number(value);
  return ts !== null && ts >= 0 && ts < 1e11 ? ts : null;
}

/** What moves in a print by itself. Layer and lines sent (OctoPrint's `resends`) tell how far it is, as `progress` does. */
const MOVING_KEYS: ReadonlySet<string> = new Set(
  "temperatures,progress,resends,currentZ,currentLayerHeight".split(","),
);

/** A key of a JSON object, and the JSON text of it with its value: each is written once, and read in several ways. */
interface Member {
  readonly key: string;
  readonly text: string;
}

function memberOf([key, value]: [string, unknown]): Member {
  return { key, text: `${JSON.stringify(key)}:${JSON.stringify(value)}` };
}

function joined(members: readonly Member[]): string {
  return members.map(({ text }) => text).join();
}

function partsOf(members: readonly Member[], temperatures: unknown, state: Json | null): StatusParts {
  const heaters = Object.entries(object(temperatures) ?? {}).map(readHeater);
  return {
    condition: JSON.stringify([state?.text, state?.flags, state?.error]),
    moving: joined(members.filter(({ key }) => MOVING_KEYS.has(key))),
    steady: joined(members.filter(({ key }) => key !== "_ts" && !MOVING_KEYS.has(key))),
    heaters: JSON.stringify(heaters.map(({ settings }) => settings)),
    actualsC: heaters.map(({ actualC }) => actualC),
  };
}

function readHeater([name, value]: [string, unknown]): { settings: unknown; actualC: number | null } {
  const heater = object(value);
  const actualC = number(heater?.actual);
  return { settings: [name, actualC === null ? value : { ...heater, actual: 0 }], actualC };
}

const AGENT_FIELD_CODE_UNITS = 64;

function readSettings(keys: Json): ReportedSettings {
  const agent = object(keys.agent);
  const agentName = agentField(agent?.name);
  return {
    keys,
    agentName,
    agentVersion: agentField(agent?.version),
    dialect: agentName === null ? null : dialectOf(agentName),
  };
}

function agentField(value: unknown): string | null {
  return text(value)?.slice(0, AGENT_FIELD_CODE_UNITS).toWellFormed() || null;
}

/** An agent that knows one camera sends `webcam`; it becomes the only item of `webcams`. */
function modernSettings(settings: Json): Json {
  const { webcam, ...modern } = settings;
  if (!isJsonObject(webcam) || Array.isArray(modern.webcams)) return modern;
  const turned = webcam.rotate90 === true ? { rotation: 270 } : {};
  return { ...modern, webcams: [{ ...DEFAULT_WEBCAM, ...turned, ...webcam }] };
}

function readAnswer(passthru: unknown): PassthruAnswer | null {
  const answer = object(passthru);
  const ref = text(answer?.ref);
  const stateId = text(answer?.ret);
  if (ref === null) return null;
  // OctoPrint's agent answers for a file that lies there with the error inside `ret`.
  const error = text(answer?.error) ?? text(object(answer?.ret)?.error);
  const phase = stateId === null ? null : phaseOfStateId(stateId);
  return { ref, phase, error: error === null ? null : refusalWords(error) };
}

function object(value: unknown): Json | null {
  return isJsonObject(value) ? value : null;
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value.replaceAll("\u0000", "").toWellFormed() : null;
}

function number(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

/** A time or a length: one below zero tells nothing. */
function amount(value: unknown): number | null {
  const told = number(value);
  return told !== null && told >= 0 ? told : null;
}

function percent(value: unknown): number | null {
  const told = amount(value);
  return told === null ? null : Math.min(told, 100);
}

function integer(value: unknown): number | null {
  return typeof value === "number" && Number.isSafeInteger(value) ? value : null;
}
