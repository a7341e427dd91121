/** Printer events over REST, newest first, of all the account's printers ([H50]). */
import { Hono } from "hono";
import * as z from "zod";
import { connect } from "../../db/client.ts";
import { findEvent, listEvents } from "../../db/events.ts";
import { EVENT_CLASSES, EVENT_TYPES, type EventType } from "../../domain/events.ts";
import { EventJson, eventJson } from "../json/event.ts";
import type { HttpEnv } from "../kit/context.ts";
import { orNotFound } from "../kit/errors.ts";
import { choiceField, listField, pageFields } from "../kit/fields.ts";
import { route } from "../kit/route.ts";
import { pathId } from "../kit/validate.ts";

/** Words of the filter that stand for several types. */
const SHORTHANDS = ["ALERT", "PAUSE_RESUME"] as const;

type Shorthand = (typeof SHORTHANDS)[number];

/** Null: no shorthand stands for it. */
const SHORTHAND_OF: Readonly<Record<EventType, Shorthand | null>> = {
  STARTED: null,
  ENDED: null,
  PAUSED: "PAUSE_RESUME",
  RESUMED: "PAUSE_RESUME",
  FAILURE_ALERTED: "ALERT",
  ALERT_MUTED: "ALERT",
  ALERT_UNMUTED: "ALERT",
  FILAMENT_CHANGE: null,
  PRINTER_ERROR: null,
};

function typesOf(word: EventType | Shorthand): readonly EventType[] {
  return EVENT_TYPES.filter((type) => type === word || SHORTHAND_OF[type] === word);
}

const list = route(
  {
    method: "GET",
    path: "/api/v1/printer_events",
    summary: "List the events of the account's printers, newest first",
    access: "read",
    query: z.object({
      ...pageFields(12),
      "filter_by_classes[]": listField(choiceField(EVENT_CLASSES)).optional().describe("Absent: of any class."),
      "filter_by_types[]": z
        .array(choiceField([...EVENT_TYPES, ...SHORTHANDS]))
        .optional()
        .describe("Absent: of any type. `ALERT` and `PAUSE_RESUME` stand for several."),
    }),
    answers: { 200: z.array(EventJson) },
  },
  async (c) => {
    const { "filter_by_classes[]": classes = null, "filter_by_types[]": words, ...page } = c.req.valid("query");
    const types = words?.flatMap(typesOf) ?? null;
    const selection = { of: { userId: c.get("caller").userId }, types, classes };
    return c.json((await listEvents(connect(c.env.DB), selection, page)).map(eventJson), 200);
  },
);

const read = route(
  {
    method: "GET",
    path: "/api/v1/printer_events/:eventId",
    summary: "Read an event",
    access: "read",
    answers: { 200: EventJson },
  },
  async (c) => {
    const id = pathId(c, "eventId", "PrinterEvent");
    const event = await findEvent(connect(c.env.DB), c.get("caller").userId, id);
    return c.json(eventJson(orNotFound(event, "PrinterEvent")), 200);
  },
);

export const events = new Hono<HttpEnv>().on(...list).on(...read);
