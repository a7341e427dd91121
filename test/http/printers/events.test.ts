/** Printer events and the account that has not seen them. */
import { describe, expect, test } from "vitest";
import { connect } from "../../../src/db/client.ts";
import { listEvents } from "../../../src/db/events.ts";
import { printerEvents } from "../../../src/db/schema/history.ts";
import { editUser, findUser } from "../../../src/db/users.ts";
import { EVENT_CLASSES, EVENT_TYPES, type EventClass, type EventType } from "../../../src/domain/events.ts";
import { type Account, agentCall, call, connectAgentOf, makeAccount, makePrinterOf } from "../../support/api.ts";
import { observed, scansOf } from "../../support/history.ts";
import { db } from "../../support/printer.ts";

const EVENTS = "/api/v1/printer_events/";
const ME = "/api/v1/users/me/";

let counted = 0;

/** One event for each pair, oldest first; their ids. */
async function withEvents(...kinds: readonly (readonly [EventType, EventClass])[]) {
  const account = await makeAccount();
  const { id: printerId, auth_token } = await makePrinterOf(account);
  const rows = kinds.map(([eventType, eventClass], place) => {
    counted += 1;
    const id = printerId * 100_000_000 + counted;
    return { id, printerId, userId: account.userId, eventType, eventClass, createdAt: 1_780_000_000_000 + place };
  });
  if (rows.length > 0) await insertEvents(rows);
  return { ...account, printerId, auth_token, ids: rows.map(({ id }) => id) };
}

async function insertEvents(rows: readonly (typeof printerEvents.$inferInsert)[]): Promise<void> {
  for (const row of rows) await db.insert(printerEvents).values(row);
}

async function listed({ token }: Account, query = ""): Promise<number[]> {
  const { status, body } = await call("GET", `${EVENTS}?${query}`, { token });
  expect(status).toBe(200);
  return body.map((event: { id: number }) => event.id);
}

async function unseen({ token }: Account): Promise<number> {
  return (await call("GET", ME, { token })).body.unseen_printer_events;
}

describe("events", () => {
  const every = EVENT_TYPES.map((type, place) => [type, EVENT_CLASSES[place % 4] ?? "INFO"] as const);

  test("[H50] come newest first, twelve by default, of all printers; absent filters filter nothing", async () => {
    const owner = await withEvents(...every, ...every);
    expect(await listed(owner)).toEqual(owner.ids.toReversed().slice(0, 12));
    expect(await listed(owner, "start=16&limit=500")).toEqual(owner.ids.slice(0, 2).toReversed());
  });

  test.each([
    { query: "filter_by_types[]=STARTED&filter_by_types[]=ENDED", types: ["STARTED", "ENDED"] },
    { query: "filter_by_types[]=ALERT", types: ["FAILURE_ALERTED", "ALERT_MUTED", "ALERT_UNMUTED"] },
    { query: "filter_by_types%5B%5D=PAUSE_RESUME", types: ["PAUSED", "RESUMED"] },
    {
      query: "filter_by_types[]=PAUSE_RESUME&filter_by_types[]=PAUSED&filter_by_types[]=FILAMENT_CHANGE",
      types: ["PAUSED", "RESUMED", "FILAMENT_CHANGE"],
    },
    { query: "filter_by_classes[]=ERROR", types: ["STARTED", "FAILURE_ALERTED", "PRINTER_ERROR"] },
    { query: "filter_by_classes[]=ERROR&filter_by_types[]=ALERT", types: ["FAILURE_ALERTED"] },
    { query: "filter_by_classes[]=ERROR&filter_by_types[]=ENDED", types: [] },
    {
      query: Array(150).fill("filter_by_types[]=ALERT").join("&"),
      types: ["FAILURE_ALERTED", "ALERT_MUTED", "ALERT_UNMUTED"],
    },
  ])("[H50] $query: $types", async ({ query, types }) => {
    const owner = await withEvents(...every);
    const wanted = owner.ids.filter((_, place) => (types as readonly string[]).includes(EVENT_TYPES[place] ?? ""));
    expect(await listed(owner, query)).toEqual(wanted.toReversed());
  });

  test.each(["filter_by_types[]=started", "filter_by_types[]=", "filter_by_classes[]=ALERT", "limit=0", "start=a"])(
    "[H50] %s is 400",
    async (query) => {
      expect((await call("GET", `${EVENTS}?${query}`, await makeAccount())).status).toBe(400);
    },
  );

  test("[H50] one is read as it is listed; a foreign one is 404", async () => {
    const owner = await withEvents(["ENDED", "SUCCESS"]);
    const path = `${EVENTS}${owner.ids[0]}/`;
    const { status, body } = await call("GET", path, owner);
    expect(status).toBe(200);
    expect(body).toEqual({
      ...{ id: owner.ids[0], printer: owner.printerId, print: null, event_type: "ENDED", event_class: "SUCCESS" },
      ...{ event_title: null, event_text: null, image_url: null, info_url: null },
      created_at: "2026-05-28T20:26:40.000Z",
    });
    expect((await call("GET", EVENTS, owner)).body).toEqual([body]);
    expect(await call("GET", path, await makeAccount())).toMatchObject({
      status: 404,
      body: { detail: "No PrinterEvent matches the given query." },
    });
  });

  test("[H50] an agent's own are there, beside those of its print", async () => {
    const owner = await withEvents();
    const agent = await connectAgentOf(owner);
    agent.send({
      current_print_ts: 1_790_000_000,
      status: { _ts: Date.now() / 1000, state: { text: "Printing", flags: {} }, job: { file: { name: "<b>.gcode" } } },
    });
    await agent.settled();
    const own = {
      event_type: "PRINTER_ERROR",
      event_class: "ERROR",
      event_title: "Thermal runaway",
      event_text: "hot\0",
    };
    expect((await agentCall("POST", "/api/v1/octo/printer_events/", owner.auth_token, { body: own })).status).toBe(200);
    await expect.poll(() => listed(owner)).toHaveLength(2);
    const { body } = await call("GET", EVENTS, owner);
    const { current_print: print } = (await call("GET", `/api/v1/printers/${owner.printerId}/`, owner)).body;
    expect(body).toMatchObject([
      { ...own, event_text: "hot", print: print.id, printer: owner.printerId },
      { event_type: "STARTED", event_class: "INFO", event_title: "Print Job Started", print: print.id },
    ]);
    expect(body[1].event_text).toContain("&lt;b&gt;.gcode");
    expect(await unseen(owner)).toBe(2);
  });
});

describe("unseen events are counted when they are asked for", () => {
  test("[H51] since the last PATCH of the number, on top of what it set", async () => {
    const owner = await withEvents(["STARTED", "INFO"], ["ENDED", "SUCCESS"]);
    const stranger = await withEvents(["STARTED", "INFO"]);
    expect(await unseen(owner)).toBe(2);
    const patched = await call("PATCH", ME, { token: owner.token, body: { unseen_printer_events: 5 } });
    expect(patched.body.unseen_printer_events).toBe(5);
    const id = owner.printerId * 100_000_000 + 99_999;
    const row = {
      id,
      printerId: owner.printerId,
      userId: owner.userId,
      eventType: "PAUSED",
      eventClass: "INFO",
    } as const;
    await insertEvents([{ ...row, createdAt: Date.now() + 1000 }]);
    expect(await unseen(owner)).toBe(6);
    await call("PATCH", ME, { token: owner.token, body: { unseen_printer_events: 0 } });
    expect(await unseen(owner)).toBe(1);
    expect(await unseen(stranger)).toBe(1);
  });

  test("[H51] no event writes a row of its account", async () => {
    const owner = await withEvents(["STARTED", "INFO"]);
    const { value, rowsWritten, roundTrips, plan } = await observed((d) => findUser(connect(d), owner.userId));
    expect(value.unseenEvents).toBe(1);
    expect({ rowsWritten, roundTrips, scans: scansOf(plan) }).toEqual({ rowsWritten: 0, roundTrips: 1, scans: [] });
    const edit = await observed((d) => editUser(connect(d), owner.userId, { unseenEvents: 0 }, Date.now()));
    expect({ roundTrips: edit.roundTrips, scans: scansOf(edit.plan) }).toEqual({ roundTrips: 1, scans: [] });
  });
});

describe("the account", () => {
  test("[H52] has every field of a User", async () => {
    const owner = await makeAccount();
    expect((await call("GET", ME, owner)).body).toEqual({
      ...{ id: owner.userId, email: null, username: "", first_name: "", last_name: "" },
      ...{ consented_at: expect.stringMatching(/Z$/), date_joined: expect.stringMatching(/Z$/) },
      ...{ is_pro: true, dh_balance: 100_000_000, is_dh_unlimited: true, is_primary_email_verified: false },
      ...{ unsub_token: expect.any(String), account_notification_by_email: true, notification_enabled: true },
      ...{ last_active_at: null, mobile_app_canary: false, tunnel_cap_multiplier: 1, unseen_printer_events: 0 },
    });
  });

  test("[H52] changes what is its owner's, and never its limits or its address", async () => {
    const owner = await makeAccount();
    const before = (await call("GET", ME, owner)).body;
    const edit = {
      first_name: "Ada",
      last_name: "",
      notification_enabled: false,
      account_notification_by_email: false,
    };
    const sly = { id: 1, email: "x@example.com", dh_balance: 5, is_pro: false, username: "root", unsub_token: "x" };
    const { status, body } = await call("PATCH", ME, { token: owner.token, body: { ...edit, ...sly } });
    expect({ status, body }).toEqual({ status: 200, body: { ...before, ...edit } });
    expect((await call("PATCH", ME, { token: owner.token, body })).body).toEqual(body);
  });

  test.each([
    { first_name: 5 },
    { first_name: "x".repeat(151) },
    { notification_enabled: "yes" },
    { unseen_printer_events: -1 },
    { unseen_printer_events: "3" },
    { last_name: null },
  ])("[H52] %j is 400 and writes nothing", async (body) => {
    const owner = await makeAccount();
    const before = (await call("GET", ME, owner)).body;
    const answer = await call("PATCH", ME, {
      token: owner.token,
      body: { account_notification_by_email: false, ...body },
    });
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body.errors)).toEqual(Object.keys(body));
    expect((await call("GET", ME, owner)).body).toEqual(before);
  });
});

test("[H56] a page of events is one round trip, by index only", async () => {
  const of = { userId: 1 };
  const selections = [
    { of, types: null, classes: null },
    { of, types: EVENT_TYPES, classes: EVENT_CLASSES },
    { of: { printerId: 1 }, types: null, classes: null },
  ];
  for (const selection of selections) {
    const { roundTrips, plan } = await observed((d) => listEvents(connect(d), selection, { start: 5, limit: 500 }));
    expect({ roundTrips, scans: scansOf(plan) }).toEqual({ roundTrips: 1, scans: [] });
    expect(plan.join("\n")).not.toContain("TEMP B-TREE");
  }
});
