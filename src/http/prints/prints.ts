/** Prints over REST. A current one is changed by its printer's object, an ended one in D1 ([O42]). */
import { Hono } from "hono";
import * as z from "zod";
import { connect } from "../../db/client.ts";
import {
  type CurrentPrint,
  deleteEndedPrints,
  editEndedPrint,
  findPrint,
  type ListedPrint,
  listPrints,
} from "../../db/prints.ts";
import { notFound, UNAVAILABLE } from "../../domain/failure.ts";
import { ALERT_OVERWRITES, type PrintEdit } from "../../domain/print.ts";
import { DetailedPrintJson, detailedPrintJson } from "../json/print.ts";
import type { AdmittedContext, Caller, HttpContext, HttpEnv } from "../kit/context.ts";
import { FailureError, orNotFound } from "../kit/errors.ts";
import { choiceField, idsField, numberField, pageFields } from "../kit/fields.ts";
import { callPrinter } from "../kit/printer-call.ts";
import { postOnly, route } from "../kit/route.ts";
import { pathId } from "../kit/validate.ts";
import { PrintListQuery, selectionOf, spanOf, withDeletedField } from "./query.ts";

const list = route(
  {
    method: "GET",
    path: "/api/v1/prints",
    summary: "List the account's prints",
    description: "By the start. Prints of deleted printers stay.",
    access: "read",
    query: PrintListQuery.safeExtend({
      ...pageFields(12),
      sorting: choiceField(["date_desc", "date_asc"]).default("date_desc"),
    }),
    answers: { 200: z.array(DetailedPrintJson) },
  },
  async (c) => {
    const query = c.req.valid("query");
    const selection = { ...selectionOf(c.get("caller").userId, query), ...spanOf(query) };
    const page = { isAscending: query.sorting === "date_asc", start: query.start, limit: query.limit };
    const rows = await listPrints(connect(c.env.DB), selection, page, Date.now());
    return c.json(rows.map(detailedPrintJson), 200);
  },
);

async function found(c: AdmittedContext, withDeleted: boolean): Promise<ListedPrint> {
  const wanted = { userId: c.var.caller.userId, id: pathId(c, "printId", "Print"), withDeleted };
  return orNotFound(await findPrint(connect(c.env.DB), wanted, Date.now()), "Print");
}

const WithDeleted = z.object(withDeletedField);

const foundAsAsked = (
  c: AdmittedContext,
  { with_deleted: withDeleted = false }: Partial<z.output<typeof WithDeleted>>,
) => found(c, withDeleted);

function read(path: "/api/v1/prints/:printId" | "/api/v1/print/:printId") {
  return route(
    {
      method: "GET",
      path,
      summary: "Read a print",
      access: "read",
      find: foundAsAsked,
      query: WithDeleted,
      answers: { 200: DetailedPrintJson },
    },
    (c) => c.json(detailedPrintJson(c.get("found")), 200),
  );
}

const predictions = route(
  {
    method: "GET",
    path: "/api/v1/prints/:printId/prediction_json",
    summary: "Read what failure detection saw during a print",
    description: "Empty: no detector is built in yet.",
    access: "read",
    find: foundAsAsked,
    query: WithDeleted,
    answers: { 200: z.array(z.unknown()) },
  },
  (c) => c.json([], 200),
);

const AMOUNT = { min: 0, max: 1e12 };

const patch = route(
  {
    method: "PATCH",
    path: "/api/v1/prints/:printId",
    summary: "Correct a print",
    description: "Unknown and read-only keys are ignored. A current print is corrected at its printer.",
    access: "write",
    find: (c) => found(c, false),
    body: z
      .object({
        alert_overwrite: choiceField(ALERT_OVERWRITES).nullable(),
        filament_used: numberField(AMOUNT).nullable().describe("mm"),
        print_time: numberField(AMOUNT).nullable().describe("Seconds."),
      })
      .partial(),
    answers: { 200: DetailedPrintJson },
  },
  async (c) => {
    const { alert_overwrite: alertOverwrite, filament_used, print_time } = c.req.valid("json");
    const edit = { alertOverwrite, filamentUsedMm: filament_used, printTimeSeconds: print_time };
    return c.json(detailedPrintJson(await edited(c, c.get("caller"), c.get("found"), edit)), 200);
  },
);

/** `unavailable` while a print has ended and D1 does not show it yet: the row of its end would undo the edit ([H45]). */
async function edited(c: HttpContext, { userId }: Caller, print: ListedPrint, edit: PrintEdit): Promise<ListedPrint> {
  if (Object.values(edit).every((value) => value === undefined)) return print;
  const current = print.print.endedAt === null ? await editCurrent(c, print, edit) : null;
  if (current !== null) return current;
  const ended = await editEndedPrint(connect(c.env.DB), { userId, id: print.print.id }, edit);
  if (ended === undefined) throw new FailureError(UNAVAILABLE);
  return { ...print, print: ended };
}

/** Null when it is not current any more. */
async function editCurrent(c: HttpContext, listed: ListedPrint, edit: PrintEdit): Promise<ListedPrint | null> {
  if (listed.printer === null) return null;
  const { id, uid } = listed.printer;
  const answer = await unlessGone(callPrinter(c, id, (printer) => printer.editPrint(uid, listed.print.id, edit)));
  if (answer === null || !answer.succeeded || answer.printer.currentPrint === null) return null;
  return { ...listed, printer: answer.printer, print: answer.printer.currentPrint };
}

/** Null: the printer is deleted, and its current print has ended with it. */
async function unlessGone<T>(asked: Promise<T>): Promise<T | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof FailureError && error.failure.code === "not_found") return null;
    throw error;
  }
}

const remove = route(
  {
    method: "DELETE",
    path: "/api/v1/prints/:printId",
    summary: "Delete a print",
    description:
      "A current one leaves history at once, and stays its printer's current print until that is done with it.",
    access: "write",
    answers: { 200: null },
  },
  async (c) => {
    const count = await deletePrints(c, c.get("caller"), [pathId(c, "printId", "Print")]);
    if (count === 0) throw new FailureError(notFound("Print"));
    return c.body(null, 200);
  },
);

const removeMany = route(
  {
    method: "POST",
    path: "/api/v1/prints/bulk_delete",
    summary: "Delete prints",
    description: "Current ones leave history at once, and stay current at their printers; unknown ids are ignored.",
    access: "write",
    body: z.object({ print_ids: idsField() }),
    answers: { 204: null },
  },
  async (c) => {
    await deletePrints(c, c.get("caller"), c.req.valid("json").print_ids);
    return c.body(null, 204);
  },
);

/** How many there were. `unavailable` while one has ended and D1 does not show it yet: it is not deleted then. */
async function deletePrints(c: HttpContext, { userId }: Caller, ids: readonly number[]): Promise<number> {
  const db = connect(c.env.DB);
  const { deleted, current } = await deleteEndedPrints(db, userId, ids, Date.now());
  const removed = await Promise.all(current.map((print) => removeCurrent(c, print)));
  const endedMeanwhile = current.filter((_, place) => removed[place] === false).map(({ id }) => id);
  if (endedMeanwhile.length > 0) {
    const again = await deleteEndedPrints(db, userId, endedMeanwhile, Date.now());
    if (again.current.length > 0) throw new FailureError(UNAVAILABLE);
  }
  return deleted + current.length;
}

/** False when it is not current any more. */
async function removeCurrent(c: HttpContext, { id, printerId, printerUid }: CurrentPrint): Promise<boolean> {
  const answer = await unlessGone(callPrinter(c, printerId, (printer) => printer.removePrint(printerUid, id)));
  return answer?.succeeded ?? false;
}

export const prints = new Hono<HttpEnv>()
  .on(...list)
  .on(...removeMany)
  .on(...postOnly("/api/v1/prints/bulk_delete"))
  .on(...read("/api/v1/prints/:printId"))
  .on(...read("/api/v1/print/:printId"))
  .on(...predictions)
  .on(...patch)
  .on(...remove);
