/** What an agent says of itself and its cameras: merged, and kept for good. */
import { type Change, withState } from "./change.ts";
import { type Json, type Report, SETTINGS_CODE_UNITS } from "./report.ts";

/** Keys of a settings message replace the stored ones, the others stay, unless all together would be too long. */
function mergeSettings(stored: string | null, message: Json): string {
  const kept: unknown = stored === null ? {} : JSON.parse(stored);
  const merged = JSON.stringify({ ...(kept as object), ...message }); // safe: only this function writes it
  return merged.length > SETTINGS_CODE_UNITS ? JSON.stringify(message) : merged;
}

export function takeSettings(before: Change, { settings: message }: Report): Change {
  if (message === null) return before;
  const { state } = before.printer;
  const settings = mergeSettings(before.printer.settings, message.keys);
  const agentName = message.agentName ?? state.agentName;
  const agentVersion = message.agentVersion ?? state.agentVersion;
  const dialect = message.dialect ?? state.dialect;
  const isSame = agentName === state.agentName && agentVersion === state.agentVersion && dialect === state.dialect;
  if (isSame && settings === before.printer.settings) return before;
  const merged: Change = { ...before, printer: { ...before.printer, settings } };
  return withState(merged, { agentName, agentVersion, dialect }, { type: "project-printer" });
}
