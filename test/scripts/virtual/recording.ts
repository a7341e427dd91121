/** The recordings of the real agents, and what of a frame can be compared with them. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { isJsonObject, type JsonObject, readObject } from "../../../scripts/virtual/json.ts";

export interface Recorded extends JsonObject {
  readonly t: number;
  readonly from?: "agent" | "server";
}

export type Recording =
  | "moonraker-obico-2.1.4"
  | "octoprint-obico-2.6.1"
  | "receipts-moonraker-obico-2.1.4"
  | "receipts-octoprint-obico-2.6.1";

/** The lines between two moments, in seconds since the recording began. */
export function readRecording(name: Recording, from = 0, to = Number.POSITIVE_INFINITY): Recorded[] {
  const text = readFileSync(path.join(import.meta.dirname, `../../agent-traffic/${name}.jsonl`), "utf8");
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => readObject(line) as Recorded).filter(({ t }) => t >= from && t <= to); // safe: see its README
}

/** The agent's text frames among recorded lines. */
export function framesOf(lines: readonly Recorded[]): JsonObject[] {
  return lines.flatMap((line) => (line.from === "agent" && isJsonObject(line.text) ? [line.text] : []));
}

/** What a frame says in a few words, without values that differ from run to run. */
export function gist(frame: JsonObject): string {
  if (Object.keys(frame).length === 0) return "{}";
  if (isJsonObject(frame.passthru)) return `passthru ${Object.keys(frame.passthru).sort().join(" ")}`;
  const status = isJsonObject(frame.status) ? frame.status : null;
  const state = isJsonObject(status?.state) ? status.state : null;
  const event = isJsonObject(frame.event) ? frame.event : null;
  const data = isJsonObject(event?.data) ? event.data : null;
  const parts = [
    state?.text,
    event?.event_type,
    data?.state_id,
    status === null ? undefined : Number(frame.current_print_ts) > 0 ? "print" : "-1",
    frame.settings === undefined ? undefined : "settings",
  ];
  return parts.filter((part) => part !== undefined).join(" ");
}

/** Paths of every value, lists taken whole; what OctoPrint keeps of a file's earlier prints is left out. */
export function shape(value: unknown, at = ""): string[] {
  if (at.endsWith("/history") || at.endsWith("/statistics")) return [];
  if (!isJsonObject(value)) return [at];
  const keys = Object.keys(value);
  return keys.length === 0 ? [`${at}{}`] : keys.flatMap((key) => shape(value[key], `${at}/${key}`)).sort();
}

/** The JSON types that were seen at every path of the frames. */
export function types(frames: readonly JsonObject[]): Map<string, Set<string>> {
  const seen = new Map<string, Set<string>>();
  const look = (value: unknown, at: string): void => {
    const type = value === null ? "null" : Array.isArray(value) ? "list" : typeof value;
    seen.set(at, (seen.get(at) ?? new Set()).add(type));
    if (isJsonObject(value)) for (const key of Object.keys(value)) look(value[key], `${at}/${key}`);
  };
  for (const frame of frames) look(frame, "");
  return seen;
}
