/** What an agent says of itself and its cameras: merged, and kept for good (protocol 4.4, wire 4). */
import { type Change, withState } from "./change.ts";
import { type Json, type Report, SETTINGS_CODE_UNITS } from "./report.ts";

/** Keys of a settings message replace the stored ones, the others stay (wire 4), unless all would be too long. */
function mergeSettings(stored: string | null, message: Json): string {
  const kept: unknown = stored === null ? {} : JSON.parse(stored);
  const merged = JSON.stringify({ ...(kept as object), ...message }); // safe: only this function writes it
  return merged.length > SETTINGS_CODE_UNITS ? JSON.stringify(message) : merged;
}

export function takeSettings(before: Change, report: Report): Change {
  if (report.settings === null) return before;
  const settings = mergeSettings(before.printer.settings, report.settings);
  const agent = report.settings.agent;
  const { agentName, agentVersion } = before.printer.state;
  const name = agentField(agent, "name") ?? agentName;
  const version = agentField(agent, "version") ?? agentVersion;
  if (settings === before.printer.settings && name === agentName && version === agentVersion) return before;
  const merged: Change = { ...before, printer: { ...before.printer, settings } };
  return withState(merged, { agentName: name, agentVersion: version }, { type: "project-printer" });
}

const AGENT_FIELD_CHARACTERS = 64;

function agentField(agent: unknown, key: "name" | "version"): string | null {
  if (typeof agent !== "object" || agent === null) return null;
  const value: unknown = Reflect.get(agent, key);
  if (typeof value !== "string") return null;
  return value.replaceAll("\0", "").slice(0, AGENT_FIELD_CHARACTERS).toWellFormed() || null;
}
