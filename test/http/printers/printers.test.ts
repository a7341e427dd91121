/** Printers over REST. */
import { describe, expect, test } from "vitest";
import {
  agentCall,
  call,
  connectAgentOf,
  dialAgent,
  makeAccount,
  makePrinterOf,
  makeToken,
  ORIGIN,
} from "../../support/api.ts";
import { frame } from "../../support/frames.ts";
import { fc } from "../../support/random.ts";

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const AGENT_TOKEN = /^[0-9a-z]{1,64}$/;
const T = 1_790_000_100;

const NEW = {
  archived_at: null,
  action_on_failure: "PAUSE",
  watching_enabled: true,
  not_watching_reason: "Printer is not actively printing",
  tools_off_on_pause: true,
  bed_off_on_pause: false,
  retract_on_pause: 6.5,
  lift_z_on_pause: 2.5,
  detective_sensitivity: 1,
  min_timelapse_secs_on_finish: 600,
  min_timelapse_secs_on_cancel: 300,
  agent_name: null,
  agent_version: null,
  pic: null,
  status: null,
  settings: {
    webcam_flipV: false,
    webcam_flipH: false,
    webcam_rotate90: false,
    webcam_rotation: 0,
    webcam_streamRatio: "16:9",
    ratio169: true,
  },
  current_print: null,
  normalized_p: 0,
  presence: { state: "offline", since: null, last_seen_at: null, status_age_ms: null },
  detection: { state: "waiting", last_examined_at: null },
};

describe("a new printer", () => {
  test("[H18] has exactly the fields of a Printer, presence and detection among them, with their defaults", async () => {
    const { token } = await makeAccount();
    const { status, headers, body } = await call("POST", "/api/v1/printers/", { token, body: { name: " Bänk 🛠 " } });
    expect(status).toBe(201);
    expect(headers.get("Location")).toBe(`${ORIGIN}/api/v1/printers/${body.id}/`);
    const { id, created_at, auth_token, ...rest } = body;
    expect(rest).toEqual({ ...NEW, name: "Bänk 🛠" });
    expect([Number.isSafeInteger(id), created_at, auth_token]).toEqual([
      true,
      expect.stringMatching(TIME),
      expect.stringMatching(AGENT_TOKEN),
    ]);
  });

  test("[H18] is what GET, the list and the object show, as a form too", async () => {
    const { token } = await makeAccount();
    const form = new URLSearchParams({ name: "Form", bed_off_on_pause: "on", retract_on_pause: "3.5" });
    const made = await call("POST", "/api/v1/printers", { token, raw: form });
    expect(made.body).toMatchObject({ bed_off_on_pause: true, retract_on_pause: 3.5, watching_enabled: true });
    expect((await call("GET", `/api/v1/printers/${made.body.id}`, { token })).body).toEqual(made.body);
    expect((await call("GET", "/api/v1/printers/", { token })).body).toEqual([made.body]);
  });

  test("[S24] the agent's token is shown to callers with write only", async () => {
    const { userId, token } = await makeAccount();
    await makePrinterOf({ userId, token });
    const reader = await makeToken(userId, { canWrite: false });
    const [printer] = (await call("GET", "/api/v1/printers/", { token: reader })).body;
    expect(printer.auth_token).toBeNull();
    expect((await call("GET", `/api/v1/printers/${printer.id}/`, { token: reader })).body.auth_token).toBeNull();
  });

  test("[H19] an account holds no more than its number", async () => {
    const { env } = await import("cloudflare:workers");
    const { insertPrinter } = await import("../../../src/db/printers.ts");
    const { connect } = await import("../../../src/db/client.ts");
    const { DEFAULT_CONFIGURATION } = await import("../../../src/domain/configuration.ts");
    const { userId } = await makeAccount();
    const configuration = { ...DEFAULT_CONFIGURATION, name: "One of two" };
    const born = () => ({ userId, uid: crypto.randomUUID().slice(0, 13), configuration, maxPrinters: 2 });
    const calls = [1, 2, 3, 4].map(() => insertPrinter(connect(env.DB), born(), null, Date.now()));
    const made = await Promise.all(calls);
    expect(made.filter((once) => once.made !== undefined)).toHaveLength(2);
  });
});

describe("bad bodies", () => {
  const BAD: [field: string, value: unknown, sentence: string][] = [
    ["name", "", "This field may not be blank."],
    ["name", "   ", "This field may not be blank."],
    ["name", null, "This field may not be null."],
    ["name", 7, "Not a valid string."],
    ["name", "x".repeat(257), "Ensure this field has no more than 256 characters."],
    ["name", "a\u0000b", "Null characters are not allowed."],
    ["action_on_failure", "STOP", '"STOP" is not a valid choice.'],
    ["watching_enabled", "yes", "Must be a valid boolean."],
    ["watching_enabled", 1, "Must be a valid boolean."],
    ["tools_off_on_pause", null, "This field may not be null."],
    ["retract_on_pause", "6.5", "A valid number is required."],
    ["retract_on_pause", -0.1, "Ensure this value is greater than or equal to 0."],
    ["lift_z_on_pause", 100.1, "Ensure this value is less than or equal to 100."],
    ["detective_sensitivity", 0.79, "Ensure this value is greater than or equal to 0.8."],
    ["detective_sensitivity", 1.21, "Ensure this value is less than or equal to 1.2."],
    ["min_timelapse_secs_on_finish", 1.5, "A valid integer is required."],
    ["min_timelapse_secs_on_cancel", -2, "Ensure this value is greater than or equal to -1."],
    ["min_timelapse_secs_on_cancel", 86_401, "Ensure this value is less than or equal to 86400."],
  ];

  test.each(BAD)("[H20] PATCH %s = %j is 400 and writes nothing", async (field, value, sentence) => {
    const account = await makeAccount();
    const { id } = await makePrinterOf(account);
    const { token } = account;
    const before = (await call("GET", `/api/v1/printers/${id}/`, { token })).body;
    const good = field === "bed_off_on_pause" ? {} : { bed_off_on_pause: true };
    const answer = await call("PATCH", `/api/v1/printers/${id}/`, { token, body: { ...good, [field]: value } });
    expect(answer.status).toBe(400);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    expect(answer.body).toMatchObject({
      code: "invalid",
      detail: `${field}: ${sentence}`,
      errors: { [field]: [sentence] },
    });
    expect((await call("GET", `/api/v1/printers/${id}/`, { token })).body).toEqual(before);
  });

  test("[H20] every bad key is named at once, a missing name too", async () => {
    const { token } = await makeAccount();
    const body = { watching_enabled: 1, retract_on_pause: "x" };
    const { status, body: problem } = await call("POST", "/api/v1/printers/", { token, body });
    expect(status).toBe(400);
    expect(Object.keys(problem.errors).sort()).toEqual(["name", "retract_on_pause", "watching_enabled"]);
    expect(problem.errors.name).toEqual(["This field is required."]);
  });

  test("[H21] a name in any script comes back byte for byte", async () => {
    const account = await makeAccount();
    const { token } = account;
    const { id } = await makePrinterOf(account);
    const names = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }).filter((name) => name.trim() !== "");
    await fc.assert(
      fc.asyncProperty(names, async (name) => {
        const { status, body } = await call("PATCH", `/api/v1/printers/${id}/`, { token, body: { name } });
        expect([status, body.name]).toEqual([200, name.trim()]);
      }),
      { numRuns: 40 },
    );
  });
});

describe("PATCH", () => {
  test("[H22] a GET's body sent back whole changes nothing, and read-only keys are ignored", async () => {
    const account = await makeAccount();
    const { token } = account;
    const { id } = await makePrinterOf(account);
    const before = (await call("GET", `/api/v1/printers/${id}/`, { token })).body;
    const same = await call("PATCH", `/api/v1/printers/${id}/`, { token, body: before });
    const { succeeded, printer, ...own } = same.body;
    expect([same.status, succeeded, printer, own]).toEqual([200, true, before, before]);
    const body = { id: 1, auth_token: "x", user_id: 1, archived_at: null, command: 1, succeeded: false, nonsense: {} };
    expect((await call("PATCH", `/api/v1/printers/${id}/`, { token, body })).body.printer).toEqual(before);
  });

  test("[H10] no bytes are an empty change, whatever the Content-Type", async () => {
    const account = await makeAccount();
    const { id } = await makePrinterOf(account);
    for (const type of [undefined, "text/plain", "application/json", "multipart/form-data; boundary=x"]) {
      const headers = type === undefined ? {} : { "Content-Type": type };
      expect((await call("PATCH", `/api/v1/printers/${id}/`, { token: account.token, headers })).status).toBe(200);
    }
  });

  test("[H23] is in the list at once, and tells the agent whether to watch", async () => {
    const account = await makeAccount();
    const printer = await makePrinterOf(account);
    const agent = await connectAgentOf(printer);
    expect(await agent.next("remote_status")).toEqual({ remote_status: { viewing: false, should_watch: false } });
    agent.send(frame({ ts: T, event: "PrintStarted" }));
    expect(await agent.next("remote_status")).toEqual({ remote_status: { should_watch: true } });
    const { token } = account;
    const body = { name: "Renamed", watching_enabled: false };
    await call("PATCH", `/api/v1/printers/${printer.id}/`, { token, body });
    expect(await agent.next("remote_status")).toEqual({ remote_status: { should_watch: false } });
    const [listed] = (await call("GET", "/api/v1/printers/", { token })).body;
    expect(listed).toMatchObject({ name: "Renamed", not_watching_reason: "AI failure detection is disabled" });
  });
});

describe("the list", () => {
  test("[H24] is whole and by id without paging, and pages by start and limit", async () => {
    const account = await makeAccount();
    const { token } = account;
    const ids: number[] = [];
    for (const name of ["a", "b", "c"]) ids.push((await makePrinterOf(account, { name })).id);
    const idsOf = async (query: string) =>
      (await call("GET", `/api/v1/printers/${query}`, { token })).body.map((printer: { id: number }) => printer.id);
    expect(await idsOf("")).toEqual(ids);
    expect(await idsOf("?start=1")).toEqual(ids.slice(1));
    expect(await idsOf("?limit=2")).toEqual(ids.slice(0, 2));
    expect(await idsOf("?start=1&limit=1")).toEqual(ids.slice(1, 2));
    for (const query of ["?limit=0", "?limit=501", "?start=-1", "?start=x", "?limit=1.5"]) {
      expect((await call("GET", `/api/v1/printers/${query}`, { token })).status).toBe(400);
    }
  });

  test("[H25] shows the current print and presence, and no clock while the agent is online", async () => {
    const account = await makeAccount();
    const printer = await makePrinterOf(account);
    const agent = await connectAgentOf(printer);
    agent.send(frame({ ts: T, event: "PrintStarted" }));
    await agent.settled();
    const { token } = account;
    const listed = await untilListed(token, (shown) => shown.current_print !== null);
    expect(listed).toMatchObject({
      presence: { state: "online", last_seen_at: null, status_age_ms: null },
      status: { state: { text: "Printing" } },
      current_print: { filename: "hook.gcode", printer_id: printer.id, outcome: null, ended_at: null },
    });
    expect(listed.current_print.printer).not.toHaveProperty("auth_token");
    const read = (await call("GET", `/api/v1/printers/${printer.id}/`, { token })).body;
    expect(read.presence).toMatchObject({ state: "online", last_seen_at: expect.stringMatching(TIME) });
    expect(read.current_print).toEqual(listed.current_print);
  });
});

// biome-ignore lint/suspicious/noExplicitAny: tests assert the shape
async function untilListed(token: string, isWanted: (printer: any) => boolean): Promise<any> {
  for (;;) {
    const [printer] = (await call("GET", "/api/v1/printers/", { token })).body;
    if (isWanted(printer)) return printer;
  }
}

describe("archive", () => {
  test("[H26] [S21] hides the printer, refuses its agent, and unarchive brings all back", async () => {
    const account = await makeAccount();
    const { token } = account;
    const printer = await makePrinterOf(account);
    const path = `/api/v1/printers/${printer.id}/`;
    const agent = await connectAgentOf(printer);
    const archived = await call("POST", `${path}archive/`, { token });
    expect([archived.status, archived.body]).toEqual([204, null]);
    expect((await agent.untilClosed()).code).toBe(4404);
    expect((await dialAgent(printer.auth_token)).status).toBe(401);
    expect((await agentCall("GET", "/api/v1/octo/printer/", printer.auth_token)).status).toBe(401);
    expect((await call("GET", "/api/v1/printers/", { token })).body).toEqual([]);
    for (const word of ["true", "T", "YES", "y", "on", "1"]) {
      expect((await call("GET", `/api/v1/printers/?with_archived=${word}`, { token })).body).toHaveLength(1);
      expect((await call("GET", `${path}?with_archived=${word}`, { token })).body.archived_at).toMatch(TIME);
    }
    for (const word of ["false", "0", "", "maybe"]) {
      expect((await call("GET", `/api/v1/printers/?with_archived=${word}`, { token })).body).toEqual([]);
      expect((await call("GET", `${path}?with_archived=${word}`, { token })).status).toBe(404);
    }
    for (const [method, tail] of [
      ["PATCH", "?with_archived=true"],
      ["POST", "archive/"],
      ["POST", "pause_print/"],
      ["DELETE", ""],
    ]) {
      expect((await call(method ?? "", `${path}${tail}`, { token })).status).toBe(404);
    }
    const back = await call("POST", `${path}unarchive/`, { token });
    expect([back.status, back.body.archived_at]).toEqual([200, null]);
    expect((await connectAgentOf(printer)).closed).toBeNull();
  });
});

describe("DELETE", () => {
  test("[H27] answers nothing, closes the agent, refuses its token, and ends the current print as unknown", async () => {
    const account = await makeAccount();
    const { token } = account;
    const printer = await makePrinterOf(account);
    const agent = await connectAgentOf(printer);
    agent.send(frame({ ts: T, event: "PrintStarted" }));
    await agent.settled();
    const path = `/api/v1/printers/${printer.id}/`;
    const removed = await call("DELETE", path, { token });
    expect([removed.status, removed.body, removed.headers.get("Content-Type")]).toEqual([200, null, null]);
    expect((await agent.untilClosed()).code).toBe(4404);
    expect((await dialAgent(printer.auth_token)).status).toBe(401);
    expect((await agentCall("GET", "/api/v1/octo/printer/", printer.auth_token)).status).toBe(401);
    for (const method of ["GET", "PATCH", "DELETE"]) {
      const gone = await call(method, `${path}?with_archived=true`, { token });
      expect([gone.status, gone.body.detail]).toEqual([404, "No Printer matches the given query."]);
    }
  });

  test("[H27] takes an archived one only when asked", async () => {
    const account = await makeAccount();
    const { token } = account;
    const { id } = await makePrinterOf(account);
    await call("POST", `/api/v1/printers/${id}/archive/`, { token });
    expect((await call("DELETE", `/api/v1/printers/${id}/`, { token })).status).toBe(404);
    expect((await call("DELETE", `/api/v1/printers/${id}/?with_archived=1`, { token })).status).toBe(200);
  });
});
