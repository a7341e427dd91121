/** Accounts. Unseen events are counted when they are asked for: no event costs a row of its account. */
import { eq, getTableColumns, sql } from "drizzle-orm";
import type { Db } from "./client.ts";
import { users } from "./schema/accounts.ts";
import { printerEvents } from "./schema/history.ts";

export type User = typeof users.$inferSelect & { readonly unseenEvents: number };

export interface UserEdit {
  readonly firstName?: string | undefined;
  readonly lastName?: string | undefined;
  readonly accountNotificationByEmail?: boolean | undefined;
  readonly notificationEnabled?: boolean | undefined;
  readonly unseenEvents?: number | undefined;
}

/** Counting stops here: no client shows a greater number. */
const UNSEEN_MAX = 1000;

/** A subquery: among the columns of a query without joins Drizzle leaves out tables' names, and both have an `id`. */
const unseen = sql`select 1 from ${printerEvents}
  where ${printerEvents.userId} = ${users.id} and ${printerEvents.createdAt} > ${users.eventsSeenAt}
  limit ${sql.raw(String(UNSEEN_MAX))}`;

const userColumns = {
  ...getTableColumns(users),
  unseenEvents: sql<number>`${users.unseenEventsBase} + (select count(*) from (${unseen}))`,
};

/** The account of a caller who was admitted. */
export async function findUser(db: Db, id: number): Promise<User> {
  const [user] = await db.select(userColumns).from(users).where(eq(users.id, id));
  if (user === undefined) throw new Error("the caller's account is gone");
  return user;
}

/** One round trip; undefined keys stay as they are. A new number of unseen events starts the count again at `now`. */
export async function editUser(db: Db, id: number, edit: UserEdit, now: number): Promise<User> {
  const { unseenEvents, ...names } = edit;
  const seen = unseenEvents === undefined ? {} : { unseenEventsBase: unseenEvents, eventsSeenAt: now };
  const set = { ...names, ...seen };
  if (Object.values(set).every((value) => value === undefined)) return findUser(db, id);
  const [, [user]] = await db.batch([
    db.update(users).set(set).where(eq(users.id, id)),
    db.select(userColumns).from(users).where(eq(users.id, id)),
  ]);
  if (user === undefined) throw new Error("the caller's account is gone");
  return user;
}
