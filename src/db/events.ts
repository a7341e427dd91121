/** History of printer events, newest first. Their printers' objects write them. */
import { and, desc, eq, inArray } from "drizzle-orm";
import type { EventClass, EventType, PrinterEvent } from "../domain/events.ts";
import type { Db } from "./client.ts";
import { printerEvents } from "./schema/history.ts";

/** Every part narrows the others; null: whichever. */
export interface EventSelection {
  readonly of: { readonly userId: number } | { readonly printerId: number };
  readonly types: readonly EventType[] | null;
  readonly classes: readonly EventClass[] | null;
}

export async function listEvents(
  db: Db,
  selection: EventSelection,
  page: { readonly start: number; readonly limit: number },
): Promise<PrinterEvent[]> {
  const { of, types, classes } = selection;
  const isSelected = and(
    "userId" in of ? eq(printerEvents.userId, of.userId) : eq(printerEvents.printerId, of.printerId),
    types === null ? undefined : inArray(printerEvents.eventType, [...new Set(types)]),
    classes === null ? undefined : inArray(printerEvents.eventClass, [...new Set(classes)]),
  );
  const rows = await db
    .select()
    .from(printerEvents)
    .where(isSelected)
    .orderBy(desc(printerEvents.createdAt), desc(printerEvents.id))
    .limit(page.limit)
    .offset(page.start);
  return rows.map(eventOfRow);
}

export async function findEvent(db: Db, userId: number, id: number): Promise<PrinterEvent | undefined> {
  const isOwn = and(eq(printerEvents.id, id), eq(printerEvents.userId, userId));
  const [row] = await db.select().from(printerEvents).where(isOwn);
  return row === undefined ? undefined : eventOfRow(row);
}

function eventOfRow(row: typeof printerEvents.$inferSelect): PrinterEvent {
  const { eventType, eventClass, eventTitle, eventText, ...shared } = row;
  return { ...shared, type: eventType, class: eventClass, title: eventTitle, text: eventText };
}
