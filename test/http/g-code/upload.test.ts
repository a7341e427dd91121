/** Uploads of G-code, and the signed URLs that open them. */
import { env, exports } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { FILE_TOKEN_LIFE_MS } from "../../../src/credentials/file-token.ts";
import { FILE_BYTES_MAX } from "../../../src/domain/g-code.ts";
import { runRetention } from "../../../src/jobs/retention.ts";
import { type Account, call, makeAccount, ORIGIN } from "../../support/api.ts";
import { makeFolder, objectsOf, upload, uploaded } from "../../support/upload.ts";

const list = (account: Account) => call("GET", "/api/v1/g_code_files/", { token: account.token });

describe("an upload", () => {
  test("[G1] makes a record with ids, whose content comes back byte for byte from its URL without credentials", async () => {
    const account = await makeAccount();
    const folder = await makeFolder(account, "Hooks");
    const content = "; Häkchen ✓\r\nG28\r\n--x\r\n";
    const { status, headers, body } = await upload(account, { content, parent: String(folder) });
    expect(status).toBe(201);
    expect(headers.get("Location")).toBe(`${ORIGIN}/api/v1/g_code_files/${body.id}/`);
    expect(body).toEqual({
      ...{ id: expect.any(Number), filename: "hook v2.gcode", safe_filename: "hook_v2.gcode", parent_folder: folder },
      ...{ url: expect.stringContaining(`${ORIGIN}/files/${body.id}/hook_v2.gcode?token=`), num_bytes: 26 },
      ...{ resident_printer: null, agent_signature: null, metadata_json: null, filament_total: null },
      ...{ estimated_time: null, thumbnail1_url: null, thumbnail2_url: null, thumbnail3_url: null },
      ...{ created_at: expect.any(String), updated_at: expect.any(String), deleted: null, deleted_by_cascade: false },
    });
    const download = await call("GET", body.url.slice(ORIGIN.length));
    expect(download).toMatchObject({ status: 200, body: content });
    expect(Object.fromEntries(download.headers)).toMatchObject({
      "content-length": "26",
      "content-disposition": "attachment; filename*=UTF-8''hook_v2.gcode",
      "cache-control": "private, no-store",
    });
  });

  test.each([
    ["CP1252", [71, 50, 56, 32, 59, 32, 0xfc, 10]],
    ["Shift_JIS", [59, 0x83, 0x74, 0x83, 0x62, 10]],
    ["UTF-16", [0xff, 0xfe, 71, 0, 50, 0]],
    ["half a character of UTF-8", [71, 0xe2, 0x9c]],
  ])("[G33] in %s comes back byte for byte", async (_, bytes) => {
    const account = await makeAccount();
    const content = new Uint8Array(bytes);
    const { url } = await uploaded(account, { content });
    const download = await exports.default.fetch(url);
    expect([...new Uint8Array(await download.arrayBuffer())]).toEqual(bytes);
  });

  test("[G2] larger than a part of R2 comes back whole", async () => {
    const account = await makeAccount();
    const content = new Uint8Array(11 * 1024 * 1024 + 7).map((_, place) => 32 + ((place * 7 + (place >> 13)) % 90));
    const { body } = await upload(account, { content });
    expect(body.num_bytes).toBe(content.length);
    const [object] = await objectsOf(account);
    const stored = new Uint8Array((await (await env.GCODE.get(object?.key ?? ""))?.arrayBuffer()) ?? new ArrayBuffer());
    expect(stored.length).toBe(content.length);
    expect(await crypto.subtle.digest("SHA-256", stored)).toEqual(await crypto.subtle.digest("SHA-256", content));
  });

  test("[G3] without a file makes a record without content", async () => {
    const account = await makeAccount();
    const { body } = await upload(account, { content: null });
    expect(body).toMatchObject({ url: null, num_bytes: null });
    expect(await objectsOf(account)).toEqual([]);
  });

  const CURE = "please export it as plain text G-code (.gcode) and upload that.";
  const noText = (what: string) => ({ file: [`Invalid G-code file. ${what}: ${CURE}`] });
  const BINARY = new Uint8Array(9 * 1024 * 1024).fill(65);
  BINARY[BINARY.length - 1] = 0;

  test.each([
    ["a null character", { content: "G28\n\0" }, 400, noText("It is no text (byte 4 is 0)")],
    ["binary G-code", { content: "GCDE\x01\0" }, 400, noText("It is binary G-code")],
    ["a name of binary G-code", { filename: "a.bgcode" }, 400, noText("It is binary G-code (.bgcode)")],
    ["a name of a project", { filename: "a.gcode.3mf" }, 400, noText("It is an archive (.3mf)")],
    ["half of UTF-16", { content: new Uint8Array([0xff, 0xfe, 71]) }, 400, noText("It is no text")],
    ["nine megabytes of text and then none", { content: BINARY }, 400, noText("It is no text (byte 9437183 is 0)")],
    ["no bytes", { content: "" }, 400, { file: ["The submitted file is empty."] }],
    ["a blank name", { filename: " " }, 400, { filename: ["This field may not be blank."] }],
    ["a name of 1001 characters", { filename: "x".repeat(1001) }, 400, { filename: [expect.any(String)] }],
    ["a parent that is no id", { parent: "abc" }, 400, { parent_folder: ["A valid integer is required."] }],
    ["a parent that is not there", { parent: "999999999" }, 400, { parent_folder: ["Parent folder does not exist"] }],
    ["a byte too many", { content: new Uint8Array(FILE_BYTES_MAX + 1).fill(65) }, 413, undefined],
  ])("[G4] with %s leaves nothing", async (_, options, status, errors) => {
    const account = await makeAccount();
    const answer = await upload(account, options);
    expect(answer).toMatchObject({ status, body: { code: status === 413 ? "too_large" : "invalid" } });
    expect(answer.body.errors).toEqual(errors);
    expect((await list(account)).body.count).toBe(0);
    expect(await objectsOf(account)).toEqual([]);
  });

  test("[G2] may have the whole 50 MiB", async () => {
    const account = await makeAccount();
    const { status, body } = await upload(account, { content: new Uint8Array(FILE_BYTES_MAX).fill(65) });
    expect([status, body.num_bytes]).toEqual([201, FILE_BYTES_MAX]);
  });

  const form = (...parts: string[]) => `${parts.map((part) => `--b\r\n${part}\r\n`).join("")}--b--\r\n`;
  const NAME = 'Content-Disposition: form-data; name="filename"\r\n\r\nhook.gcode';
  const FILE = 'Content-Disposition: form-data; name="file"; filename="f"\r\n\r\nG28';
  const MULTIPART = "multipart/form-data; boundary=b";

  test.each([
    ["JSON", "application/json", "{}", 415],
    ["nothing", "", "", 415],
    ["no boundary", "multipart/form-data", form(NAME), 400],
    ["no end", MULTIPART, form(NAME, FILE).slice(0, -6), 400],
    ["no name", MULTIPART, form(FILE.replace('; filename="f"', "")), 400],
    ["an empty name", MULTIPART, form(FILE.replace('"f"', '""')), 400],
    ["two files", MULTIPART, form(NAME, FILE, FILE), 400],
    ["no form at all", MULTIPART, "G28", 400],
    [
      "a long other field",
      MULTIPART,
      form(NAME, `Content-Disposition: form-data; name="x"\r\n\r\n${"x".repeat(70_000)}`),
      413,
    ],
    ["the file before its name", MULTIPART, form(FILE, NAME), 201],
  ])("[G4] an upload with %s", async (_, contentType, raw, status) => {
    const account = await makeAccount();
    const answer = await call("POST", "/api/v1/g_code_files/", {
      token: account.token,
      raw: new TextEncoder().encode(raw),
      headers: { "Content-Type": contentType },
    });
    expect(answer.status).toBe(status);
    expect(await objectsOf(account)).toHaveLength(status === 201 ? 1 : 0);
  });
});

test.each([`${"ö".repeat(250)}.gcode`, `${"复复复复 ".repeat(60)}.gcode`])(
  "[G30] %s has a safe name that a disk takes, and a URL that opens",
  async (filename) => {
    const account = await makeAccount();
    const { url, safe_filename, ...file } = await uploaded(account, { filename });
    expect(file).toMatchObject({ filename });
    expect(new TextEncoder().encode(safe_filename).length).toBeLessThanOrEqual(200);
    const download = await call("GET", url.slice(ORIGIN.length));
    const disposition = download.headers.get("Content-Disposition") ?? "";
    expect([download.status, decodeURIComponent(disposition)]).toEqual([
      200,
      `attachment; filename*=UTF-8''${safe_filename}`,
    ]);
  },
);

describe("a file part's own name", () => {
  const PART = 'Content-Disposition: form-data; name="file"; ';

  test.each([
    ['filename="hook v2.gcode"', "hook v2.gcode"],
    ["filename=hook.gcode", "hook.gcode"],
    ['filename="C:\\fakepath\\hook.gcode"', "hook.gcode"],
    ['filename="C:\\\\temp\\\\hook.gcode"', "hook.gcode"],
    ['filename="/home/me/hook.gcode"', "hook.gcode"],
    ['filename="a \\"b\\" c.gcode"', 'a "b" c.gcode'],
    ['filename="a %22b%22 100%.gcode"', 'a "b" 100%.gcode'],
    ['filename="Häkchen.gcode"', "Häkchen.gcode"],
    ["filename=\"_.gcode\"; filename*=UTF-8''%E9%92%A9.gcode", "钩.gcode"],
  ])("[G32] %s counts without `filename`", async (parameter, filename) => {
    const { token } = await makeAccount();
    const raw = new TextEncoder().encode(`--b\r\n${PART}${parameter}\r\n\r\nG28\r\n--b--\r\n`);
    const headers = { "Content-Type": "multipart/form-data; boundary=b" };
    const { status, body } = await call("POST", "/api/v1/g_code_files/", { token, raw, headers });
    expect([status, body.filename]).toEqual([201, filename]);
  });

  test("[G32] counts for nothing beside `filename`", async () => {
    expect(await upload(await makeAccount(), { filename: "mine.gcode" })).toMatchObject({
      body: { filename: "mine.gcode" },
    });
  });
});

describe("an upload in an outage", () => {
  test("[G5] of R2 is 503, and leaves nothing", async () => {
    const account = await makeAccount();
    const errors = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const broken = vi.spyOn(env.GCODE, "put").mockRejectedValue(new Error("put: internal error (10001)"));
    const answer = await upload(account);
    broken.mockRestore();
    errors.mockRestore();
    expect(answer).toMatchObject({ status: 503, body: { code: "unavailable" } });
    expect((await list(account)).body.count).toBe(0);
  });

  test("[G6] of D1 behind the object is 503, and the object is erased a day later", async () => {
    const account = await makeAccount();
    const errors = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const broken = vi.spyOn(env.DB, "batch").mockRejectedValueOnce(new Error("D1_ERROR: Network connection lost."));
    const { status } = await upload(account);
    broken.mockRestore();
    errors.mockRestore();
    expect(status).toBe(503);
    expect((await list(account)).body.count).toBe(0);
    expect(await objectsOf(account)).toHaveLength(1);
    await runRetention(env, Date.now() + 25 * 3_600_000);
    expect(await objectsOf(account)).toEqual([]);
  });
});

describe("a signed URL", () => {
  test("[G7] opens nothing once it is over, changed, of another file, or its file is deleted", async () => {
    const account = await makeAccount();
    const [file, other] = [await uploaded(account), await uploaded(account, { filename: "other.gcode" })];
    const path = file.url.slice(ORIGIN.length);
    const get = async (url: string) => (await call("GET", url)).status;
    expect(await get(path)).toBe(200);
    expect(await get(path.slice(0, -1))).toBe(404);
    expect(await get(path.replace(/\?.*/, ""))).toBe(404);
    expect(await get(path.replace(`/files/${file.id}/`, `/files/${other.id}/`))).toBe(404);
    expect(await get(path.replace(`/files/${file.id}/`, "/files/x/"))).toBe(404);
    vi.useFakeTimers({ now: Date.now() + FILE_TOKEN_LIFE_MS + 1000, toFake: ["Date"] });
    expect(await get(path)).toBe(404);
    vi.useRealTimers();
    expect(await get("/files/")).toBe(404);
    await call("DELETE", `/api/v1/g_code_files/${file.id}/`, { token: account.token });
    expect(await get(path)).toBe(404);
  });

  test("[S57] never stands in a log: the token is in the query, which no log line has", async () => {
    const account = await makeAccount();
    const { url } = await uploaded(account);
    const lines: unknown[] = [];
    const errors = vi.spyOn(console, "error").mockImplementation((line) => void lines.push(line));
    const broken = vi.spyOn(env.GCODE, "get").mockRejectedValue(new Error("get: internal error (10001)"));
    const { status } = await call("GET", url.slice(ORIGIN.length));
    broken.mockRestore();
    errors.mockRestore();
    expect([status, lines.length]).toEqual([503, 1]);
    expect(JSON.stringify(lines)).not.toContain(new URL(url).searchParams.get("token"));
  });
});
