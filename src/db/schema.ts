/**
 * Every table of D1. Foreign keys never cascade (a rebuild migration would empty the children); columns that change with
 * every status stay out of indexes. Times are epoch milliseconds, booleans 0 / 1.
 */
import { sql } from "drizzle-orm";
import {
  type AnySQLiteColumn,
  check,
  index,
  integer,
  primaryKey,
  real,
  sqliteTable,
  text,
  uniqueIndex,
} from "drizzle-orm/sqlite-core";
import { COMMAND_STATES, type CommandReason, INITIATORS } from "../domain/command.ts";
import { COMMAND_KINDS } from "../domain/command-kind.ts";
import { CONFIGURATION_FIELDS, type Configuration } from "../domain/configuration.ts";
import { EVENT_CLASSES, EVENT_TYPES } from "../domain/events.ts";
import { ALERT_OVERWRITES, OUTCOMES } from "../domain/print.ts";

/** `column IN ('A', 'B')`: the CHECK that keeps an enum column to its list. */
function oneOf(column: AnySQLiteColumn, values: readonly string[]) {
  return sql`${column} in (${sql.raw(values.map((value) => `'${value}'`).join(", "))})`;
}

export const users = sqliteTable(
  "users",
  {
    id: integer().primaryKey({ autoIncrement: true }),
    email: text(),
    /** Issuer and subject of the operator's identity provider; null for accounts made by `npm run token`. */
    issuer: text(),
    subject: text(),
    username: text().notNull().default(""),
    firstName: text().notNull().default(""),
    lastName: text().notNull().default(""),
    unsubToken: text().notNull(),
    notificationEnabled: integer({ mode: "boolean" }).notNull().default(true),
    accountNotificationByEmail: integer({ mode: "boolean" }).notNull().default(true),
    /** Unseen events = the base plus the events since that moment. */
    eventsSeenAt: integer().notNull().default(0),
    unseenEventsBase: integer().notNull().default(0),
    createdAt: integer().notNull(),
  },
  (t) => [uniqueIndex("users_email").on(t.email), uniqueIndex("users_subject").on(t.issuer, t.subject)],
);

export const apiTokens = sqliteTable(
  "api_tokens",
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer()
      .notNull()
      .references(() => users.id),
    name: text().notNull(),
    /** SHA-256 of the token, lower-case hex. */
    hash: text().notNull(),
    canRead: integer({ mode: "boolean" }).notNull(),
    canWrite: integer({ mode: "boolean" }).notNull(),
    createdAt: integer().notNull(),
    expiresAt: integer(),
    revokedAt: integer(),
    /** `YYYY-MM-DD`, UTC: written at most once a day. */
    lastUsedOn: text(),
  },
  (t) => [uniqueIndex("api_tokens_hash").on(t.hash), index("api_tokens_user").on(t.userId, t.id)],
);

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
  status: text(),
  /** `state.flags.printing` of that status, so that nobody parses it to learn as much. */
  isPrinting: integer({ mode: "boolean" }).notNull().default(false),
  statusAt: integer(),
  lastSeenAt: integer(),
  normalizedP: real().notNull().default(0),
  lastExaminedAt: integer(),
});

/** Folders of cloud files. `parentFolderId` is no foreign key: a folder is deleted with all that it holds. */
export const gCodeFolders = sqliteTable(
  "g_code_folders",
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer()
      .notNull()
      .references(() => users.id),
    parentFolderId: integer(),
    name: text().notNull(),
    safeName: text().notNull(),
    createdAt: integer().notNull(),
    updatedAt: integer().notNull(),
  },
  (t) => [
    uniqueIndex("g_code_folders_name").on(t.userId, t.parentFolderId, t.safeName),
    uniqueIndex("g_code_folders_root_name").on(t.userId, t.safeName).where(sql`${t.parentFolderId} is null`),
  ],
);

export const gCodeFiles = sqliteTable(
  "g_code_files",
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer()
      .notNull()
      .references(() => users.id),
    /** The printer whose agent reported the file; null for a file in the cloud. */
    residentPrinterId: integer().references(() => printers.id),
    /** Null at the root; no foreign key, as that of folders. */
    parentFolderId: integer(),
    filename: text().notNull(),
    safeFilename: text().notNull(),
    agentSignature: text(),
    /** Where the agent keeps it; null for a file in the cloud. */
    url: text(),
    /** Its object in R2; null for an agent's file, and once a deleted file's object was erased. */
    objectKey: text(),
    numBytes: integer(),
    createdAt: integer().notNull(),
    updatedAt: integer().notNull(),
    deletedAt: integer(),
  },
  (t) => [
    index("g_code_files_signature").on(t.userId, t.safeFilename, t.agentSignature),
    index("g_code_files_user").on(t.userId, t.residentPrinterId, t.createdAt).where(sql`${t.deletedAt} is null`),
    index("g_code_files_folder").on(t.parentFolderId).where(sql`${t.parentFolderId} is not null`),
    index("g_code_files_erasable").on(t.id).where(sql`${t.deletedAt} is not null and ${t.objectKey} is not null`),
  ],
);

/** A cloud file as a printer's agent keeps it since it fetched it: each agent signs its own copy. */
export const gCodeCopies = sqliteTable(
  "g_code_copies",
  {
    printerId: integer()
      .notNull()
      .references(() => printers.id),
    gCodeFileId: integer()
      .notNull()
      .references(() => gCodeFiles.id),
    safeFilename: text().notNull(),
    agentSignature: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.printerId, t.gCodeFileId] })],
);

/** Objects in R2 that no file owns yet: noted before they are made, erased if their upload never ended. */
export const gCodeUploads = sqliteTable("g_code_uploads", {
  objectKey: text().primaryKey(),
  startedAt: integer().notNull(),
});

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

/** Six-digit codes. The live ones are unused and unexpired; `findOrInsertCode` keeps their digits unique. */
export const oneTimeVerificationCodes = sqliteTable(
  "one_time_verification_codes",
  {
    id: integer().primaryKey({ autoIncrement: true }),
    userId: integer()
      .notNull()
      .references(() => users.id),
    /** The printer to link again; null until the use of a code that makes a new one. */
    printerId: integer().references(() => printers.id),
    code: text().notNull(),
    createdAt: integer().notNull(),
    /** End of its life; the moment of its use once it was used. */
    expiredAt: integer().notNull(),
    verifiedAt: integer(),
  },
  (t) => [
    index("one_time_verification_codes_code").on(t.code),
    index("one_time_verification_codes_user").on(t.userId, t.printerId),
  ],
);

/** Five characters that an unlinked agent shows; its owner claims them with a verification code ([S42], [S43]). */
export const oneTimePasscodes = sqliteTable(
  "one_time_passcodes",
  {
    id: integer().primaryKey(),
    network: text().notNull(),
    passcode: text().notNull(),
    /** Only polls of this device are answered with what was claimed. */
    deviceId: text().notNull(),
    /** The verification code that claimed it; null until then. No foreign key: a code may be deleted before its passcode. */
    codeId: integer(),
    createdAt: integer().notNull(),
    expiresAt: integer().notNull(),
  },
  (t) => [
    index("one_time_passcodes_passcode").on(t.passcode),
    index("one_time_passcodes_network").on(t.network, t.createdAt),
  ],
);

/** Agents without a token that polled lately, by the address they polled from (discovery). */
export const unlinkedAgents = sqliteTable(
  "unlinked_agents",
  {
    id: integer().primaryKey(),
    network: text().notNull(),
    address: text().notNull(),
    deviceId: text().notNull(),
    /** JSON text of what the agent says of itself. */
    info: text().notNull(),
    createdAt: integer().notNull(),
    /** Written at most every 30 s, so up to that much older than the last poll. */
    seenAt: integer().notNull(),
  },
  (t) => [
    uniqueIndex("unlinked_agents_device").on(t.address, t.deviceId),
    index("unlinked_agents_network").on(t.network, t.createdAt),
  ],
);

/** A verification code on its way to an unlinked agent, one of each user at most (discovery). */
export const discoveryMessages = sqliteTable(
  "discovery_messages",
  {
    id: integer().primaryKey(),
    address: text().notNull(),
    deviceId: text().notNull(),
    userId: integer()
      .notNull()
      .references(() => users.id),
    codeId: integer().notNull(),
    secret: text().notNull(),
    expiresAt: integer().notNull(),
  },
  (t) => [uniqueIndex("discovery_messages_target").on(t.address, t.deviceId, t.userId)],
);

/** Wrong guesses of the last minute, by address and, for IPv6, the wider network around it. */
export const linkFailures = sqliteTable(
  "link_failures",
  {
    id: integer().primaryKey(),
    network: text().notNull(),
    address: text().notNull(),
    at: integer().notNull(),
  },
  (t) => [index("link_failures_network").on(t.network, t.at)],
);
