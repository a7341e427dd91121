/** A printer's `settings` as clients read them: computed anew from what the agent sent, only these keys ([A22]). */
import * as z from "zod";
import type { Json } from "../../domain/report.ts";
import { DEFAULT_WEBCAM } from "../../domain/webcam.ts";
import { isJsonObject } from "../../protocol/codec.ts";

export const SettingsJson = z
  .object({
    webcams: z.array(z.unknown()).nullable().optional().describe("The agent's own list; absent until it sent one."),
    data_channel_id: z.string().optional(),
    temp_profiles: z.array(z.unknown()).optional(),
    printer_metadata: z.string().optional().describe("JSON text."),
    platform_uname: z.string().optional().describe("JSON text."),
    installed_plugins: z.string().optional().describe("JSON text."),
    tsd_plugin_version: z.string().optional(),
    octoprint_version: z.string().optional(),
    webcam_flipV: z.boolean().nullable(),
    webcam_flipH: z.boolean().nullable(),
    webcam_rotation: z.int().nullable(),
    webcam_rotate90: z.boolean().nullable(),
    webcam_streamRatio: z.string().nullable(),
    ratio169: z.boolean(),
    agent_name: z.string().optional(),
    agent_version: z.string().optional(),
  })
  .meta({ id: "PrinterSettings" });

type Settings = z.input<typeof SettingsJson>;

interface Agent {
  readonly agentName: string | null;
  readonly agentVersion: string | null;
}

/** `text`: JSON text of the agent's merged settings messages; null when it never sent one. */
export function settingsJson(text: string | null, { agentName, agentVersion }: Agent): Settings {
  const stored = readStored(text);
  if (stored === null) return webcamJson(DEFAULT_WEBCAM);
  const webcams = webcamsOf(stored);
  const list = webcams ?? [];
  const [first] = list;
  const profiles = isJsonObject(stored.temperature) ? stored.temperature.profiles : null;
  return {
    ...(webcams === undefined ? {} : { webcams }),
    data_channel_id: dataChannelOf(stored, list.filter(isJsonObject)),
    temp_profiles: Array.isArray(profiles) ? profiles : [],
    printer_metadata: JSON.stringify(stored.printer_metadata ?? {}),
    platform_uname: JSON.stringify(stored.platform_uname ?? []),
    installed_plugins: JSON.stringify(stored.installed_plugins ?? []),
    tsd_plugin_version: textOf(stored.tsd_plugin_version),
    octoprint_version: textOf(stored.octoprint_version),
    ...webcamJson(isJsonObject(first) ? first : DEFAULT_WEBCAM),
    ...(agentName === null || agentVersion === null ? {} : { agent_name: agentName, agent_version: agentVersion }),
  };
}

function readStored(text: string | null): Json | null {
  const value: unknown = text === null ? null : JSON.parse(text);
  return isJsonObject(value) ? value : null;
}

/** Undefined until the agent sent some; null while it is finding out. */
function webcamsOf({ webcams }: Json): unknown[] | null | undefined {
  return Array.isArray(webcams) || webcams === null ? webcams : undefined;
}

function dataChannelOf(stored: Json, webcams: readonly Json[]): string {
  const own = idText(stored.data_channel_id);
  if (own !== "") return own;
  const open = webcams.find((webcam) => webcam.data_channel_available === true);
  const primary = webcams.find(
    (webcam) => webcam.is_primary_camera === true && webcam.stream_mode === "h264_transcode",
  );
  return idText((open ?? primary)?.stream_id);
}

function idText(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The keys that old clients read; always those of the first webcam, primary or not. */
function webcamJson(webcam: Json) {
  const rotation = rotationOf(webcam);
  const ratio = typeof webcam.streamRatio === "string" ? webcam.streamRatio : null;
  return {
    webcam_flipV: typeof webcam.flipV === "boolean" ? webcam.flipV : null,
    webcam_flipH: typeof webcam.flipH === "boolean" ? webcam.flipH : null,
    webcam_rotation: rotation,
    webcam_rotate90: rotation === null ? null : rotation === 270,
    webcam_streamRatio: ratio,
    ratio169: ratio === "16:9",
  };
}

function rotationOf({ rotation, rotate90 }: Json): number | null {
  if (rotation === undefined || rotation === null) {
    if (typeof rotate90 !== "boolean") return null;
    return rotate90 ? 270 : 0;
  }
  const degrees = Math.trunc(Number(rotation));
  return [90, 180, 270].includes(degrees) ? degrees : 0;
}
