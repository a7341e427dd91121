/** Prints over REST: listed, read, corrected, deleted, counted. */
import { describe, expect, test, vi } from "vitest";
import { type Account, call, connectAgentOf, makeAccount, makePrinterOf } from "../../support/api.ts";
import { frame } from "../../support/frames.ts";
import { type HistoryPrint, insertPrints, printOf } from "../../support/history.ts";

const PRINTS = "/api/v1/prints/";

async function withPrinter() {
  const account = await makeAccount();
  const { id, auth_token } = await makePrinterOf(account, { name: "Voron" });
  return { ...account, printer: { id, userId: account.userId, auth_token } };
}

async function withPrints(...patches: readonly Partial<HistoryPrint>[]) {
  const owner = await withPrinter();
  const prints = patches.map((patch) => printOf(owner.printer, patch));
  await insertPrints(prints);
  return { ...owner, prints, ids: prints.map(({ id }) => id) };
}

async function listed({ token }: Account, query = ""): Promise<number[]> {
  const { status, body } = await call("GET", `${PRINTS}?${query}`, { token });
  expect(status).toBe(200);
  return body.map((print: { id: number }) => print.id);
}

/** A print that is current, started over REST; nobody else ends it. */
async function withCurrent() {
  const owner = await withPrinter();
  const path = `/api/v1/printers/${owner.printer.id}/`;
  const started = await call("POST", `${path}start_print/`, { token: owner.token, body: { filename: "benchy.gcode" } });
  const id: number = started.body.printer.current_print.id;
  const finish = () => call("POST", `${path}finish_print/`, { token: owner.token });
  return { ...owner, id, path: `${PRINTS}${id}/`, printerPath: path, finish };
}

describe("a print as clients read it", () => {
  test("[H39] has every field of a Print, its printer without the token, and its outcome", async () => {
    const { token, printer, prints, ids } = await withPrints({ cancelledAt: Date.UTC(2026, 3, 1), finishedAt: null });
    const { status, body } = await call("GET", `${PRINTS}${ids[0]}/`, { token });
    expect(status).toBe(200);
    expect(body).toEqual({
      ...{ id: ids[0], printer_id: printer.id, g_code_file: null, filename: `print ${ids[0]}` },
      started_at: new Date(prints[0]?.startedAt ?? 0).toISOString(),
      ...{ ended_at: "2026-04-01T00:00:00.000Z", cancelled_at: "2026-04-01T00:00:00.000Z", finished_at: null },
      ...{ uploaded_at: null, alerted_at: null, alert_acknowledged_at: null, alert_muted_at: null, paused_at: null },
      ...{ video_url: null, tagged_video_url: null, poster_url: null, video_archived_at: null },
      ...{ alert_overwrite: null, filament_used: 100, print_time: 60, access_consented_at: null },
      ...{ need_alert_overwrite: false, need_print_shot_feedback: false, outcome: "cancelled" },
      prediction_json_url: `/api/v1/prints/${ids[0]}/prediction_json/`,
      ...{ printshotfeedback_set: [], firstlayerinspection_set: [] },
      printer: {
        ...{ id: printer.id, name: "Voron", created_at: expect.stringMatching(/\.\d{3}Z$/) },
        ...{ action_on_failure: "PAUSE", watching_enabled: true, archived_at: null },
        not_watching_reason: "Printer is not actively printing",
        ...{ tools_off_on_pause: true, bed_off_on_pause: false, retract_on_pause: 6.5, lift_z_on_pause: 2.5 },
        ...{ detective_sensitivity: 1, min_timelapse_secs_on_finish: 600, min_timelapse_secs_on_cancel: 300 },
        ...{ agent_name: null, agent_version: null },
      },
    });
    expect((await call("GET", PRINTS, { token })).body).toEqual([body]);
    expect((await call("GET", `/api/v1/print/${ids[0]}`, { token })).body).toEqual(body);
  });

  test("[H39] of a deleted printer stays listed, and its printer is null", async () => {
    const { token, printer, ids } = await withPrints({}, {});
    await call("DELETE", `/api/v1/printers/${printer.id}/`, { token });
    const { body } = await call("GET", PRINTS, { token });
    expect(body.map((print: { id: number }) => print.id)).toEqual([ids[1], ids[0]]);
    expect(body[0]).toMatchObject({ printer: null, printer_id: printer.id });
  });

  test("[H39] a nested printer that prints is watched, as GET of the printer says", async () => {
    const { token, printer, printerPath } = await withCurrent();
    const agent = await connectAgentOf(printer);
    agent.send({ status: { _ts: Date.now() / 1000, state: { text: "Printing", flags: { printing: true } } } });
    await agent.settled();
    const alone = await call("GET", printerPath, { token });
    expect(alone.body.not_watching_reason).toBeNull();
    await vi.waitFor(async () => {
      const { body } = await call("GET", PRINTS, { token });
      expect(body[0].printer.not_watching_reason).toBeNull();
    });
  });

  test("[H39] what failure detection saw is an empty list; of a foreign or unknown print 404", async () => {
    const { token, ids } = await withPrints({});
    const stranger = await makeAccount();
    const path = `${PRINTS}${ids[0]}/prediction_json/`;
    expect(await call("GET", path, { token })).toMatchObject({ status: 200, body: [] });
    expect(await call("GET", path, { token: stranger.token })).toMatchObject({
      status: 404,
      body: { code: "not_found", detail: "No Print matches the given query." },
    });
  });
});

describe("the list", () => {
  test("[H40] is by start, newest first, twelve by default", async () => {
    const owner = await withPrints(...Array.from({ length: 14 }, () => ({})));
    expect(await listed(owner)).toEqual(owner.ids.toReversed().slice(0, 12));
    expect(await listed(owner, "sorting=date_asc&start=1&limit=2")).toEqual(owner.ids.slice(1, 3));
    expect(await listed(owner, "start=12")).toEqual(owner.ids.toReversed().slice(12));
    expect(await listed(owner, "start=99")).toEqual([]);
  });

  test("[H40] takes several printers, encoded or not, and never a foreign one", async () => {
    const owner = await withPrints({}, {});
    const other = await makePrinterOf(owner);
    const [third] = [printOf({ id: other.id, userId: owner.userId })];
    await insertPrints([third]);
    const foreign = await withPrints({});
    const by = (...ids: number[]) => ids.map((id) => `filter_by_printer_ids[]=${id}`).join("&");
    expect(await listed(owner, by(other.id))).toEqual([third.id]);
    expect(await listed(owner, by(other.id, owner.printer.id))).toEqual([third.id, ...owner.ids.toReversed()]);
    expect(await listed(owner, by(foreign.printer.id))).toEqual([]);
    expect(await listed(owner, `filter_by_printer_ids%5B%5D=${other.id}`)).toEqual([third.id]);
  });

  test("[H41] filters by how prints ended and what they wait for", async () => {
    const at = Date.UTC(2026, 5, 1);
    const owner = await withPrints(
      { startedAt: at },
      { startedAt: at + 1, finishedAt: null, cancelledAt: at + 5, alertOverwrite: "FAILED" },
      { startedAt: at + 2, deletedAt: at + 9 },
    );
    const [finished, cancelled, deleted] = owner.ids;
    expect(await listed(owner, "filter=none")).toEqual([cancelled, finished]);
    expect(await listed(owner, "filter=finished")).toEqual([finished]);
    expect(await listed(owner, "filter=cancelled")).toEqual([cancelled]);
    expect(await listed(owner, "filter=need_alert_overwrite")).toEqual([finished]);
    expect(await listed(owner, "filter=need_print_shot_feedback")).toEqual([]);
    expect(await listed(owner, "feedback_needed=need_alert_overwrite")).toEqual([]);
    for (const key of [
      "with_deleted",
      "with_deleted=",
      "with_deleted=true",
      "with_deleted=1",
      "with_deleted=false&with_deleted=x",
    ]) {
      expect([key, await listed(owner, key)]).toEqual([key, [deleted, cancelled, finished]]);
      expect((await call("GET", `${PRINTS}${deleted}/?${key}`, owner)).status).toBe(200);
    }
    for (const word of ["false", "False", "0", "no", "n", "off", "f"]) {
      const key = `with_deleted=${word}`;
      expect([key, await listed(owner, key)]).toEqual([key, [cancelled, finished]]);
      for (const path of ["", "prediction_json/"]) {
        expect((await call("GET", `${PRINTS}${deleted}/${path}?${key}`, owner)).status).toBe(404);
      }
    }
  });

  test("[H42] takes whole local days, both ends included, over a change of the clock", async () => {
    const at = (text: string) => ({ startedAt: Date.parse(text) });
    const owner = await withPrints(
      at("2024-03-10T04:59:59.999Z"),
      at("2024-03-10T05:00:00.000Z"),
      at("2024-03-11T03:59:59.999Z"),
      at("2024-03-11T04:00:00.000Z"),
    );
    const [before, first, last, after] = owner.ids;
    const zone = "timezone=America/New_York";
    expect(await listed(owner, `${zone}&from_date=2024-03-10&to_date=2024-03-10`)).toEqual([last, first]);
    expect(await listed(owner, `${zone}&from_date=2024-03-10`)).toEqual([after, last, first]);
    expect(await listed(owner, `${zone}&to_date=2024-03-10`)).toEqual([last, first, before]);
    expect(await listed(owner, `${zone}&from_date=2024-03-11&to_date=2024-03-10`)).toEqual([]);
    expect(await listed(owner, "timezone=UTC")).toHaveLength(4);
  });

  test.each([
    { query: "filter=all", field: "filter" },
    { query: "sorting=id", field: "sorting" },
    { query: "feedback_needed=none", field: "feedback_needed" },
    { query: "start=-1", field: "start" },
    { query: "start=x", field: "start" },
    { query: "limit=0", field: "limit" },
    { query: "limit=501", field: "limit" },
    { query: "limit=1.5", field: "limit" },
    { query: "filter_by_printer_ids[]=x", field: "filter_by_printer_ids[]" },
    { query: "filter_by_printer_ids[]=1&filter_by_printer_ids[]=", field: "filter_by_printer_ids[]" },
    { query: "from_date=2024-01-01", field: "timezone" },
    { query: "from_date=2024-02-30&timezone=UTC", field: "from_date" },
    { query: "to_date=yesterday&timezone=UTC", field: "to_date" },
    { query: "timezone=Mars/Phobos", field: "timezone" },
    { query: "timezone=%2B05:00", field: "timezone" },
  ])("[H43] $query is 400 that names the field", async ({ query, field }) => {
    const { token } = await makeAccount();
    const { status, body } = await call("GET", `${PRINTS}?${query}`, { token });
    expect(status).toBe(400);
    expect(Object.keys(body.errors)).toEqual([field]);
  });
});

describe("a correction", () => {
  test("[H44] of an ended print takes its three keys and ignores the others", async () => {
    const { token, ids } = await withPrints({});
    const path = `${PRINTS}${ids[0]}/`;
    const before = (await call("GET", path, { token })).body;
    const edit = { alert_overwrite: "NOT_FAILED", filament_used: 12.5, print_time: null };
    const answer = await call("PATCH", path, { token, body: { ...edit, filename: "x", printer: 1, ext_id: 9, id: 3 } });
    expect(answer).toMatchObject({ status: 200, body: { ...before, ...edit } });
    expect((await call("GET", path, { token })).body).toEqual({ ...before, ...edit });
    const back = await call("PATCH", path, { token, body: { ...before } });
    expect(back.body).toEqual(before);
    expect((await call("PATCH", path, { token })).body).toEqual(before);
  });

  test.each([
    { body: { alert_overwrite: "MAYBE" }, field: "alert_overwrite" },
    { body: { alert_overwrite: "" }, field: "alert_overwrite" },
    { body: { filament_used: "12" }, field: "filament_used" },
    { body: { filament_used: -1 }, field: "filament_used" },
    { body: { print_time: true, alert_overwrite: "FAILED" }, field: "print_time" },
  ])("[H44] $body is 400 and writes nothing", async ({ body, field }) => {
    const { token, ids } = await withPrints({});
    const path = `${PRINTS}${ids[0]}/`;
    const before = (await call("GET", path, { token })).body;
    const answer = await call("PATCH", path, { token, body });
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body.errors)).toEqual([field]);
    expect((await call("GET", path, { token })).body).toEqual(before);
  });

  test("[H44] of a current print is its object's, and stays when the print ends", async () => {
    const { token, path, printerPath, finish } = await withCurrent();
    const edit = { alert_overwrite: "FAILED", filament_used: 7, print_time: 3 };
    expect(await call("PATCH", path, { token, body: edit })).toMatchObject({
      status: 200,
      body: { ...edit, outcome: null },
    });
    expect((await call("GET", printerPath, { token })).body.current_print).toMatchObject(edit);
    await finish();
    expect((await call("GET", path, { token })).body).toMatchObject({ ...edit, outcome: "finished" });
  });

  test("[L39] of a current print of an archived printer works too", async () => {
    const { token, path, printerPath } = await withCurrent();
    expect((await call("POST", `${printerPath}archive/`, { token })).status).toBe(204);
    expect((await call("PATCH", path, { token, body: { print_time: 1 } })).body.print_time).toBe(1);
  });

  test("[H44] a deleted print is 404, whatever the body", async () => {
    const { token, ids } = await withPrints({ deletedAt: 5 });
    expect((await call("PATCH", `${PRINTS}${ids[0]}/?with_deleted`, { token, body: { print_time: "x" } })).status).toBe(
      404,
    );
  });
});

describe("a print that has ended, while D1 does not show it yet", () => {
  const unended = { finishedAt: null, cancelledAt: null };

  test.each(["PATCH", "DELETE"])("[H45] %s is 503 with Retry-After, and changes nothing", async (method) => {
    const owner = await withPrints(unended);
    const path = `${PRINTS}${owner.ids[0]}/`;
    const before = (await call("GET", path, owner)).body;
    const { status, headers, body } = await call(method, path, { token: owner.token, body: { print_time: 5 } });
    expect({ status, code: body.code }).toEqual({ status: 503, code: "unavailable" });
    expect(headers.get("Retry-After")).not.toBeNull();
    expect((await call("GET", path, owner)).body).toEqual(before);
  });

  test("[H45] also when its printer is gone", async () => {
    const owner = await withPrints(unended);
    await call("DELETE", `/api/v1/printers/${owner.printer.id}/`, owner);
    for (const method of ["PATCH", "DELETE"]) {
      const answer = await call(method, `${PRINTS}${owner.ids[0]}/`, { token: owner.token, body: { print_time: 5 } });
      expect(answer.status).toBe(503);
    }
  });
});

describe("a deletion", () => {
  test("[H46] of an ended print: 200 without a body, then 404, and only with_deleted shows it", async () => {
    const owner = await withPrints({}, {});
    const [id, other] = owner.ids;
    const path = `${PRINTS}${id}/`;
    const { status, body, headers } = await call("DELETE", path, owner);
    expect({ status, body, type: headers.get("Content-Type") }).toEqual({ status: 200, body: null, type: null });
    expect((await call("DELETE", path, owner)).status).toBe(404);
    expect((await call("GET", path, owner)).status).toBe(404);
    expect((await call("GET", `${path}?with_deleted`, owner)).status).toBe(200);
    expect(await listed(owner)).toEqual([other]);
  });

  test("[H46] [L40] of the current print takes it out of history; its printer can still be stopped, and it never comes back", async () => {
    const { token, printer } = await withPrinter();
    const agent = await connectAgentOf(printer);
    const report = (ts: number) => ({
      current_print_ts: 1_790_000_000,
      status: {
        _ts: ts,
        state: { text: "Printing", flags: { printing: true } },
        job: { file: { name: "cube.gcode" } },
      },
    });
    agent.send(report(Date.now() / 1000));
    await agent.settled();
    const printerPath = `/api/v1/printers/${printer.id}/`;
    const { id } = (await call("GET", printerPath, { token })).body.current_print;
    expect((await call("DELETE", `${PRINTS}${id}/`, { token })).status).toBe(200);
    expect((await call("GET", `${PRINTS}${id}/`, { token })).status).toBe(404);
    expect((await call("DELETE", `${PRINTS}${id}/`, { token })).status).toBe(404);
    agent.send(report(Date.now() / 1000 + 1));
    await agent.settled();
    expect((await call("GET", printerPath, { token })).body.current_print).toMatchObject({ id, ended_at: null });
    const stopped = call("POST", `${printerPath}cancel_print/`, { token });
    await agent.next("commands");
    agent.send({ ...report(Date.now() / 1000 + 2), event: { event_type: "PrintFailed" } });
    expect((await stopped).body.command.print_id).toBe(id);
    agent.send(report(Date.now() / 1000 + 3));
    await agent.settled();
    expect((await call("GET", printerPath, { token })).body.current_print).toBeNull();
    expect((await call("GET", PRINTS, { token })).body).toEqual([]);
    await vi.waitFor(async () => {
      const { body } = await call("GET", `${PRINTS}${id}/?with_deleted`, { token });
      expect(body).toMatchObject({ outcome: "cancelled", ended_at: expect.any(String) });
    });
  });

  test("[L17] of a print whose end was only inferred lasts, though its agent goes on with it", async () => {
    const { token, printer } = await withPrinter();
    const agent = await connectAgentOf(printer);
    const name = "cube.gcode";
    agent.send(frame({ ts: 1_790_000_000, name }));
    agent.send(frame({ ts: -1, name, text: "Operational" }));
    await agent.settled();
    const ended = async () => (await call("GET", PRINTS, { token })).body;
    await vi.waitFor(async () => expect(await ended()).toMatchObject([{ outcome: "unknown" }]));
    const [{ id }] = await ended();
    expect((await call("DELETE", `${PRINTS}${id}/`, { token })).status).toBe(200);
    agent.send(frame({ ts: 1_790_000_000, name }));
    await agent.settled();
    expect((await call("GET", `/api/v1/printers/${printer.id}/`, { token })).body.current_print).toMatchObject({ id });
    agent.send(frame({ ts: 1_790_000_000, name, text: "Operational", event: "PrintDone" }));
    await agent.settled();
    await vi.waitFor(async () => {
      const { body } = await call("GET", `${PRINTS}${id}/?with_deleted`, { token });
      expect(body.outcome).toBe("finished");
    });
    expect((await call("GET", `${PRINTS}${id}/`, { token })).status).toBe(404);
    expect(await ended()).toEqual([]);
  });

  test("[H47] of many takes ended and current ones, and passes over what is not there", async () => {
    const owner = await withCurrent();
    const ended = [printOf(owner.printer), printOf(owner.printer), printOf(owner.printer)];
    await insertPrints(ended);
    const foreign = await withPrints({});
    const wanted = [owner.id, ended[0]?.id, ended[2]?.id, ended[2]?.id, foreign.ids[0], 0, 987_654_321];
    const answer = await call("POST", `${PRINTS}bulk_delete/`, { token: owner.token, body: { print_ids: wanted } });
    expect(answer).toMatchObject({ status: 204, body: null });
    expect(await listed(owner)).toEqual([ended[1]?.id]);
    expect(await listed(foreign)).toEqual(foreign.ids);
    expect((await call("GET", owner.printerPath, owner)).body.current_print).toMatchObject({ id: owner.id });
  });

  test.each([
    { body: {}, field: "print_ids" },
    { body: { print_ids: null }, field: "print_ids" },
    { body: { print_ids: 5 }, field: "print_ids" },
    { body: { print_ids: [1, "2"] }, field: "print_ids" },
    { body: { print_ids: [1.5] }, field: "print_ids" },
    { body: { print_ids: Array.from({ length: 501 }, () => 1) }, field: "print_ids" },
  ])("[H47] of many refuses what is no list of ids: $field", async ({ body, field }) => {
    const { token } = await makeAccount();
    const answer = await call("POST", `${PRINTS}bulk_delete/`, { token, body });
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body.errors)).toEqual([field]);
  });

  test("[H47] of many may come as a form", async () => {
    const owner = await withPrints({}, {}, {});
    const raw = new URLSearchParams(owner.ids.slice(0, 2).map((id) => ["print_ids", String(id)]));
    expect((await call("POST", `${PRINTS}bulk_delete/`, { token: owner.token, raw })).status).toBe(204);
    expect(await listed(owner)).toEqual([owner.ids[2]]);
  });
});

describe("statistics", () => {
  const STATS = `${PRINTS}stats/`;
  const range = "from_date=2024-03-09&to_date=2024-03-11&timezone=America/New_York&group_by=day";

  test("[H48] by real local days, with totals; a current print counts as not cancelled", async () => {
    const at = Date.parse("2024-03-10T05:00:00Z");
    const owner = await withPrints(
      { startedAt: at, printTime: 90, filamentUsed: 0.5 },
      { startedAt: at + 22 * 3_600_000, printTime: 30, filamentUsed: null, finishedAt: null, cancelledAt: at + 1 },
      { startedAt: at + 23 * 3_600_000, printTime: null, filamentUsed: 2, finishedAt: null },
      { startedAt: at + 23 * 3_600_000 + 1, deletedAt: at },
    );
    const { status, body } = await call("GET", `${STATS}?${range}`, owner);
    expect(status).toBe(200);
    const keys = ["2024-03-09T00:00:00-05:00", "2024-03-10T00:00:00-05:00", "2024-03-11T00:00:00-04:00"];
    const groups = (...values: number[]) => values.map((value, place) => ({ key: keys[place], value }));
    expect(body).toEqual({
      print_count_groups: groups(0, 2, 1),
      print_time_groups: groups(0, 120, 0),
      filament_used_groups: groups(0, 0.5, 2),
      ...{ total_print_count: 3, total_print_time: 120, total_filament_used: 2.5 },
      ...{ total_cancelled_print_count: 1, total_succeeded_print_count: 2 },
      ...{ longest_print_time: 90, average_print_time: 40 },
    });
    const cancelled = await call("GET", `${STATS}?${range}&filter=cancelled&with_deleted`, owner);
    expect(cancelled.body).toMatchObject({ total_print_count: 1, total_succeeded_print_count: 0 });
  });

  test("[H48] of nothing are zeroes", async () => {
    const { body } = await call("GET", `${STATS}?${range}`, await makeAccount());
    expect(body).toMatchObject({ total_print_count: 0, longest_print_time: 0, average_print_time: 0 });
  });

  test.each([
    { without: "from_date=2024-03-09&", field: "from_date" },
    { without: "to_date=2024-03-11&", field: "to_date" },
    { without: "timezone=America/New_York&", field: "timezone" },
    { without: "&group_by=day", field: "group_by" },
  ])("[H49] need $field", async ({ without, field }) => {
    const { status, body } = await call("GET", `${STATS}?${range.replace(without, "")}`, await makeAccount());
    expect(status).toBe(400);
    expect(body.errors).toEqual({ [field]: ["This field is required."] });
  });

  test("[H49] of more periods than an answer holds are refused", async () => {
    const query = "from_date=0001-01-01&to_date=9999-12-31&timezone=UTC&group_by=day";
    expect((await call("GET", `${STATS}?${query}`, await makeAccount())).status).toBe(400);
    expect((await call("GET", `${STATS}?${query.replace("day", "year")}`, await makeAccount())).status).toBe(400);
  });
});
