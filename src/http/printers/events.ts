/** Printer events over REST (semantics B3), newest first, of all the account's printers. */
import { Hono } from "hono";
import * as z from "zod";
import { connect } from "../../db/client.ts";
import { findEvent, listEvents } from "../../db/events.ts";
import { EVENT_CLASSES, EVENT_TYPES, type EventType } from "../../domain/events.ts";
import { notFound } from "../../domain/failure.ts";
import { EventJson, eventJson } from "../json/event.ts";
import type { HttpEnv } from "../kit/context.ts";
import { FailureError } from "../kit/errors.ts";
import { choiceField, listField, pageFields } from "../kit/fields.ts";
import { route } from "../kit/route.ts";
import { pathId } from "../kit/validate.ts";

/** Words of the filter that stand for several types. */
const SHORTHANDS = {
  ALERT: ["FAILURE_ALERTED", "ALERT_MUTED", "ALERT_UNMUTED"],
  PAUSE_RESUME: ["PAUSED", "RESUMED"],
} as const satisfies Record<string, readonly EventType[]>;

type TypeWord = EventType | keyof typeof SHORTHANDS;

function typesOf(word: TypeWord): readonly EventType[] {
  return word === "ALERT" || word === "PAUSE_RESUME" ? SHORTHANDS[word] : [word];
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
        .array(choiceField([...EVENT_TYPES, "ALERT", "PAUSE_RESUME"]))
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
    if (event === undefined) throw new FailureError(notFound("PrinterEvent"));
    return c.json(eventJson(event), 200);
  },
);

export const events = new Hono<HttpEnv>().on(...list).on(...read);
