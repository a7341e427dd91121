/** Prints that people report, and facts about the current one. */
import { describe, expect, test } from "vitest";
import { call, connectAgentOf, makeAccount, makePrinterOf } from "../../support/api.ts";
import { projected } from "../../support/printer.ts";

async function bench() {
  const account = await makeAccount();
  const { id, auth_token } = await makePrinterOf(account);
  const path = `/api/v1/printers/${id}/`;
  const act = (verb: string, body?: object, query = "") =>
    call("POST", `${path}${verb}/${query}`, { token: account.token, ...(body === undefined ? {} : { body }) });
  const get = async (of: string) => (await call("GET", of, { token: account.token })).body;
  return {
    ...{ ...account, id, auth_token, act },
    printer: () => get(path),
    prints: () => get("/api/v1/prints/"),
    events: async () => {
      const told = await get("/api/v1/printer_events/");
      return told.map(
        (event: { event_type: string; event_title: string }) => `${event.event_type}: ${event.event_title}`,
      );
    },
  };
}

describe("a print that no agent reports", () => {
  test("[L34] [L36] starts and finishes by REST, with its events", async () => {
    const { act, prints, events, printer } = await bench();
    const started = await act("start_print", { filename: "  benchy.gcode " });
    expect(started.status).toBe(200);
    expect(Object.keys(started.body).sort()).toEqual(["printer", "succeeded"]);
    expect(started.body).toMatchObject({ succeeded: true, printer: { current_print: { filename: "benchy.gcode" } } });
    expect((await printer()).current_print).toEqual(started.body.printer.current_print);
    const finished = await act("finish_print");
    expect(finished).toMatchObject({ status: 200, body: { succeeded: true, printer: { current_print: null } } });
    expect(await prints()).toMatchObject([
      { id: started.body.printer.current_print.id, outcome: "finished", cancelled_at: null, print_time: null },
    ]);
    expect(await events()).toEqual(["ENDED: Print Job Finished", "STARTED: Print Job Started"]);
  });

  test.each([
    { body: { status: "cancelled" }, outcome: "cancelled", title: "ENDED: Print Job Canceled" },
    { body: { status: "success" }, outcome: "finished", title: "ENDED: Print Job Finished" },
    { body: { status: 7 }, outcome: "finished", title: "ENDED: Print Job Finished" },
    { body: { status: null }, outcome: "finished", title: "ENDED: Print Job Finished" },
    { body: {}, outcome: "finished", title: "ENDED: Print Job Finished" },
  ])("[H38] finish_print with $body: $outcome", async ({ body, outcome, title }) => {
    const { act, prints, events } = await bench();
    await act("start_print", { filename: "a" });
    expect((await act("finish_print", body)).status).toBe(200);
    const [print] = await prints();
    expect(print).toMatchObject({ outcome });
    expect(print.ended_at).toBe(outcome === "cancelled" ? print.cancelled_at : print.finished_at);
    expect((await events())[0]).toBe(title);
  });

  test("[L34] [L35] a second start ends the first as finished; both begin in one second and are two prints", async () => {
    const { act, prints } = await bench();
    await act("start_print", { filename: "first" });
    await act("start_print", { filename: "second" });
    expect((await act("start_print", { filename: "third" })).body.printer.current_print.filename).toBe("third");
    const all: { filename: string; outcome: string | null }[] = await prints();
    expect(all.map(({ filename, outcome }) => [filename, outcome])).toEqual([
      ["third", null],
      ["second", "finished"],
      ["first", "finished"],
    ]);
  });

  test("[H38] finish_print without a print is 404, in the words that clients know", async () => {
    const { act } = await bench();
    expect(await act("finish_print")).toMatchObject({
      status: 404,
      body: { code: "not_found", detail: "Printer is not currently printing." },
    });
  });

  test.each([
    {},
    { filename: "" },
    { filename: " " },
    { filename: null },
    { filename: 5 },
    { filename: "x".repeat(1001) },
  ])("[H38] start_print refuses %j and starts nothing", async (body) => {
    const { act, printer } = await bench();
    const answer = await act("start_print", body);
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body.errors)).toEqual(["filename"]);
    expect((await printer()).current_print).toBeNull();
  });

  test("[D4] [L44] an agent is told to watch while it lasts, and one that says it is idle ends it", async () => {
    const { id, act, auth_token, prints } = await bench();
    const agent = await connectAgentOf({ auth_token });
    await agent.next("remote_status");
    await act("start_print", { filename: "a" });
    expect(await agent.next("remote_status")).toMatchObject({ remote_status: { should_watch: true } });
    await act("finish_print");
    expect(await agent.next("remote_status")).toMatchObject({ remote_status: { should_watch: false } });
    await act("start_print", { filename: "b" });
    agent.send({ current_print_ts: -1, status: { _ts: Date.now() / 1000, state: { text: "Operational", flags: {} } } });
    await agent.settled();
    await projected(id);
    const [print] = await prints();
    expect(print).toMatchObject({ filename: "b", outcome: "unknown" });
  });
});

describe("mute and acknowledge are facts of the server", () => {
  test("[H35] without a print both are 200 and false", async () => {
    const { act } = await bench();
    for (const verb of ["mute_current_print", "acknowledge_alert"]) {
      expect(await act(verb)).toMatchObject({
        status: 200,
        body: { succeeded: false, printer: { current_print: null } },
      });
    }
  });

  test("[H36] [L41] muting mutes by default, keeps its time, and is taken back; events say so once", async () => {
    const { act, events } = await bench();
    await act("start_print", { filename: "a" });
    const first = await act("mute_current_print");
    const mutedAt = first.body.printer.current_print.alert_muted_at;
    expect(first.body.printer.not_watching_reason).not.toBeNull();
    expect(mutedAt).not.toBeNull();
    const again = await act("mute_current_print", undefined, "?mute_alert=TRUE");
    expect(again.body.printer.current_print.alert_muted_at).toBe(mutedAt);
    const back = await act("mute_current_print", { mute_alert: false });
    expect(back.body.printer.current_print.alert_muted_at).toBeNull();
    expect(await events()).toEqual([
      "ALERT_UNMUTED: Watching Turned On",
      "ALERT_MUTED: Watching Turned Off",
      "STARTED: Print Job Started",
    ]);
  });

  test("[L42] without an open alert nothing is acknowledged", async () => {
    const { act } = await bench();
    await act("start_print", { filename: "a" });
    expect((await act("acknowledge_alert", undefined, "?alert_overwrite=FAILED")).body).toMatchObject({
      succeeded: true,
      printer: { current_print: { alert_acknowledged_at: null, alert_overwrite: null } },
    });
  });

  test.each([
    { verb: "mute_current_print", query: "?mute_alert=maybe", body: undefined },
    { verb: "mute_current_print", query: "", body: { mute_alert: "true" } },
    { verb: "acknowledge_alert", query: "?alert_overwrite=failed", body: undefined },
    { verb: "acknowledge_alert", query: "", body: { alert_overwrite: "X" } },
  ])("[H37] $verb with $query $body is 400", async ({ verb, query, body }) => {
    const { act } = await bench();
    await act("start_print", { filename: "a" });
    expect((await act(verb, body, query)).status).toBe(400);
  });
});
