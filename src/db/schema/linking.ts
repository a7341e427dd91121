/** Agents on their way to a token: codes, passcodes, messages, and guesses that failed. */
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";
import { users } from "./accounts.ts";
import { printers } from "./printers.ts";

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
    /** The address that used it: a repeated call from there is the same use ([S60]). */
    usedBy: text(),
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
