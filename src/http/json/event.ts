/** A printer event as clients read it. */
import * as z from "zod";
import { EVENT_CLASSES, EVENT_TYPES, type PrinterEvent } from "../../domain/events.ts";
import { TimeJson, timeJson } from "./time.ts";

export const EventJson = z
  .object({
    id: z.int(),
    printer: z.int(),
    print: z.int().nullable(),
    event_type: z.enum(EVENT_TYPES),
    event_class: z.enum(EVENT_CLASSES),
    event_title: z.string().nullable(),
    event_text: z.string().nullable().describe("Simple HTML."),
    image_url: z.string().nullable(),
    info_url: z.string().nullable(),
    created_at: TimeJson,
  })
  .meta({ id: "PrinterEvent" });

export function eventJson(event: PrinterEvent): z.input<typeof EventJson> {
  return {
    id: event.id,
    printer: event.printerId,
    print: event.printId,
    event_type: event.type,
    event_class: event.class,
    event_title: event.title,
    event_text: event.text,
    image_url: event.imageUrl,
    info_url: event.infoUrl,
    created_at: timeJson(event.createdAt),
  };
}
