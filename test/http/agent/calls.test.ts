/** The calls of agents over HTTP, in the bytes of the real ones. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { form, makeOwned, multipart, recorded, repeat } from "../../support/agent-calls.ts";
import { agentCall, call, connectAgentOf } from "../../support/api.ts";
import { frame } from "../../support/frames.ts";
import { projected } from "../../support/printer.ts";
import { bytesOf, callsOf, picture, RECORDINGS } from "../../support/recordings.ts";
import { callWith } from "../../support/worker.ts";

const T = 1_790_000_100;
const EVENTS = "/api/v1/octo/printer_events/";
const FILES = "/api/v1/octo/g_code_files/";
const PICTURES = "/api/v1/octo/pic/";

test("[A42] the recorded bodies are rebuilt to the byte", () => {
  // Only linking tells of the host, whose name was replaced.
  const calls = Object.values(RECORDINGS)
    .flatMap(callsOf)
    .filter(({ path }) => !path.endsWith("/unlinked/"));
  expect(calls.length).toBeGreaterThan(60);
  for (const one of calls) {
    const length = one.headers["content-length"];
    if (length !== undefined) expect(String(bytesOf(one)?.length ?? 0), one.path).toBe(length);
  }
});

describe("octo/printer and octo/ping", () => {
  test.each(["/api/v1/octo/printer/", "/api/v1/octo/ping/"])("[A28] GET %s proves the token", async (path) => {
    const { printer, token } = await makeOwned();
    const { status, body } = await agentCall("GET", path, token);
    expect([status, body]).toEqual([
      200,
      {
        user: { is_pro: true },
        printer: { is_pro: true, id: printer.id, name: "Bench", retract_on_pause: 6.5 },
      },
    ]);
  });

  test("[A28] an empty token is 401, as OctoPrint's test button sends it", async () => {
    const button = callsOf(RECORDINGS.octoprint).find(({ headers }) => headers.authorization === "Token");
    expect(button?.path).toBe("/api/v1/octo/printer/");
    const { status, headers, body } = await call("GET", "/api/v1/octo/printer/", { headers: button?.headers ?? {} });
    expect([status, headers.get("WWW-Authenticate"), body.code]).toEqual([401, "Token", "unauthenticated"]);
  });

  test.each(["/api/v1/octo/printer/", "/api/v1/octo/ping/"])(
    "[A29] PATCH %s renames, and nothing else",
    async (path) => {
      const { account, printer, token } = await makeOwned();
      const body = { name: " Vörön 2 ", watching_enabled: false, id: 1, auth_token: "x", archived_at: "now" };
      const renamed = await agentCall("PATCH", path, token, { body });
      expect(renamed).toMatchObject({ status: 200, body: { printer: { id: printer.id, name: "Vörön 2" } } });
      const seen = await call("GET", `/api/v1/printers/${printer.id}/`, { token: account.token });
      expect(seen.body).toMatchObject({
        name: "Vörön 2",
        watching_enabled: true,
        archived_at: null,
        auth_token: token,
      });
      for (const name of ["", "  ", "a\u0000b", "x".repeat(257), 5, null]) {
        const refused = await agentCall("PATCH", path, token, { body: { name } });
        expect(refused, String(name)).toMatchObject({ status: 400, body: { code: "invalid" } });
      }
    },
  );
});

describe("printer events", () => {
  const texts: [title: string, dialect: "moonraker" | "octoprint", matching: string, expected: object][] = [
    [
      "a form with a link",
      "moonraker",
      "Webcam",
      {
        event_type: "PRINTER_ERROR",
        event_class: "WARNING",
        event_title: "moonraker-obico: Webcam Streaming Failed",
        event_text: "Janus not found or not configured correctly. Click the link for troubleshooting guide.",
        info_url: "https://obico.io/docs/user-guides/webcam-install-janus/",
      },
    ],
    [
      "multipart with a snapshot",
      "moonraker",
      "Moonraker Error",
      { event_type: "PRINTER_ERROR", event_class: "ERROR", event_text: "!! Heater extruder not heating" },
    ],
    [
      "a filament change",
      "octoprint",
      "Filament",
      {
        event_type: "FILAMENT_CHANGE",
        event_title: "Filament Change Required",
        event_text: "<div><i>Printer:</i> probe printer</div><div><i>G-Code:</i> t2.gcode</div>",
        info_url: null,
      },
    ],
  ];

  test.each(texts)(
    "[A33] %s, as recorded, belongs to the current print",
    async (_title, dialect, matching, expected) => {
      const { printer, token } = await makeOwned();
      const agent = await connectAgentOf(printer);
      agent.send(frame({ ts: T }));
      await agent.settled();
      expect(await repeat(recorded(dialect, EVENTS, matching), token)).toMatchObject({
        status: 200,
        body: { result: "ok" },
      });
      const events = await eventsOf(printer);
      expect(events[0]).toMatchObject({ ...expected, printer: printer.id, image_url: null });
      expect(events[1]).toMatchObject({ event_type: "STARTED", print: events[0].print });
      expect(events[0].print).not.toBeNull();
    },
  );

  /** As the agent's own list shows them, newest first. */
  async function eventsOf({ id, auth_token }: { readonly id: number; readonly auth_token: string }) {
    await projected(id);
    return (await agentCall("GET", EVENTS, auth_token)).body;
  }

  test("[A33] [A34] as JSON, without a print; text loses NUL, what is no web link is dropped, no picture is asked of it", async () => {
    const { printer, token } = await makeOwned();
    const event = { event_type: "PRINTER_ERROR", event_class: "ERROR", event_title: "T", event_text: "a\u0000b" };
    const body = { ...event, info_url: "javascript:alert(1)", notify: true };
    expect((await agentCall("POST", EVENTS, token, { body })).status).toBe(200);
    expect(await eventsOf(printer)).toMatchObject([{ print: null, event_text: "ab", info_url: null }]);
    const broken = multipart(Object.entries(event), "snapshot", new TextEncoder().encode("<html>no camera</html>"));
    expect((await agentCall("POST", EVENTS, token, broken)).status).toBe(200);
    expect(await eventsOf(printer)).toHaveLength(2);
    const page = await agentCall("GET", `${EVENTS}?limit=1&start=1`, token);
    expect(page.body).toMatchObject([{ event_title: "T", event_text: "ab" }]);
    expect((await agentCall("GET", `${EVENTS}?limit=0`, token)).status).toBe(400);
  });

  test("[A34] without class and title it has those of its type; of its text only plain tags stay HTML", async () => {
    const { printer, token } = await makeOwned();
    const event_text = '<div>1 < 2</div><img src=x onerror="alert(1)"><script>&amp;';
    await agentCall("POST", EVENTS, token, { body: { event_type: "FILAMENT_CHANGE", event_text } });
    await agentCall("POST", EVENTS, token, { body: { event_type: "PRINTER_ERROR" } });
    expect(await eventsOf(printer)).toMatchObject([
      { event_class: "ERROR", event_title: null, event_text: null },
      {
        event_class: "WARNING",
        event_title: "Filament Change Required",
        event_text: '<div>1 &lt; 2</div>&lt;img src=x onerror="alert(1)">&lt;script>&amp;',
      },
    ]);
  });

  test.each([
    ["as long as they may be", 0, 0],
    ["longer", 1, 9_000],
  ])("[A34] texts %s: a cut shows, and a cut link is none", async (_title, over, more) => {
    const { printer, token } = await makeOwned();
    const url = (length: number) => `https://a/${"x".repeat(length - 10)}`;
    const event = {
      event_type: "PRINTER_ERROR",
      event_title: `${"\u0000🛠".repeat(128)}${"a".repeat(over)}`,
      event_text: "b".repeat(4000 + more),
      info_url: url(1000 + over),
    };
    expect((await agentCall("POST", EVENTS, token, { body: event })).status).toBe(200);
    const shown = (length: number, text: string) =>
      over === 0 ? text : `${text.slice(0, length - 1)}…`.toWellFormed();
    expect(await eventsOf(printer)).toMatchObject([
      {
        event_title: shown(256, "🛠".repeat(128)),
        event_text: shown(4000, "b".repeat(4000)),
        info_url: over === 0 ? url(1000) : null,
      },
    ]);
  });

  test.each([
    [{ event_class: "ERROR" }, "event_type"],
    [{ event_type: "BOOM", event_class: "ERROR" }, "event_type"],
    [{ event_type: "PRINTER_ERROR", event_class: "error" }, "event_class"],
  ])("[A33] %j is 400 for %s", async (fields, key) => {
    const { token } = await makeOwned();
    const { status, body } = await agentCall("POST", EVENTS, token, form(Object.entries(fields)));
    expect([status, Object.keys(body.errors ?? {})]).toEqual([400, [key]]);
  });

  test("[A35] a snapshot may have megabytes, a form or JSON only 64 KiB", async () => {
    const { printer, token } = await makeOwned();
    const fields = { event_type: "PRINTER_ERROR", event_class: "ERROR", event_text: "x".repeat(65_536) };
    expect((await agentCall("POST", EVENTS, token, { body: fields })).status).toBe(413);
    expect((await agentCall("POST", EVENTS, token, form(Object.entries(fields)))).status).toBe(413);
    const posted = await agentCall("POST", EVENTS, token, multipart(Object.entries(fields), "snapshot", picture(5e6)));
    expect(posted.status).toBe(200);
    expect((await eventsOf(printer))[0].event_text).toHaveLength(4000);
  });
});

describe("the nozzle camera", () => {
  test.each(["moonraker", "octoprint"] as const)("[A30] %s is told that there are no extensions", async (dialect) => {
    const { printer, token } = await makeOwned();
    const one = recorded(dialect, "/ent/api/printers/77/ext/");
    const path = `/ent/api/printers/${printer.id}/ext/`;
    expect(await repeat({ ...one, path }, token)).toMatchObject({ status: 200, body: { ext: {} } });
    for (const id of [printer.id + 1, 0, "x"]) {
      expect((await agentCall("GET", `/ent/api/printers/${id}/ext/`, token)).status).toBe(404);
    }
  });

  const PICTURE = "/ent/api/nozzle_cam/pic/";

  test.each([
    ["Moonraker's picture", PICTURE, multipart([["first_layer_scanning", "True"]], "pic", picture(5_000_000))],
    ["a picture", PICTURE, multipart([["viewing_boost", "true"]], "pic", picture(9))],
    ["the end", "/ent/api/nozzle_cam/first_layer_done/", form([["nozzlecam_status", "complete"]])],
    ["no bytes", PICTURE, {}],
    ["what is no form at all", PICTURE, { headers: { "Content-Type": "image/jpeg" }, raw: new Uint8Array([0, 1]) }],
  ])("[A77] %s is taken and dropped", async (_title, path, said) => {
    const { printer, token } = await makeOwned();
    expect(await agentCall("POST", path, token, said)).toMatchObject({ status: 200, body: {} });
    await projected(printer.id);
    expect((await agentCall("GET", EVENTS, token)).body).toEqual([]);
  });

  test("[A77] a body has its bound", async () => {
    const { token } = await makeOwned();
    const over = new Uint8Array(8 * 1024 * 1024 + 1);
    expect((await agentCall("POST", PICTURE, token, { raw: over })).status).toBe(413);
  });

  test("[A77] [H7] is counted apart: 600 a minute, and none of the agent's other calls is refused for it", async () => {
    const { token } = await makeOwned();
    const counted = new Map<string, number>();
    const upTo = (most: number): RateLimit => ({
      async limit({ key }) {
        counted.set(key, (counted.get(key) ?? 0) + 1);
        return { success: (counted.get(key) ?? 0) <= most };
      },
    });
    const limits = { TOKEN_CALLS: upTo(5), AGENT_CALLS: upTo(0) };
    const headers = { Authorization: `Token ${token}` };
    const statuses: number[] = [];
    for (let count = 0; count < 6; count++)
      statuses.push((await callWith(limits, "POST", PICTURE, { headers })).status);
    expect(statuses).toEqual([...Array(5).fill(200), 429]);
    expect((await callWith({ AGENT_CALLS: upTo(9) }, "GET", "/api/v1/octo/printer/", { headers })).status).toBe(200);
  });
});

describe("a token that does not count", () => {
  const routes: [method: string, path: string][] = [
    ["GET", "/api/v1/octo/printer/"],
    ["PATCH", "/api/v1/octo/printer/"],
    ["GET", "/api/v1/octo/ping/"],
    ["PATCH", "/api/v1/octo/ping/"],
    ["GET", EVENTS],
    ["POST", EVENTS],
    ["POST", FILES],
    ["PATCH", `${FILES}1/`],
    ["POST", PICTURES],
    ["GET", "/ent/api/printers/1/ext/"],
    ["POST", "/ent/api/nozzle_cam/pic/"],
    ["POST", "/ent/api/nozzle_cam/first_layer_done/"],
  ];
  const dead = ["none", "user's", "made up", "rotated", "archived", "deleted"] as const;

  async function deadToken(kind: (typeof dead)[number]): Promise<Record<string, string>> {
    const { account, printer, token } = await makeOwned();
    const path = `/api/v1/printers/${printer.id}/`;
    if (kind === "none") return {};
    if (kind === "user's") return { Authorization: `Token ${account.token}` };
    if (kind === "made up") return { Authorization: `Token ${token.slice(0, -1)}${token.endsWith("0") ? "1" : "0"}` };
    if (kind === "archived") await call("POST", `${path}archive/`, { token: account.token });
    if (kind === "deleted") await call("DELETE", path, { token: account.token });
    if (kind === "rotated") await env.PRINTERS.getByName(String(printer.id)).rotateToken(await uidOf(printer.id));
    return { Authorization: `Token ${token}` };
  }

  async function uidOf(printerId: number): Promise<string> {
    const row = await env.DB.prepare("select uid from printers where id = ?").bind(printerId).first<{ uid: string }>();
    return row?.uid ?? "";
  }

  test.each(dead)("[S20] %s is 401 on every route, whatever the body is", async (kind) => {
    const headers = { ...(await deadToken(kind)), "Content-Type": "application/json" };
    for (const [method, path] of routes) {
      const answer = await call(method, path, { headers, ...(method === "GET" ? {} : { raw: "{" }) });
      const { status, body } = answer;
      expect([status, body?.code, answer.headers.get("WWW-Authenticate")], `${method} ${path}`).toEqual([
        401,
        "unauthenticated",
        "Token",
      ]);
    }
  });
});
