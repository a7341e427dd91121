/** What printers did: prints, events, and commands that ended. Their objects write it. */
import { sql } from "drizzle-orm";
import { check, index, integer, real, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { COMMAND_STATES, type CommandReason, INITIATORS } from "../../domain/command.ts";
import { COMMAND_KINDS } from "../../domain/command-kind.ts";
import { EVENT_CLASSES, EVENT_TYPES } from "../../domain/events.ts";
import { ALERT_OVERWRITES, OUTCOMES } from "../../domain/print.ts";
import { users } from "./accounts.ts";
import { oneOf } from "./columns.ts";
import { gCodeFiles } from "./g-code.ts";
import { printers } from "./printers.ts";

/** Projected by the object; after the end `http` owns alert_overwrite, deleted_at, filament_used and print_time. */
export const prints = sqliteTable(
  "prints",
  {
    /** printer id * 100,000 + n, made by the object. */
    id: integer().primaryKey(),
    printerId: integer()
      .notNull()
      .references(() => printers.id),
    userId: integer()
      .notNull()
      .references(() => users.id),
    revision: integer().notNull(),
    extId: integer().notNull(),
    filename: text().notNull(),
    gCodeFileId: integer().references(() => gCodeFiles.id),
    startedAt: integer().notNull(),
    endedAt: integer(),
    finishedAt: integer(),
    cancelledAt: integer(),
    outcome: text({ enum: OUTCOMES }),
    alertedAt: integer(),
    alertAcknowledgedAt: integer(),
    alertMutedAt: integer(),
    pausedAt: integer(),
    alertOverwrite: text({ enum: ALERT_OVERWRITES }),
    filamentUsed: real(),
    printTime: real(),
    deletedAt: integer(),
  },
  (t) => [
    // With `deleted_at`, so that the rows that an offset skips are read in the index alone.
    index("prints_user_started").on(t.userId, t.startedAt, t.id, t.deletedAt),
    index("prints_g_code_file").on(t.gCodeFileId).where(sql`${t.gCodeFileId} is not null`),
    check("prints_outcome", sql`${t.outcome} is null or ${oneOf(t.outcome, OUTCOMES)}`),
    check("prints_alert_overwrite", sql`${t.alertOverwrite} is null or ${oneOf(t.alertOverwrite, ALERT_OVERWRITES)}`),
  ],
);

export const printerEvents = sqliteTable(
  "printer_events",
  {
    /** printer id * 100,000,000 + n, made by the object. */
    id: integer().primaryKey(),
    printerId: integer()
      .notNull()
      .references(() => printers.id),
    userId: integer()
      .notNull()
      .references(() => users.id),
    printId: integer(),
    eventType: text({ enum: EVENT_TYPES }).notNull(),
    eventClass: text({ enum: EVENT_CLASSES }).notNull(),
    eventTitle: text(),
    eventText: text(),
    imageUrl: text(),
    infoUrl: text(),
    createdAt: integer().notNull(),
  },
  (t) => [
    index("printer_events_user_created").on(t.userId, t.createdAt, t.id),
    index("printer_events_printer_created").on(t.printerId, t.createdAt, t.id),
    check("printer_events_type", oneOf(t.eventType, EVENT_TYPES)),
    check("printer_events_class", oneOf(t.eventClass, EVENT_CLASSES)),
  ],
);

/** Commands that ended, projected by the object. */
export const commands = sqliteTable(
  "commands",
  {
    id: text().primaryKey(),
    printerId: integer()
      .notNull()
      .references(() => printers.id),
    revision: integer().notNull(),
    kind: text({ enum: COMMAND_KINDS }).notNull(),
    state: text({ enum: COMMAND_STATES }).notNull(),
    reason: text().$type<CommandReason>(),
    /** With which the agent refused it. */
    agentWords: text(),
    printId: integer(),
    initiator: text({ enum: INITIATORS }).notNull(),
    userId: integer().references(() => users.id),
    tokenName: text(),
    createdAt: integer().notNull(),
    expiresAt: integer().notNull(),
    settleBy: integer(),
    sentAt: integer(),
    deliveredAt: integer(),
    endedAt: integer(),
  },
  (t) => [
    index("commands_printer_created").on(t.printerId, t.createdAt),
    check("commands_kind", oneOf(t.kind, COMMAND_KINDS)),
    check("commands_state", oneOf(t.state, COMMAND_STATES)),
    check("commands_initiator", oneOf(t.initiator, INITIATORS)),
  ],
);
