/** The caller's own account. */
import { Hono } from "hono";
import * as z from "zod";
import { connect } from "../../db/client.ts";
import { editUser, findUser, type User } from "../../db/users.ts";
import { TimeJson, timeJson } from "../json/time.ts";
import type { HttpEnv } from "../kit/context.ts";
import { booleanField, freeTextField, integerField } from "../kit/fields.ts";
import { route } from "../kit/route.ts";

/** Hours of failure detection are not counted: everybody has the number that clients show as unlimited. */
const UNLIMITED_HOURS = 100_000_000;

const UserJson = z
  .object({
    id: z.int(),
    email: z.string().nullable(),
    username: z.string(),
    first_name: z.string(),
    last_name: z.string(),
    consented_at: TimeJson,
    date_joined: TimeJson,
    last_active_at: TimeJson.nullable(),
    is_pro: z.boolean(),
    dh_balance: z.number(),
    is_dh_unlimited: z.boolean(),
    unsub_token: z.string(),
    is_primary_email_verified: z.boolean(),
    mobile_app_canary: z.boolean(),
    tunnel_cap_multiplier: z.number(),
    account_notification_by_email: z.boolean(),
    notification_enabled: z.boolean(),
    unseen_printer_events: z.int().describe("Events since the last PATCH of this field, added to what it set."),
  })
  .meta({ id: "User" });

/** Activity is not recorded; there is neither a canary app nor a tunnel. */
const NOT_TOLD = { last_active_at: null, mobile_app_canary: false, tunnel_cap_multiplier: 1 } as const;

function userJson(user: User): z.input<typeof UserJson> {
  return {
    id: user.id,
    email: user.email,
    username: user.username,
    first_name: user.firstName,
    last_name: user.lastName,
    consented_at: timeJson(user.createdAt),
    date_joined: timeJson(user.createdAt),
    ...NOT_TOLD,
    is_pro: true,
    dh_balance: UNLIMITED_HOURS,
    is_dh_unlimited: true,
    unsub_token: user.unsubToken,
    is_primary_email_verified: user.email !== null,
    account_notification_by_email: user.accountNotificationByEmail,
    notification_enabled: user.notificationEnabled,
    unseen_printer_events: user.unseenEvents,
  };
}

const read = route(
  {
    method: "GET",
    path: "/api/v1/users/me",
    summary: "Read the account",
    access: "read",
    answers: { 200: UserJson },
  },
  async (c) => c.json(userJson(await findUser(connect(c.env.DB), c.get("caller").userId)), 200),
);

const patch = route(
  {
    method: "PATCH",
    path: "/api/v1/users/me",
    summary: "Change the account",
    description: "Unknown and read-only keys are ignored.",
    access: "write",
    body: z
      .object({
        first_name: freeTextField(150),
        last_name: freeTextField(150),
        account_notification_by_email: booleanField(),
        notification_enabled: booleanField(),
        unseen_printer_events: integerField({ min: 0, max: 1_000_000_000 }),
      })
      .partial(),
    answers: { 200: UserJson },
  },
  async (c) => {
    const { first_name, last_name, account_notification_by_email, ...rest } = c.req.valid("json");
    const edit = {
      firstName: first_name,
      lastName: last_name,
      accountNotificationByEmail: account_notification_by_email,
      notificationEnabled: rest.notification_enabled,
      unseenEvents: rest.unseen_printer_events,
    };
    return c.json(userJson(await editUser(connect(c.env.DB), c.get("caller").userId, edit, Date.now())), 200);
  },
);

export const users = new Hono<HttpEnv>().on(...read).on(...patch);
