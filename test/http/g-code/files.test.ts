/** G-code records over REST. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { connect } from "../../../src/db/client.ts";
import { findOrInsertGCodeFile } from "../../../src/db/g-code-files.ts";
import { type FileSelection, listGCodeFiles } from "../../../src/db/g-code-list.ts";
import { prints } from "../../../src/db/schema/history.ts";
import { type Account, call, makeAccount, makePrinterOf, makeToken, ORIGIN } from "../../support/api.ts";
import { meter, scannedTables } from "../../support/metered.ts";
import { makeFolder, objectsOf, upload, uploaded } from "../../support/upload.ts";
import { callWith } from "../../support/worker.ts";

const db = connect(env.DB);

const list = (account: Account, query = "") => call("GET", `/api/v1/g_code_files/${query}`, { token: account.token });
const names = ({ body }: Awaited<ReturnType<typeof list>>) =>
  body.results.map((file: { filename: string }) => file.filename);

async function insertPrint(
  userId: number,
  printerId: number,
  gCodeFileId: number,
  startedAt: number,
  sequence: number,
) {
  const [print] = await db
    .insert(prints)
    .values({
      id: printerId * 100_000 + sequence,
      ...{ printerId, userId, gCodeFileId, startedAt },
      revision: 1,
      extId: startedAt / 1000,
      filename: "hook.gcode",
    })
    .returning();
  return print?.id;
}

describe("the list", () => {
  test("[G8] comes in pages of six, newest first, with folder and prints; `last` needs no counting", async () => {
    const account = await makeAccount();
    const folder = await makeFolder(account, "Hooks");
    for (let n = 1; n <= 8; n += 1) await uploaded(account, { filename: `f${n}.gcode`, parent: String(folder) });
    const first = await list(account);
    expect(names(first)).toEqual(["f8", "f7", "f6", "f5", "f4", "f3"].map((name) => `${name}.gcode`));
    expect(first.body).toMatchObject({ count: 8, previous: null, next: `${ORIGIN}/api/v1/g_code_files/?page=2` });
    const { print_set, parent_folder, user } = first.body.results[0];
    expect({ print_set, user }).toEqual({ print_set: [], user: account.userId });
    expect(parent_folder).toMatchObject({ id: folder, name: "Hooks", g_code_file_count: 8, g_code_folder_count: 0 });
    const next = await list(account, "?page=2");
    expect(names(next)).toEqual(["f2.gcode", "f1.gcode"]);
    expect(next.body).toMatchObject({ next: null, previous: `${ORIGIN}/api/v1/g_code_files/?page=1` });
    expect((await list(account, "?page=last")).body.results).toEqual(next.body.results.map(reSigned));
    expect(names(await list(account, "?page=last&page_size=4"))).toEqual(
      ["f4", "f3", "f2", "f1"].map((n) => `${n}.gcode`),
    );
    expect((await list(account, "?page=3")).body).toMatchObject({ status: 404, detail: "Invalid page." });
    expect((await list(await makeAccount(), "?page=last")).body).toEqual({
      count: 0,
      next: null,
      previous: null,
      results: [],
    });
  });

  const reSigned = (file: object) => ({ ...file, url: expect.any(String) });

  test("[G9] is sorted, searched and narrowed as asked", async () => {
    const account = await makeAccount();
    const folder = await makeFolder(account, "Hooks");
    await uploaded(account, { filename: "b 100%.gcode", content: "G28\nG28\nG28\n" });
    await uploaded(account, { filename: "A_hook.gcode", content: "G28\n", parent: String(folder) });
    await uploaded(account, { filename: "c.gcode", content: "G28\nG28\n" });
    const order = async (query: string) =>
      (await list(account, query)).body.results.map((file: { filename: string }) => file.filename[0]).join("");
    const expected = {
      "?sorting=created_at_asc": "bAc",
      "?sorting=num_bytes_desc": "bcA",
      "?sorting=num_bytes_asc": "Acb",
      "?sorting=filename_asc": "Abc",
      "?sorting=filename_desc": "cbA",
      "?parent_folder=null": "cb",
      "?parent_folder=": "cb",
      [`?parent_folder=${folder}`]: "A",
      "?q=HOOK": "A",
      "?q=+100%25.": "b",
      "?q=_100": "",
      "?safe_filename=c.gcode": "c",
      "?safe_filename=c.gcode&agent_signature=x": "",
    };
    const seen = await Promise.all(Object.keys(expected).map(async (query) => [query, await order(query)]));
    expect(Object.fromEntries(seen)).toEqual(expected);
  });

  test.each([
    "page=0",
    "page=x",
    "page=-1",
    "page_size=0",
    "page_size=501",
    "sorting=size",
    "parent_folder=x",
    "resident_printer=x",
  ])("[G9] refuses %s", async (query) => {
    const { status, body } = await list(await makeAccount(), `?${query}`);
    expect({ status, fields: Object.keys(body.errors) }).toEqual({ status: 400, fields: [query.split("=")[0]] });
  });

  test("[G10] shows a printer's own files only when that printer is named", async () => {
    const account = await makeAccount();
    const { id: printerId } = await makePrinterOf(account);
    await uploaded(account, { filename: "cloud.gcode" });
    const reported = { filename: "usb.gcode", safeFilename: "usb.gcode", agentSignature: "ts:1", url: "usb/usb.gcode" };
    await findOrInsertGCodeFile(db, { ...reported, userId: account.userId, printerId, numBytes: 3 }, Date.now());
    expect(names(await list(account))).toEqual(["cloud.gcode"]);
    const { body } = await list(account, `?resident_printer=${printerId}`);
    expect(body.results).toMatchObject([{ filename: "usb.gcode", url: "usb/usb.gcode", resident_printer: printerId }]);
  });

  test("[G11] shows the newest fifty prints of a file, each with its printer", async () => {
    const account = await makeAccount();
    const { id: printerId } = await makePrinterOf(account);
    const [file, other] = [await uploaded(account), await uploaded(account, { filename: "other.gcode" })];
    const ids = [];
    for (let n = 1; n <= 52; n += 1) ids.push(await insertPrint(account.userId, printerId, file.id, n * 1000, n));
    const last = await insertPrint(account.userId, printerId, other.id, 5000, 53);
    const { body } = await list(account, "?sorting=created_at_asc");
    const shown = body.results.map((one: { print_set: { id: number }[] }) => one.print_set.map(({ id }) => id));
    expect(shown).toEqual([ids.slice(2).reverse(), [last]]);
    expect(body.results[1].print_set[0]).toMatchObject({
      printer: { id: printerId, name: "Bench" },
      g_code_file: { id: other.id, url: null },
    });
    // A page for many files shows a thousand prints at most.
    const counts = [20, 21, 100, 500].map(async (size) => {
      const page = await list(account, `?sorting=created_at_asc&page_size=${size}`);
      return page.body.results[0].print_set.length;
    });
    expect(await Promise.all(counts)).toEqual([50, 47, 10, 2]);
  });

  test("[H56] is one query of D1, whatever the page, and reads no table from end to end", async () => {
    const { userId } = await makeAccount();
    const selection: FileSelection = {
      ...{ userId, residentPrinterId: null, parentFolderId: undefined, contains: null },
      ...{ safeFilename: null, agentSignature: null, sorting: "created_at_desc" },
    };
    const metered = meter(env.DB);
    const variants: Partial<FileSelection>[] = [
      {},
      { parentFolderId: null, contains: "x", sorting: "filename_asc" },
      { parentFolderId: 7 },
      { residentPrinterId: 7, sorting: "num_bytes_asc" },
      { safeFilename: "x", agentSignature: "y" },
    ];
    for (const variant of variants) {
      for (const number of [1, "last"] as const) {
        await listGCodeFiles(connect(metered.database), { ...selection, ...variant }, { number, size: 6 }, 0);
        expect(metered.take().roundTrips).toBe(1);
      }
    }
    expect(await scannedTables(env.DB, metered.statements)).toEqual([]);
  });
});

describe("one file", () => {
  test("[G12] is read, renamed and moved; a body of its own GET changes nothing", async () => {
    const account = await makeAccount();
    const { token } = account;
    const folder = await makeFolder(account, "Hooks");
    const { id } = await uploaded(account, { parent: String(folder) });
    const path = `/api/v1/g_code_files/${id}/`;
    const before = (await call("GET", path, { token })).body;
    expect(before).toMatchObject({ id, parent_folder: { id: folder }, print_set: [], user: account.userId });
    const same = await call("PATCH", path, { token, body: before });
    expect(same).toMatchObject({ status: 200, body: { filename: "hook v2.gcode", parent_folder: folder } });
    expect(same.body).not.toHaveProperty("user");
    const body = { filename: "A/B.gcode", parent_folder: null, safe_filename: "x", user: 1, num_bytes: 1 };
    const edited = await call("PATCH", path, { token, body });
    expect(edited.body).toMatchObject({
      filename: "A/B.gcode",
      safe_filename: "A_B.gcode",
      parent_folder: null,
      num_bytes: 30,
    });
    const form = await call("PATCH", path, { token, raw: new URLSearchParams({ parent_folder: String(folder) }) });
    expect(form.body).toMatchObject({ filename: "A/B.gcode", parent_folder: folder });
  });

  test("[G13] of an agent keeps the agent's safe name when it is renamed", async () => {
    const account = await makeAccount();
    const { id: printerId } = await makePrinterOf(account);
    const reported = { filename: "usb.gcode", safeFilename: "usb.gcode", agentSignature: "ts:1", url: "usb/usb.gcode" };
    const owner = { userId: account.userId, printerId, numBytes: 3 };
    const { file } = await findOrInsertGCodeFile(db, { ...reported, ...owner }, Date.now());
    const { body } = await call("PATCH", `/api/v1/g_code_files/${file.id}/`, {
      token: account.token,
      body: { filename: "mine" },
    });
    expect(body).toMatchObject({ filename: "mine", safe_filename: "usb.gcode" });
    expect(await findOrInsertGCodeFile(db, { ...reported, ...owner }, Date.now())).toMatchObject({ isNew: false });
  });

  test.each([
    [{ filename: "" }, "filename"],
    [{ filename: null }, "filename"],
    [{ parent_folder: 999_999_999 }, "parent_folder"],
    [{ parent_folder: 1.5 }, "parent_folder"],
    [{ parent_folder: {} }, "parent_folder"],
    [{ parent_folder: [1] }, "parent_folder"],
  ])("[G12] refuses %j and stays as it is", async (body, field) => {
    const account = await makeAccount();
    const { id } = await uploaded(account);
    const path = `/api/v1/g_code_files/${id}/`;
    const before = (await call("GET", path, { token: account.token })).body;
    const answer = await call("PATCH", path, { token: account.token, body: { filename: "new", ...body } });
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body.errors)).toEqual([field]);
    expect((await call("GET", path, { token: account.token })).body).toEqual({ ...before, url: expect.any(String) });
  });

  test("[G14] deleted is gone from the list and the cloud, but its record can be read", async () => {
    const account = await makeAccount();
    const { token } = account;
    const { id } = await uploaded(account);
    const path = `/api/v1/g_code_files/${id}/`;
    expect(await call("DELETE", path, { token })).toMatchObject({ status: 200, body: null });
    expect((await call("DELETE", path, { token })).status).toBe(404);
    expect((await call("PATCH", path, { token, body: {} })).status).toBe(404);
    expect((await list(account)).body.count).toBe(0);
    expect((await call("GET", path, { token })).body).toMatchObject({ id, url: null, deleted: expect.any(String) });
  });

  test("[G15] many are moved and deleted at once, foreign ones left alone", async () => {
    const [account, stranger] = [await makeAccount(), await makeAccount()];
    const { token } = account;
    const folder = await makeFolder(account, "Hooks");
    const mine = [await uploaded(account), await uploaded(account)].map(({ id }) => id);
    const theirs = await uploaded(stranger);
    const file_ids = [...mine, theirs.id, 999_999_999];
    const move = { file_ids, parent_folder: folder };
    expect(await call("POST", "/api/v1/g_code_files/bulk_move/", { token, body: move })).toMatchObject({
      status: 204,
      body: null,
    });
    expect((await list(account, `?parent_folder=${folder}`)).body.count).toBe(2);
    expect((await list(stranger, "?parent_folder=null")).body.count).toBe(1);
    const form = new URLSearchParams([...mine.map((id) => ["file_ids", String(id)]), ["parent_folder", ""]]);
    expect((await call("POST", "/api/v1/g_code_files/bulk_move", { token, raw: form })).status).toBe(204);
    expect((await list(account, "?parent_folder=null")).body.count).toBe(2);
    expect((await call("POST", "/api/v1/g_code_files/bulk_delete/", { token, body: { file_ids } })).status).toBe(204);
    expect([(await list(account)).body.count, (await list(stranger)).body.count]).toEqual([0, 1]);
  });

  test.each([{}, { file_ids: 1 }, { file_ids: ["a"] }, { file_ids: Array(501).fill(1) }])(
    "[G15] refuses a bulk call of another shape",
    async (body) => {
      const { token } = await makeAccount();
      for (const action of ["bulk_move", "bulk_delete"]) {
        expect((await call("POST", `/api/v1/g_code_files/${action}/`, { token, body })).status).toBe(400);
      }
    },
  );
});

describe("whose files", () => {
  test("[G16] nobody reads, changes, deletes or moves another account's file, or moves one into its folders", async () => {
    const [owner, stranger] = [await makeAccount(), await makeAccount()];
    const { token } = stranger;
    const folder = await makeFolder(owner, "Hooks");
    const { id } = await uploaded(owner);
    const own = await uploaded(stranger);
    const NOT_FOUND = { status: 404, body: { detail: "No GCodeFile matches the given query." } };
    for (const method of ["GET", "PATCH", "DELETE"]) {
      const body = method === "PATCH" ? { body: { filename: 1 } } : {};
      for (const path of [id, "abc", 0, "9".repeat(16)]) {
        expect(await call(method, `/api/v1/g_code_files/${path}/`, { token, ...body })).toMatchObject(NOT_FOUND);
      }
    }
    const NO_PARENT = { status: 400, body: { errors: { parent_folder: ["Parent folder does not exist"] } } };
    const body = { parent_folder: folder, file_ids: [own.id] };
    expect(await call("PATCH", `/api/v1/g_code_files/${own.id}/`, { token, body })).toMatchObject(NO_PARENT);
    expect(await call("POST", "/api/v1/g_code_files/bulk_move/", { token, body })).toMatchObject(NO_PARENT);
    expect(await upload(stranger, { parent: String(folder) })).toMatchObject(NO_PARENT);
    expect((await list(stranger)).body.results).toMatchObject([{ id: own.id, parent_folder: null }]);
    expect((await list(stranger, `?parent_folder=${folder}`)).body.count).toBe(0);
    expect(await objectsOf(stranger)).toHaveLength(1);
    expect((await list(owner)).body.count).toBe(1);
  });

  test("[S3] [H5] scopes and methods are those of every other noun", async () => {
    const { userId } = await makeAccount();
    const reader = await makeToken(userId, { canWrite: false });
    const writer = await makeToken(userId, { canRead: false });
    const status = async (method: string, path: string, token?: string) =>
      (await call(method, `/api/v1/g_code_files/${path}`, token === undefined ? {} : { token })).status;
    expect(await status("GET", "", writer)).toBe(403);
    for (const path of ["", "bulk_move/", "bulk_delete/"]) expect(await status("POST", path, reader)).toBe(403);
    for (const method of ["PATCH", "DELETE"]) expect(await status(method, "1/", reader)).toBe(403);
    for (const path of ["", "1/", "abc/"]) expect(await status("GET", path)).toBe(401);
    for (const path of ["bulk_move/", "bulk_delete"]) {
      const answer = await call("GET", `/api/v1/g_code_files/${path}`);
      expect([answer.status, answer.headers.get("Allow")]).toEqual([405, "POST"]);
    }
    expect(await status("PUT", "1/")).toBe(405);
  });
});

test("[H56] an index finds what an agent reports, also among its own copies of cloud files", async () => {
  const metered = meter(env.DB);
  const file = {
    userId: 1,
    printerId: 1,
    filename: "a",
    safeFilename: "a",
    agentSignature: "s",
    url: null,
    numBytes: 1,
  };
  await findOrInsertGCodeFile(connect(metered.database), file, 0).catch(() => undefined);
  expect(metered.statements.length).toBeGreaterThan(1);
  expect(await scannedTables(env.DB, metered.statements)).toEqual([]);
});

test("[H56] a list costs two round trips with the one that authenticates, a download one, a print's order two", async () => {
  const account = await makeAccount();
  const { token } = account;
  const { id: printerId } = await makePrinterOf(account);
  const { id, url } = await uploaded(account);
  const metered = meter(env.DB);
  const asked: [string, string, object, number][] = [
    ["GET", "/api/v1/g_code_files/?page=last", { token }, 2],
    ["GET", `/api/v1/g_code_files/${id}/`, { token }, 2],
    ["GET", "/api/v1/g_code_folders/", { token }, 2],
    ["GET", url.slice(ORIGIN.length), {}, 1],
    ["POST", `/api/v1/printers/${printerId}/print_file/`, { token, body: { g_code_file_id: id } }, 2],
  ];
  // The day of the token's use is noted once.
  await callWith({ DB: metered.database }, "GET", "/api/v1/users/me/", { token });
  for (const [method, path, options, roundTrips] of asked) {
    metered.take();
    const { status } = await callWith({ DB: metered.database }, method, path, options);
    expect([path, status, metered.take().roundTrips]).toEqual([path, 200, roundTrips]);
  }
});
