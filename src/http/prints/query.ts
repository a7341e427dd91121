/** What a query says about which prints are meant, with whole local days as instants. */
import * as z from "zod";
import { FEEDBACK_FILTERS, PRINT_FILTERS, type PrintSelection } from "../../db/print-selection.ts";
import { openZone, parseDay, startOfDay } from "../../domain/local-day.ts";
import { choiceField, integerField, listField, presenceFlag, REQUIRED, refuse } from "../kit/fields.ts";

export const withDeletedField = { with_deleted: presenceFlag().describe("Deleted prints too.") };

export const printFields = {
  filter: choiceField(PRINT_FILTERS).default("none"),
  feedback_needed: choiceField(FEEDBACK_FILTERS).optional(),
  "filter_by_printer_ids[]": listField(integerField({ min: 0, max: Number.MAX_SAFE_INTEGER })).optional(),
  ...withDeletedField,
};

/** A day of the calendar, as its number. */
export const dayField = z
  .string({ error: REQUIRED })
  .transform((text, c) => parseDay(text) ?? refuse(c, "Date has wrong format. Use YYYY-MM-DD."))
  .meta({ type: "string", format: "date" });

export const zoneField = z
  .string({ error: REQUIRED })
  .transform((name, c) => openZone(name) ?? refuse(c, `"${name.slice(0, 100)}" is no IANA time zone.`))
  .meta({ type: "string", minLength: 1, examples: ["Europe/Berlin"] });

export const PrintListQuery = z
  .object({
    ...printFields,
    from_date: dayField.optional().describe("The first local day of their starts, YYYY-MM-DD."),
    to_date: dayField.optional().describe("The last one."),
    timezone: zoneField.optional().describe("An IANA name; needed with either date."),
  })
  .refine((query) => query.timezone !== undefined || (query.from_date ?? query.to_date) === undefined, {
    path: ["timezone"],
    error: REQUIRED,
  });

type PrintFields = z.output<z.ZodObject<typeof printFields>>;

/** Of any time. */
export function selectionOf(userId: number, query: PrintFields): PrintSelection {
  return {
    userId,
    filter: query.filter,
    feedback: query.feedback_needed ?? null,
    printerIds: query["filter_by_printer_ids[]"] ?? null,
    startedFrom: null,
    startedBefore: null,
    withDeleted: query.with_deleted,
  };
}

/** The bounds of the starts of those days' prints, epoch milliseconds; null where the query sets none. */
export function spanOf({ from_date: first, to_date: last, timezone: zone }: z.output<typeof PrintListQuery>) {
  return {
    startedFrom: zone === undefined || first === undefined ? null : startOfDay(zone, first),
    startedBefore: zone === undefined || last === undefined ? null : startOfDay(zone, last + 1),
  };
}
