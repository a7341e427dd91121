/** Printer events: what happened, as history shows it (semantics A5, C7). */
import type { Print } from "./print.ts";

export const EVENT_TYPES = [
  "STARTED",
  "ENDED",
  "PAUSED",
  "RESUMED",
  "FAILURE_ALERTED",
  "ALERT_MUTED",
  "ALERT_UNMUTED",
  "FILAMENT_CHANGE",
  "PRINTER_ERROR",
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export const EVENT_CLASSES = ["ERROR", "WARNING", "SUCCESS", "INFO"] as const;
export type EventClass = (typeof EVENT_CLASSES)[number];

export interface PrinterEvent {
  readonly id: number;
  readonly printerId: number;
  readonly userId: number;
  readonly printId: number | null;
  readonly type: EventType;
  readonly class: EventClass;
  readonly title: string | null;
  readonly text: string | null;
  readonly imageUrl: string | null;
  readonly infoUrl: string | null;
  /** Epoch milliseconds. */
  readonly createdAt: number;
}

/** What an agent posts to `octo/printer_events/` (protocol 6.2). */
export interface AgentEvent {
  readonly type: EventType;
  readonly class: EventClass;
  readonly title: string | null;
  readonly text: string | null;
  readonly infoUrl: string | null;
}

type Told = { readonly class: EventClass; readonly title: string };

const TOLD = {
  STARTED: { class: "INFO", title: "Print Job Started" },
  PAUSED: { class: "INFO", title: "Print Job Paused" },
  RESUMED: { class: "INFO", title: "Print Job Resumed" },
  FAILURE_ALERTED: { class: "ERROR", title: "Possible Failure Detected" },
  ALERT_MUTED: { class: "WARNING", title: "Watching Turned Off" },
  ALERT_UNMUTED: { class: "INFO", title: "Watching Turned On" },
  FILAMENT_CHANGE: { class: "WARNING", title: "Filament Change Required" },
} as const satisfies Partial<Record<EventType, Told>>;

export type PrintEventType = keyof typeof TOLD | "ENDED";

/** Class and title of an event about `print` (semantics C7; wire 2 for an unknown end). */
export function tellPrintEvent(type: PrintEventType, print: Print): Told {
  if (type !== "ENDED") return TOLD[type];
  if (print.outcome === "unknown") return { class: "WARNING", title: "Print Job Ended" };
  return print.cancelledAt === null
    ? { class: "SUCCESS", title: "Print Job Finished" }
    : { class: "WARNING", title: "Print Job Canceled" };
}

const HTML_ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => HTML_ESCAPES[character] ?? character);
}

/** Class and title of an agent's event that has neither (semantics C7). */
export function tellAgentEvent(type: EventType): { readonly class: EventClass; readonly title: string | null } {
  if (type in TOLD) return TOLD[type as keyof typeof TOLD]; // safe: it was looked for
  return { class: type === "PRINTER_ERROR" ? "ERROR" : "INFO", title: null };
}

/** What agents write: tags without attributes, which can neither load nor run anything. */
const NO_PLAIN_TAG = /<(?!\/?(?:div|span|p|br|i|b|u|em|strong)\s*\/?>)/gi;

/** An agent's text, of which viewers render only plain tags as HTML, and show all else as it is (semantics C7, G). */
export function htmlOfAgentText(text: string): string {
  return text.replace(NO_PLAIN_TAG, "&lt;");
}

/** Two HTML lines that name printer and file; viewers render them as HTML, so both names are escaped (semantics C7). */
export function textOfPrintEvent(printerName: string, filename: string): string {
  return `<div><i>Printer:</i> ${escapeHtml(printerName)}</div><div><i>G-Code:</i> ${escapeHtml(filename)}</div>`;
}
