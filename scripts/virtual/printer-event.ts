/** What an agent tells besides prints: an event over HTTP, and a toast for viewers over the socket [V34]. */
import type { Fields } from "./form.ts";

export interface PrinterEvent {
  readonly event_title: string;
  readonly event_text: string;
  readonly event_type: "PRINTER_ERROR" | "FILAMENT_CHANGE";
  readonly event_class: "ERROR" | "WARNING";
  readonly info_url?: string;
  readonly notify?: "true";
}

export function eventFields(event: PrinterEvent): Fields {
  return Object.entries(event);
}
