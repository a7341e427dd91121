/** Accounts, their API tokens, and keys of calls that make something. */
import { sql } from "drizzle-orm";
import { index, integer, sqliteTable, text, uniqueIndex } from "drizzle-orm/sqlite-core";

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
    /** When the objects of the account's printers knew of the revocation; null: some may not ([S62]). */
    toldAt: integer(),
    /** `YYYY-MM-DD`, UTC: written at most once a day. */
    lastUsedOn: text(),
  },
  (t) => [
    uniqueIndex("api_tokens_hash").on(t.hash),
    index("api_tokens_user").on(t.userId, t.id),
    index("api_tokens_untold").on(t.revokedAt).where(sql`${t.toldAt} is null and ${t.revokedAt} is not null`),
  ],
);

/** `Idempotency-Key`s of the last day, an account's newest 1,000: a call that is repeated makes nothing again ([H95]). */
export const idempotencyKeys = sqliteTable(
  "idempotency_keys",
  {
    id: integer().primaryKey(),
    userId: integer()
      .notNull()
      .references(() => users.id),
    /** SHA-256 of the key, and of action and body, lower-case hex. */
    keyHash: text().notNull(),
    requestHash: text().notNull(),
    salt: text().notNull(),
    /** Id of the row that was made, in the table of that action. */
    madeId: integer().notNull(),
    createdAt: integer().notNull(),
  },
  (t) => [uniqueIndex("idempotency_keys_key").on(t.userId, t.keyHash)],
);
