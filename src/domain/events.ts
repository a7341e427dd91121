/** Printer events: what happened, as history shows it. */
import type { Print } from "./print.ts";

export const EVENT_CLASSES = ["ERROR", "WARNING", "SUCCESS", "INFO"] as const;
export type EventClass = (typeof EVENT_CLASSES)[number];

interface EventHeading {
  readonly class: EventClass;
  readonly title: string | null;
}

/** Every type: what an event of it says unless more is known; `isOfPrint`: something that happens to a print makes it. */
const EVENTS = {
  STARTED: { class: "INFO", title: "Print Job Started", isOfPrint: true },
  ENDED: { class: "INFO", title: null, isOfPrint: true },
  PAUSED: { class: "INFO", title: "Print Job Paused", isOfPrint: true },
  RESUMED: { class: "INFO", title: "Print Job Resumed", isOfPrint: true },
  FAILURE_ALERTED: { class: "ERROR", title: "Possible Failure Detected", isOfPrint: true },
  ALERT_MUTED: { class: "WARNING", title: "Watching Turned Off", isOfPrint: true },
  ALERT_UNMUTED: { class: "INFO", title: "Watching Turned On", isOfPrint: true },
  FILAMENT_CHANGE: { class: "WARNING", title: "Filament Change Required", isOfPrint: true },
  PRINTER_ERROR: { class: "ERROR", title: null, isOfPrint: false },
} as const satisfies Readonly<Record<string, EventHeading & { readonly isOfPrint: boolean }>>;

export type EventType = keyof typeof EVENTS;

export const EVENT_TYPES = Object.keys(EVENTS) as [EventType, ...EventType[]]; // safe: its own keys

export type PrintEventType = {
  [T in EventType]: (typeof EVENTS)[T]["isOfPrint"] extends true ? T : never;
}[EventType];

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

/** An event before it has its ids: as an agent posts it ([A33]), or as a step tells it. */
export interface EventContent {
  readonly type: EventType;
  readonly class: EventClass;
  readonly title: string | null;
  readonly text: string | null;
  readonly infoUrl: string | null;
}

/** Class and title of an event that says no more than its type: an agent's that has neither. */
export function tellEvent(type: EventType): EventHeading {
  const { class: eventClass, title } = EVENTS[type];
  return { class: eventClass, title };
}

/** Class and title of an event about `print`: an end says which one it was. */
export function tellPrintEvent(type: PrintEventType, print: Print): EventHeading {
  if (type !== "ENDED") return tellEvent(type);
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

/** What agents write: tags without attributes, which can neither load nor run anything. */
const NO_PLAIN_TAG = /<(?!\/?(?:div|span|p|br|i|b|u|em|strong)\s*\/?>)/gi;

/** An agent's text, of which clients render only plain tags as HTML and show all else as it is ([A34]). */
export function htmlOfAgentText(text: string): string {
  return text.replace(NO_PLAIN_TAG, "&lt;");
}

/** Two lines of HTML that name printer and file, both names escaped ([L31]). */
export function textOfPrintEvent(printerName: string, filename: string): string {
  return `<div><i>Printer:</i> ${escapeHtml(printerName)}</div><div><i>G-Code:</i> ${escapeHtml(filename)}</div>`;
}
