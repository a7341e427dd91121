/** Printers, and the list's copy of what changes with every status. */
import { check, index, integer, real, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { CONFIGURATION_FIELDS, type Configuration } from "../../domain/configuration.ts";
import { users } from "./accounts.ts";
import { oneOf } from "./columns.ts";

/** What the columns of a configuration hold: a column a field. */
type ConfigurationColumns = {
  readonly [K in keyof Configuration]: { readonly _: { readonly data: Configuration[K]; readonly notNull: true } };
};

/** One that is added has a default, for the printers there are, and no CHECK: that would rebuild their table ([O48]). */
const configurationColumns = {
  name: text().notNull(),
  actionOnFailure: text({ enum: CONFIGURATION_FIELDS.actionOnFailure.choices }).notNull(),
  watchingEnabled: integer({ mode: "boolean" }).notNull(),
  toolsOffOnPause: integer({ mode: "boolean" }).notNull(),
  bedOffOnPause: integer({ mode: "boolean" }).notNull(),
  retractOnPause: real().notNull(),
  liftZOnPause: real().notNull(),
  detectiveSensitivity: real().notNull(),
  minTimelapseSecsOnFinish: integer().notNull(),
  minTimelapseSecsOnCancel: integer().notNull(),
} satisfies ConfigurationColumns;

/** Inserted when a printer is made; from then on only its object writes it, through `printer/outbox.ts`. */
export const printers = sqliteTable(
  "printers",
  {
    id: integer().primaryKey({ autoIncrement: true }),
    uid: text().notNull(),
    userId: integer()
      .notNull()
      .references(() => users.id),
    createdAt: integer().notNull(),
    /** The object's revision that this row shows; 0 until it first projected. */
    revision: integer().notNull().default(0),
    printSequence: integer().notNull().default(0),
    eventSequence: integer().notNull().default(0),
    generation: integer().notNull().default(1),
    ...configurationColumns,
    archivedAt: integer(),
    deletedAt: integer(),
    agentName: text(),
    agentVersion: text(),
    /** Id of the key that signed the token the agent last used: tells when an older key may go. */
    agentKeyId: text(),
    settings: text(),
    connectedAt: integer(),
    disconnectedAt: integer(),
    printerLostAt: integer(),
    currentPrintId: integer(),
  },
  (t) => [
    uniqueIndex("printers_uid").on(t.uid),
    index("printers_user").on(t.userId, t.id),
    check("printers_action_on_failure", oneOf(t.actionOnFailure, CONFIGURATION_FIELDS.actionOnFailure.choices)),
  ],
);

/** The list's copy of what changes with every status: one row a printer, no index, losing a write is harmless. */
export const printerLive = sqliteTable("printer_live", {
  printerId: integer()
    .primaryKey()
    .references(() => printers.id),
  /** The object's time of this copy; older copies never overwrite it. */
  at: integer().notNull(),
  /** Counts the copies: two may be of the same millisecond. */
  writes: integer().notNull().default(1),
  status: text(),
  /** `state.flags.printing` of that status, so that nobody parses it to learn as much. */
  isPrinting: integer({ mode: "boolean" }).notNull().default(false),
  statusAt: integer(),
  lastSeenAt: integer(),
  normalizedP: real().notNull().default(0),
  lastExaminedAt: integer(),
});
