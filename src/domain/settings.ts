/** What an agent says of itself and its cameras: merged, and kept for good. */
import { type Change, withEffects, withState } from "./change.ts";
import { type Json, type Report, SETTINGS_CODE_UNITS } from "./report.ts";

/** What comes first where not all fits: who the agent is, and what people are shown. Then what was kept before, then what is new. */
const FIRST = [
  ...["agent", "octoprint_version", "tsd_plugin_version", "webcams", "data_channel_id", "temperature"],
  ...["printer_metadata", "platform_uname", "installed_plugins"],
];

interface Merged {
  /** JSON text of at most `SETTINGS_CODE_UNITS`. */
  readonly text: string;
  /** Keys whose newest value did not fit: an earlier value stays where it fits. */
  readonly leftOut: readonly string[];
}

/** Keys of a settings message replace the stored ones, the others stay. */
function mergeSettings(stored: Json, message: Json): Merged {
  const merged: Json = { ...stored, ...message };
  const text = JSON.stringify(merged);
  return text.length <= SETTINGS_CODE_UNITS
    ? { text, leftOut: [] }
    : keepWhatFits(stored, message, Object.keys(merged));
}

function keepWhatFits(stored: Json, message: Json, names: readonly string[]): Merged {
  const inOrder = [...new Set([...FIRST.filter((name) => names.includes(name)), ...names])];
  const kept: string[] = [];
  const leftOut: string[] = [];
  // Two braces, and a comma after each member but the last.
  let room = SETTINGS_CODE_UNITS - 1;
  for (const name of inOrder) {
    const [newest, ...earlier] = [message, stored].flatMap((side) => (Object.hasOwn(side, name) ? [side[name]] : []));
    const texts = [newest, ...earlier].map((value) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
    const member = texts.find(({ length }) => length < room);
    if (member !== texts[0]) leftOut.push(name);
    if (member === undefined) continue;
    kept.push(member);
    room -= member.length + 1;
  }
  return { text: `{${kept.join()}}`, leftOut };
}

const NAMES_TOLD = 10;
const NAME_CODE_UNITS = 64;

/** Short, because small agents read frames into 2 KiB. */
function faultOf(leftOut: readonly string[]): string {
  const names = leftOut.slice(0, NAMES_TOLD).map((name) => name.slice(0, NAME_CODE_UNITS).toWellFormed());
  const more = leftOut.length > NAMES_TOLD ? ` and ${leftOut.length - NAMES_TOLD} more` : "";
  return `settings: no room within ${SETTINGS_CODE_UNITS} characters for ${names.join(", ")}${more}.`;
}

export function takeSettings(before: Change, { settings: message }: Report): Change {
  if (message === null) return before;
  const { state } = before.printer;
  // safe: only this function writes it
  const stored = JSON.parse(before.printer.settings ?? "{}") as Json;
  const { text: settings, leftOut } = mergeSettings(stored, message.keys);
  const fault = { type: "send-fault", code: "invalid_frame", detail: faultOf(leftOut) } as const;
  const told = leftOut.length === 0 ? before : withEffects(before, fault);
  const agentName = message.agentName ?? state.agentName;
  const agentVersion = message.agentVersion ?? state.agentVersion;
  const dialect = message.dialect ?? state.dialect;
  const isSame = agentName === state.agentName && agentVersion === state.agentVersion && dialect === state.dialect;
  if (isSame && settings === before.printer.settings) return told;
  const merged: Change = { ...told, printer: { ...told.printer, settings } };
  return withState(merged, { agentName, agentVersion, dialect }, { type: "project-printer" });
}
