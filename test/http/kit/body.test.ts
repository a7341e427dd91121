/** How often a body is parsed, from the call to what the handler gets; the charset that its texts are in, and its files. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { app } from "../../../src/app.ts";
import { form, multipart } from "../../support/agent-calls.ts";
import { agentCall, type CallOptions, call, makeAccount, makePrinterOf, ORIGIN } from "../../support/api.ts";
import { fc } from "../../support/random.ts";
import { objectsOf } from "../../support/upload.ts";
import { callWith } from "../../support/worker.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const JPEG = Uint8Array.of(0xff, 0xd8, 0xff, 0xe0);

describe("a body", () => {
  /** How often a body of that JSON text was parsed as JSON, or any body as a form. */
  function watch() {
    const json = vi.spyOn(JSON, "parse");
    const whole = vi.spyOn(Request.prototype, "json");
    const fields = vi.spyOn(FormData.prototype, "append");
    return (text: string) => ({
      json: json.mock.calls.filter(([parsed]) => parsed === text).length + whole.mock.calls.length,
      fields: fields.mock.calls.length,
    });
  }

  async function makeCaller() {
    const account = await makeAccount();
    const { id, auth_token } = await makePrinterOf(account);
    const agent = { Authorization: `Token ${auth_token}` };
    return { token: account.token, path: `/api/v1/printers/${id}/`, agent };
  }

  async function sent(method: string, path: string, options: CallOptions) {
    const seen = watch();
    const { status } = await callWith({}, method, path, options);
    return { status, ...seen(JSON.stringify(options.body)) };
  }

  test("[H59] of JSON is parsed once", async () => {
    const { token, path } = await makeCaller();
    const body = { name: "Parsed once" };
    expect(await sent("PATCH", path, { token, body })).toEqual({ status: 200, json: 1, fields: 0 });
  });

  test("[H59] of a form is parsed once", async () => {
    const { token, path } = await makeCaller();
    expect(await sent("PATCH", path, { token, ...form([["name", "x"]]) })).toEqual({ status: 200, json: 0, fields: 1 });
  });

  test("[H59] with a picture is parsed once", async () => {
    const { agent } = await makeCaller();
    const { raw, headers } = multipart([], "pic", JPEG);
    const posted = await sent("POST", "/api/v1/octo/pic/", { raw, headers: { ...headers, ...agent } });
    expect(posted).toEqual({ status: 200, json: 0, fields: 1 });
  });

  test("[H59] of a poll is parsed once", async () => {
    const body = { device_id: crypto.randomUUID() };
    expect(await sent("POST", "/api/v1/octo/unlinked/", { body })).toEqual({ status: 200, json: 1, fields: 0 });
  });

  test.each([";", "; charset=utf-16", "; boundary=x; boundary=y", '; x="'])(
    "[H8] is no 500 with the parameters %s",
    async (parameters) => {
      const { token, path } = await makeCaller();
      for (const type of ["application/json", "application/x-www-form-urlencoded", "multipart/form-data"]) {
        const headers = { "Content-Type": type + parameters };
        const { status } = await callWith({}, "PATCH", path, {
          token,
          raw: new TextEncoder().encode("name=x"),
          headers,
        });
        expect(status, type).toBeLessThan(500);
      }
    },
  );
});

const FORM = "application/x-www-form-urlencoded";
const MULTIPART = "multipart/form-data; boundary=b";

/** A Content-Type with a body whose characters are its bytes. */
type Sent = readonly [contentType: string, binary: string];

const sentAs = ([contentType, binary]: Sent): CallOptions => ({
  raw: Uint8Array.from(binary, (character) => character.charCodeAt(0)),
  headers: { "Content-Type": contentType },
});

const bytesOf = (text: string) => String.fromCharCode(...new TextEncoder().encode(text));
const utf16 = (text: string) => [...text].map((character) => `${character}\0`).join("");
const part = (name: string, value: string, ...more: string[]) =>
  `--b\r\nContent-Disposition: form-data; name="${name}"${more.join("")}\r\n\r\n${value}\r\n`;
const END = "--b--\r\n";

describe("text", () => {
  const READ: readonly (readonly [name: string, ...Sent])[] = [
    ["Küche", FORM, "name=K%C3%BCche"],
    ["Küche", `${FORM}; charset=UTF-8`, bytesOf("name=Küche")],
    ["Küche", `${FORM}; charset=ISO-8859-1`, "name=K%FCche"],
    ["Küche", `${FORM};charset="latin1"`, "name=K\xfcche"],
    ["€ 5", `${FORM}; charset=windows-1252`, "name=%80+5"],
    ["テ+", `${FORM}; charset=Shift_JIS`, "name=%83e%2b"],
    ["a=b&c", `${FORM}; charset=utf-16le`, utf16("name=a=b%26c")],
    ["Küche", "application/json; charset=ISO-8859-1", '{"name":"K\xfcche"}'],
    ["Кухня", "application/json; charset=koi8-r", '{"name":"\xeb\xd5\xc8\xce\xd1"}'],
    [
      "Küche",
      "application/json; charset=utf-16",
      utf16('\xff\xfe{"name":"Küche"}').replace("\xff\0\xfe\0", "\xff\xfe"),
    ],
    ["Küche", MULTIPART, bytesOf(part("name", "Küche") + END)],
    ["Küche", `${MULTIPART}; charset=ISO-8859-1`, part("name", "K\xfcche") + END],
    ["Küche", MULTIPART, part("name", "K\xfcche") + part("_charset_", "ISO-8859-1") + END],
    [
      "Küche",
      MULTIPART,
      part("_charset_", "utf-8") + part("name", "K\xfcche", "\r\nContent-Type: text/plain; charset=latin1") + END,
    ],
  ];

  test.each(READ)("[H70] %s is what %s with %j says", async (name, ...sent) => {
    const { token } = await makeAccount();
    const { status, body } = await call("POST", "/api/v1/printers/", { token, ...sentAs(sent) });
    expect([status, body.name]).toEqual([201, name]);
  });

  const REFUSED: readonly (readonly [status: number, field: string | null, ...Sent])[] = [
    [400, "name", FORM, "name=K%FCche"],
    [400, "name", FORM, "name=K\xfcche"],
    [400, "other", FORM, "name=x&other=%C3"],
    [400, "non_field_errors", FORM, "name=x&%FF=1"],
    [400, "name", `${FORM}; charset=Shift_JIS`, "name=%FC"],
    [400, "non_field_errors", "application/json", '{"name":"K\xfcche"}'],
    [400, "non_field_errors", "application/json; charset=utf-16", '{"name": "x"}.'],
    [400, "name", MULTIPART, part("name", "K\xfcche") + END],
    [400, "name", MULTIPART, part("name", "K\xc3") + END],
    [
      400,
      "name",
      `${MULTIPART}; charset=latin1`,
      part("name", "K\xfc", "\r\nContent-Type: text/plain; charset=utf-8") + END,
    ],
    [400, "non_field_errors", MULTIPART, part("n\xfc", "x") + END],
    [415, null, `${FORM}; charset=foo`, "name=x"],
    [415, null, "application/json; charset=utf-7", '{"name":"x"}'],
    [415, null, `${MULTIPART}; charset=foo`, part("name", "x") + END],
    [415, null, MULTIPART, part("name", "x", "\r\nContent-Type: text/plain; charset=foo") + END],
    [415, null, MULTIPART, part("_charset_", "foo") + part("name", "x") + END],
  ];

  test.each(REFUSED)("[H70] %i for %s: %s with %j", async (wanted, field, ...sent) => {
    const { token } = await makeAccount();
    const { status, body } = await call("POST", "/api/v1/printers/", { token, ...sentAs(sent) });
    expect([status, Object.keys(body.errors ?? {})]).toEqual([wanted, field === null ? [] : [field]]);
    expect((await call("GET", "/api/v1/printers/", { token })).body).toEqual([]);
  });

  test.each(REFUSED.filter(([, , type]) => type.startsWith(MULTIPART)))(
    "[H70] an upload alike, which leaves nothing: %i for %s: %s with %j",
    async (wanted, field, type, binary) => {
      const account = await makeAccount();
      const raw = binary
        .replace(END, part("file", "G28", '; filename="a.gcode"') + END)
        .replaceAll('"name"', '"filename"');
      const { status, body } = await call("POST", "/api/v1/g_code_files/", { ...account, ...sentAs([type, raw]) });
      const named = field === "name" ? "filename" : field;
      expect([status, Object.keys(body.errors ?? {})]).toEqual([wanted, named === null ? [] : [named]]);
      expect(await objectsOf(account)).toEqual([]);
    },
  );

  test.each(["%FF", "K%fcche", "a%C3", "a&other=%ff"])("[H70] a query alike: 400 for q=%s", async (q) => {
    const { token } = await makeAccount();
    const field = q.includes("other") ? "other" : "q";
    const { status, body } = await call("GET", `/api/v1/g_code_files/?q=${q}`, { token });
    expect([status, Object.keys(body.errors ?? {})]).toEqual([400, [field]]);
    expect((await call("GET", `/api/v1/g_code_files/?q=${q}`)).status).toBe(401);
  });

  test("[H70] a query that nobody encoded is UTF-8, and the runtime's mark for what is none is refused", async () => {
    const { token } = await makeAccount();
    const ask = async (q: string) => {
      const request = new Request(`${ORIGIN}/api/v1/g_code_folders/`, {
        headers: { Authorization: `Bearer ${token}` },
      });
      const asked = new Proxy(request, {
        get: (target, key) => (key === "url" ? `${target.url}?q=${q}` : Reflect.get(target, key, target)),
      });
      return (await app.fetch(asked, env, createExecutionContext())).status;
    };
    expect([await ask("Küche"), await ask("K\ufffdche"), await ask("K%EF%BF%BDche")]).toEqual([200, 400, 200]);
  });

  test("[H70] a query is read as a form is: %, + and all", async () => {
    const { token } = await makeAccount();
    const { body } = await call(
      "GET",
      "/api/v1/g_code_folders/?&q=K%C3%BCche+100%&page_size=1&page_size=2&=&__proto__=1",
      { token },
    );
    expect(body).toMatchObject({ count: 0 });
  });
});

describe("an action's body", () => {
  async function act(verb: string, sent: Sent) {
    const account = await makeAccount();
    const { id } = await makePrinterOf(account);
    const { status } = await call("POST", `/api/v1/printers/${id}/${verb}/`, { ...account, ...sentAs(sent) });
    return status;
  }

  const UNREADABLE: readonly Sent[] = [
    [`${FORM}; charset=foo`, "x=1"],
    [FORM, "x=%FF"],
    [MULTIPART, END],
    [`${MULTIPART}; charset=foo`, part("x", "1") + END],
    [MULTIPART, part("x", "\xff") + END],
    [MULTIPART, part("x", "G28", '; filename="x"') + END],
    ["multipart/form-data", part("x", "1") + END],
  ];

  test.each(UNREADABLE)("[H10] does not stop it when it is a form that nobody can use: %s with %j", async (...sent) => {
    for (const verb of ["cancel_print", "archive", "mute_current_print"])
      expect([verb, await act(verb, sent)]).toEqual([verb, verb === "archive" ? 204 : 200]);
  });

  test.each<[number, ...Sent]>([
    [200, `${FORM}; charset=ISO-8859-1`, "x=1"],
    [200, `${FORM}; charset=foo`, ""],
    [200, `${FORM}; charset=utf-16le`, utf16("print_id=1")],
    [415, `${FORM}; charset=foo`, "print_id=1"],
    [415, `${FORM}; charset=foo`, "print%5Fid=1"],
    [415, `${FORM}; charset=utf-32`, utf16("print_id=1").replaceAll("\0", "\0\0\0")],
    [400, FORM, "print_id=1&x=%FF"],
    [400, FORM, '{"print_id":1}'],
    [400, MULTIPART, part("print_id", "1", '; filename="x"') + END],
    [400, MULTIPART, part("print_id", "1") + part("x", "G28", '; filename="x"') + END],
    [400, MULTIPART, part("print_id", "1")],
    [400, "application/json", "{"],
    [400, "application/json", "\xff"],
    [415, "application/json; charset=foo", "{}"],
    [415, "text/plain", "x"],
  ])("[H10] is answered %i where it may name a print: %s with %j", async (wanted, ...sent) => {
    for (const verb of ["cancel_print", "pause_print", "resume_print"])
      expect([verb, await act(verb, sent)]).toEqual([verb, wanted]);
  });

  test("[H10] is no other route's: a change that cannot be read is refused", async () => {
    const account = await makeAccount();
    const { id } = await makePrinterOf(account);
    const { status } = await call("PATCH", `/api/v1/printers/${id}/`, {
      ...account,
      ...sentAs([`${FORM}; charset=foo`, "x=1"]),
    });
    expect(status).toBe(415);
  });
});

describe("a multipart form's parts", () => {
  const PROTO = ["__proto__", "push", "constructor", "toString", "hasOwnProperty"]
    .map((name) => part(name, "x"))
    .join("");

  test("[H72] may be called like members of objects", async () => {
    const account = await makeAccount();
    const made = await call("POST", "/api/v1/printers/", {
      ...account,
      ...sentAs([MULTIPART, PROTO + part("name", "P") + END]),
    });
    expect([made.status, made.body.name]).toEqual([201, "P"]);
    const raw = PROTO + part("filename", "a.gcode") + part("file", "G28", '; filename="b"') + PROTO + END;
    const file = await call("POST", "/api/v1/g_code_files/", { ...account, ...sentAs([MULTIPART, raw]) });
    expect([file.status, file.body.filename]).toEqual([201, "a.gcode"]);
  });

  test("[H72] that are files are refused by their name where none is expected", async () => {
    const account = await makeAccount();
    const { id, auth_token } = await makePrinterOf(account);
    const file = (name: string) => sentAs([MULTIPART, part("name", "x") + part(name, "G28", '; filename="x"') + END]);
    const other = (name: string) =>
      sentAs([MULTIPART, part(name, "G28", '; filename="x"') + part("filename", "x") + END]);
    const answers = [
      await call("POST", "/api/v1/printers/", { ...account, ...file("avatar") }),
      await call("PATCH", `/api/v1/printers/${id}/`, { ...account, ...file("name") }),
      await call("POST", "/api/v1/g_code_files/", { ...account, ...other("thumbnail") }),
      await call("POST", "/api/v1/g_code_files/", { ...account, ...other("filename") }),
      await call("POST", "/api/v1/g_code_files/", { ...account, ...other("__proto__") }),
      await agentCall("POST", "/api/v1/octo/pic/", auth_token, file("is_primary_camera")),
    ];
    expect(answers.map(({ status, body }) => [status, body.detail])).toEqual(
      ["avatar", "name", "thumbnail", "filename", "__proto__", "is_primary_camera"].map((name) => [
        400,
        `${name}: A file is not expected here.`,
      ]),
    );
    expect(await objectsOf(account)).toEqual([]);
  });

  test("[H72] are a picture or a G-code file by their name alone", async () => {
    const account = await makeAccount();
    const { auth_token } = await makePrinterOf(account);
    const posted = await agentCall(
      "POST",
      "/api/v1/octo/pic/",
      auth_token,
      sentAs([MULTIPART, part("pic", "\xff\xd8\xff\xe0") + END]),
    );
    expect(posted.status).toBe(200);
    const raw = part("filename", "a.gcode") + part("file", "G28") + END;
    expect(
      (await call("POST", "/api/v1/g_code_files/", { ...account, ...sentAs([MULTIPART, raw]) })).body.num_bytes,
    ).toBe(3);
  });
});

test("[H8] no Content-Type with whatever bytes is a 500", async () => {
  const account = await makeAccount();
  const { id, auth_token } = await makePrinterOf(account);
  const user = `Bearer ${account.token}`;
  const agent = `Token ${auth_token}`;
  const routes = fc.constantFrom(
    ...([
      ["POST", "/api/v1/printers/", user],
      ["PATCH", `/api/v1/printers/${id}/`, user],
      ["POST", `/api/v1/printers/${id}/cancel_print/`, user],
      ["POST", `/api/v1/printers/${id}/mute_current_print/?mute_alert=%FF&__proto__=%`, user],
      ["POST", "/api/v1/g_code_files/", user],
      ["POST", "/api/v1/prints/bulk_delete/", user],
      ["POST", "/api/v1/octo/pic/", agent],
      ["POST", "/api/v1/octo/printer_events/", agent],
    ] as const),
  );
  const media = fc.constantFrom("application/json", FORM, "multipart/form-data; boundary=b", "text/plain", "");
  const charsets = fc.oneof(
    fc.constantFrom(
      "",
      "; charset=utf-8",
      "; charset=utf-16",
      "; charset=iso-2022-jp",
      "; charset=gb18030",
      "; charset=foo",
    ),
    fc.string({ unit: "binary-ascii" }).map((text) => `; charset="${text.replace(/[^ -~]/g, "")}"`),
  );
  const pieces = fc.constantFrom(
    ...[
      "--b",
      "--b--",
      "\r\n",
      "\r\n\r\n",
      "Content-Disposition: form-data",
      '; name="',
      '"',
      "; filename=",
      "filename*=utf-8''%FF",
    ],
    ...[
      "Content-Type: text/plain; charset=",
      "_charset_",
      "__proto__",
      "name",
      "[]",
      "=",
      "&",
      "%",
      "%ff",
      "%C3%BC",
      "\xff",
      "\0",
      "{",
      "}",
    ],
  );
  const bodies = fc
    .array(fc.oneof(pieces, fc.string({ unit: "binary-ascii" })), { maxLength: 30 })
    .map((all) => all.join(""));
  await fc.assert(
    fc.asyncProperty(routes, media, charsets, bodies, async ([method, path, Authorization], type, charset, body) => {
      const { raw, headers } = sentAs([type + charset, body]);
      const { status } = await callWith({}, method, path, { raw: raw ?? "", headers: { ...headers, Authorization } });
      expect(status).toBeLessThan(500);
    }),
    { numRuns: 400 },
  );
});

describe("a client that hangs up", () => {
  /** So the runtime tells of it, in the words that it has for a lost connection to D1, too. */
  function brokenOff(head: string, filler = 0): ReadableStream {
    const chunks = [head, ...Array<string>(filler).fill("A".repeat(1024 * 1024))];
    return new ReadableStream({
      pull(controller) {
        const chunk = chunks.shift();
        if (chunk === undefined) controller.error(new Error("Network connection lost."));
        else controller.enqueue(new TextEncoder().encode(chunk));
      },
    });
  }

  test.each([
    ["POST", "/api/v1/printers/", "application/json", '{"name":"half'],
    ["POST", "/api/v1/printers/", FORM, "name=half"],
    ["POST", "/api/v1/printers/", MULTIPART, part("name", "half")],
    ["POST", "/api/v1/g_code_files/", MULTIPART, part("filename", "half") + part("file", "G28", '; filename="x"')],
    ["POST", "/api/v1/octo/pic/", MULTIPART, part("pic", "x", '; filename="x"')],
    ["POST", "/api/v1/octo/printer_events/", FORM, "event_type=PRINTER_ERROR"],
    ["POST", "/ent/api/nozzle_cam/pic/", MULTIPART, part("pic", "x", '; filename="x"')],
  ])("[H75] from %s %s as %s makes no line and nothing else", async (method, path, type, head) => {
    const account = await makeAccount();
    const { auth_token } = await makePrinterOf(account);
    const lines = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const Authorization = /\/(octo|ent)\//.test(path) ? `Token ${auth_token}` : `Bearer ${account.token}`;
    const { status, body } = await callWith({}, method, path, {
      raw: brokenOff(head),
      headers: { "Content-Type": type, Authorization },
    });
    expect([status, body.code, lines.mock.calls]).toEqual([400, "invalid", []]);
    expect((await call("GET", "/api/v1/printers/", account)).body).toHaveLength(1);
    expect((await call("GET", "/api/v1/g_code_files/", account)).body.count).toBe(0);
    expect(await objectsOf(account)).toEqual([]);
  });

  test("[H75] from a poll is answered, as every poll is", async () => {
    const lines = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const headers = { "Content-Type": "application/json" };
    const { status, body } = await callWith({}, "POST", "/api/v1/octo/unlinked/", { raw: brokenOff('{"d'), headers });
    expect([status, body, lines.mock.calls]).toEqual([200, { messages: [] }, []]);
  });

  test("[H75] while a part of its upload is on its way: it is aborted, though nobody waits for the answer", async () => {
    const account = await makeAccount();
    const create = env.GCODE.createMultipartUpload.bind(env.GCODE);
    const aborted: string[] = [];
    vi.spyOn(env.GCODE, "createMultipartUpload").mockImplementation(async (key) => {
      const made = await create(key);
      const abort = async () => {
        await made.abort();
        aborted.push(key);
      };
      return { ...made, uploadPart: made.uploadPart.bind(made), complete: made.complete.bind(made), abort };
    });
    const lines = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const ctx = createExecutionContext();
    const waited = vi.spyOn(ctx, "waitUntil");
    const headers = { "Content-Type": MULTIPART, Authorization: `Bearer ${account.token}` };
    const head = `${part("filename", "half")}--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n`;
    const init = { method: "POST", headers, body: brokenOff(head, 11) };
    const answer = app.fetch(new Request(`${ORIGIN}/api/v1/g_code_files/`, init), env, ctx);
    await vi.waitFor(() => expect(waited.mock.calls.length).toBeGreaterThan(1));
    await Promise.all(waited.mock.calls.map(([promise]) => promise));
    expect([aborted.length, lines.mock.calls, await objectsOf(account)]).toEqual([1, [], []]);
    expect((await answer).status).toBe(400);
  });
});
