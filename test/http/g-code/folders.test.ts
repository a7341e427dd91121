/** Folders of cloud files over REST. */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { connect } from "../../../src/db/client.ts";
import { deleteGCodeFolders, editGCodeFolder, moveGCodeFolders } from "../../../src/db/g-code-folder-edits.ts";
import { findGCodeFolder, insertGCodeFolder, listGCodeFolders } from "../../../src/db/g-code-folders.ts";
import { type Account, call, makeAccount, makeToken, ORIGIN } from "../../support/api.ts";
import { meter, scannedTables } from "../../support/metered.ts";
import { fc } from "../../support/random.ts";
import { makeFolder, uploaded } from "../../support/upload.ts";

const PATH = "/api/v1/g_code_folders/";

const post = ({ token }: Account, body: unknown, action = "") => call("POST", `${PATH}${action}`, { token, body });
const patch = ({ token }: Account, id: number, body: unknown) => call("PATCH", `${PATH}${id}/`, { token, body });
const get = ({ token }: Account, rest: string | number = "") => call("GET", `${PATH}${rest}`, { token });

const TAKEN = { status: 400, body: { code: "invalid", errors: { name: ["Already existed."] } } };
const NO_PARENT = { status: 400, body: { errors: { parent_folder: ["Parent folder does not exist"] } } };
const LOOP = { status: 400, body: { errors: { parent_folder: ["A folder cannot lie in itself."] } } };
const NOT_FOUND = { status: 404, body: { detail: "No GCodeFolder matches the given query." } };

describe("folders", () => {
  test("[G17] are made, read with what lies in them, and listed in pages", async () => {
    const account = await makeAccount();
    const { status, headers, body } = await post(account, { name: " Hooks & eyes " });
    expect(status).toBe(201);
    expect(headers.get("Location")).toBe(`${ORIGIN}${PATH}${body.id}/`);
    expect(body).toEqual({
      ...{ id: expect.any(Number), parent_folder: null, name: "Hooks & eyes", safe_name: "Hooks___eyes" },
      ...{ created_at: expect.any(String), updated_at: body.created_at, g_code_folder_count: 0, g_code_file_count: 0 },
    });
    const small = await makeFolder(account, "small", body.id);
    await makeFolder(account, "smaller", small);
    const { id: fileId } = await uploaded(account, { parent: String(body.id) });
    await uploaded(account, { parent: String(body.id) });
    await call("DELETE", `/api/v1/g_code_files/${fileId}/`, { token: account.token });
    const read = (await get(account, `${body.id}/`)).body;
    expect(read).toEqual({ ...body, g_code_folder_count: 1, g_code_file_count: 1 });
    const list = await get(account, "?page_size=2&sorting=name_asc");
    expect(list.body).toMatchObject({
      count: 3,
      next: `${ORIGIN}${PATH}?page_size=2&sorting=name_asc&page=2`,
      previous: null,
    });
    expect(list.body.results).toEqual([read, { ...(await get(account, `${small}/`)).body }]);
    expect((await get(account, "?page=last&page_size=2")).body.results).toEqual([read]);
    expect((await get(account, "?page=4")).body).toMatchObject({ status: 404, detail: "Invalid page." });
  });

  test("[G17] are found by name and parent, sorted as asked", async () => {
    const account = await makeAccount();
    const a = await makeFolder(account, "Alpha");
    const b = await makeFolder(account, "beta", a);
    const c = await makeFolder(account, "Alphabet", a);
    const ids = async (query: string) => (await get(account, query)).body.results.map(({ id }: { id: number }) => id);
    expect(await ids("")).toEqual([c, b, a]);
    expect(await ids("?sorting=created_at_asc")).toEqual([a, b, c]);
    expect(await ids("?sorting=name_desc")).toEqual([b, c, a]);
    expect(await ids(`?parent_folder=${a}&sorting=name_asc`)).toEqual([c, b]);
    expect(await ids("?parent_folder=null")).toEqual([a]);
    expect(await ids("?q=ALPHA&sorting=name_asc")).toEqual([a, c]);
    expect((await get(account, "?sorting=size")).status).toBe(400);
  });

  test("[G30] have safe names as files do; long ones that begin alike are two", async () => {
    const account = await makeAccount();
    for (const name of [`${"ö".repeat(250)} 1`, `${"ö".repeat(250)} 2`]) await makeFolder(account, name);
    const { body } = await get(account);
    const bytes = body.results.map((one: { safe_name: string }) => new TextEncoder().encode(one.safe_name).length);
    expect(bytes.map((count: number) => count <= 200)).toEqual([true, true]);
  });

  test("[G18] of one parent have different safe names", async () => {
    const account = await makeAccount();
    const [a, b] = [await makeFolder(account, "a b"), await makeFolder(account, "b")];
    const inner = await makeFolder(account, "a b", a);
    expect(await post(account, { name: "a_b" })).toMatchObject(TAKEN);
    expect(await post(account, { name: "a?b", parent_folder: a })).toMatchObject(TAKEN);
    expect(await patch(account, b, { name: "a b" })).toMatchObject(TAKEN);
    expect(await patch(account, inner, { parent_folder: null })).toMatchObject(TAKEN);
    expect(await patch(account, inner, { parent_folder: null, name: "c" })).toMatchObject({
      status: 200,
      body: { parent_folder: null, safe_name: "c" },
    });
    expect(await patch(account, a, { name: "a-b" })).toMatchObject({
      status: 200,
      body: { name: "a-b", safe_name: "a_b" },
    });
    expect(await post(await makeAccount(), { name: "b" })).toMatchObject({ status: 201 });
  });

  test("[G18] made at once under one name are one", async () => {
    const account = await makeAccount();
    const made = await Promise.all(Array.from({ length: 5 }, () => post(account, { name: "same" })));
    expect(made.map(({ status }) => status).sort()).toEqual([201, 400, 400, 400, 400]);
  });

  test.each([
    [{}, "name"],
    [{ name: "" }, "name"],
    [{ name: 1 }, "name"],
    [{ name: "x".repeat(1001) }, "name"],
    [{ name: "x", parent_folder: "y" }, "parent_folder"],
    [{ name: "x", parent_folder: true }, "parent_folder"],
  ])("[G19] are not made from %j", async (body, field) => {
    const account = await makeAccount();
    const answer = await post(account, body);
    expect(answer.status).toBe(400);
    expect(Object.keys(answer.body.errors)).toEqual([field]);
    expect((await get(account)).body.count).toBe(0);
  });

  test("[G20] never lie in themselves", async () => {
    const account = await makeAccount();
    const a = await makeFolder(account, "a");
    const b = await makeFolder(account, "b", a);
    const c = await makeFolder(account, "c", b);
    for (const parent_folder of [a, b, c]) expect(await patch(account, a, { parent_folder })).toMatchObject(LOOP);
    expect(await post(account, { folder_ids: [a], parent_folder: c }, "bulk_move/")).toMatchObject(LOOP);
    expect(await patch(account, c, { parent_folder: a })).toMatchObject({ status: 200, body: { parent_folder: a } });
    expect(await patch(account, b, { parent_folder: c })).toMatchObject({ status: 200 });
    expect(await patch(account, c, { parent_folder: b })).toMatchObject(LOOP);
  });

  test("[G20] stay a tree whatever is moved where, at once or in turn", async () => {
    const db = connect(env.DB);
    const move = fc.record({ ids: fc.array(fc.nat(5), { minLength: 1, maxLength: 3 }), to: fc.option(fc.nat(5)) });
    await fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 1, maxLength: 8 }), async (moves) => {
        const { userId } = await makeAccount();
        const ids: number[] = [];
        for (const name of ["a", "b", "c", "d", "e", "f"]) {
          const folder = { userId, name, parentFolderId: null };
          const { made } = await insertGCodeFolder(db, folder, null, 0);
          if (made !== null && typeof made !== "string") ids.push(made.id);
        }
        const idOf = (place: number | null) => (place === null ? null : (ids[place] ?? null));
        await Promise.all(
          moves.map(({ ids: places, to }) => {
            const moved = places.flatMap((place) => ids[place] ?? []);
            return moveGCodeFolders(db, userId, moved, idOf(to), 1);
          }),
        );
        const page = { number: 1, size: 100 } as const;
        const selection = { userId, parentFolderId: undefined, contains: null, sorting: "name_asc" } as const;
        const { folders } = await listGCodeFolders(db, selection, page);
        const parents = new Map(folders.map((folder) => [folder.id, folder.parentFolderId]));
        for (const id of ids) {
          let above: number | null | undefined = id;
          for (let steps = 0; steps <= ids.length && above !== null; steps += 1) above = parents.get(above ?? 0);
          expect(above).toBeNull();
        }
      }),
      { numRuns: 15 },
    );
  });

  test("[G21] are moved all or none", async () => {
    const account = await makeAccount();
    const [a, b] = [await makeFolder(account, "a"), await makeFolder(account, "b")];
    const [inA, inB] = [await makeFolder(account, "x", a), await makeFolder(account, "x", b)];
    const stranger = await makeFolder(await makeAccount(), "theirs");
    const move = (folder_ids: unknown, parent_folder?: unknown) =>
      post(account, { folder_ids, parent_folder }, "bulk_move/");
    expect(await move([inA, inB], null)).toMatchObject(TAKEN);
    expect(await move([inB, b], a)).toMatchObject(TAKEN);
    expect(await move([inA], 999_999_999)).toMatchObject(NO_PARENT);
    expect(await move([inA], stranger)).toMatchObject(NO_PARENT);
    expect((await get(account, `${inA}/`)).body.parent_folder).toBe(a);
    expect(await move([inA])).toMatchObject({
      status: 400,
      body: { detail: "parent_folder: This field is required." },
    });
    expect(await move([inA, stranger, 999_999_999], null)).toMatchObject({ status: 204, body: null });
    expect((await get(account, `${inA}/`)).body.parent_folder).toBeNull();
    expect(await move([inA, inA], null)).toMatchObject({ status: 204 });
  });

  test("[G22] go with all that lies in them, and nothing else", async () => {
    const [account, stranger] = [await makeAccount(), await makeAccount()];
    const { token } = account;
    const a = await makeFolder(account, "a");
    const b = await makeFolder(account, "b", a);
    const other = await makeFolder(account, "other");
    const theirs = await makeFolder(stranger, "theirs");
    const deep = await uploaded(account, { parent: String(b) });
    const kept = await uploaded(account, { parent: String(other) });
    expect(await call("DELETE", `${PATH}${a}/`, { token })).toMatchObject({ status: 200, body: null });
    expect(await call("DELETE", `${PATH}${a}/`, { token })).toMatchObject(NOT_FOUND);
    expect(await get(account, `${b}/`)).toMatchObject(NOT_FOUND);
    const file = await call("GET", `/api/v1/g_code_files/${deep.id}/`, { token });
    expect(file.body).toMatchObject({ deleted: expect.any(String), parent_folder: null, url: null });
    const files = await call("GET", "/api/v1/g_code_files/", { token });
    expect(files.body.results).toMatchObject([{ id: kept.id, parent_folder: { id: other } }]);
    const body = { folder_ids: [other, theirs, 999_999_999] };
    expect(await post(account, body, "bulk_delete/")).toMatchObject({ status: 204, body: null });
    expect([(await get(account)).body.count, (await get(stranger)).body.count]).toEqual([0, 1]);
  });

  test("[G16] of another account are not there", async () => {
    const [owner, stranger] = [await makeAccount(), await makeAccount()];
    const id = await makeFolder(owner, "a");
    for (const path of [id, "abc", "0"]) {
      expect(await get(stranger, `${path}/`)).toMatchObject(NOT_FOUND);
      for (const method of ["PATCH", "DELETE"]) {
        expect(await call(method, `${PATH}${path}/`, { token: stranger.token })).toMatchObject(NOT_FOUND);
      }
    }
    const own = await makeFolder(stranger, "a");
    expect(await post(stranger, { name: "b", parent_folder: id })).toMatchObject(NO_PARENT);
    expect(await patch(stranger, own, { parent_folder: id })).toMatchObject(NO_PARENT);
    expect((await get(stranger, `?parent_folder=${id}`)).body.count).toBe(0);
    expect((await get(owner, `${id}/`)).body).toMatchObject({ name: "a", g_code_folder_count: 0 });
  });

  test("[S3] [H5] need the scope, and their actions a POST", async () => {
    const { userId } = await makeAccount();
    const reader = await makeToken(userId, { canWrite: false });
    for (const path of ["", "bulk_move/", "bulk_delete/"]) {
      expect((await call("POST", `${PATH}${path}`, { token: reader })).status).toBe(403);
    }
    for (const method of ["PATCH", "DELETE"])
      expect((await call(method, `${PATH}1/`, { token: reader })).status).toBe(403);
    expect((await call("GET", PATH)).status).toBe(401);
    expect((await call("DELETE", `${PATH}bulk_delete/`)).status).toBe(405);
  });
});

test("[H56] every call of folders is one round trip, and reads no table from end to end", async () => {
  const { userId } = await makeAccount();
  const metered = meter(env.DB);
  const db = connect(metered.database);
  const page = { number: "last", size: 6 } as const;
  const calls = [
    ...[undefined, null, 1].map(
      (parentFolderId) => () =>
        listGCodeFolders(db, { userId, parentFolderId, contains: "x", sorting: "name_asc" }, page),
    ),
    () => findGCodeFolder(db, userId, 1),
    () => insertGCodeFolder(db, { userId, name: "a", parentFolderId: 1 }, null, 0),
    () => insertGCodeFolder(db, { userId, name: "a", parentFolderId: null }, null, 0),
    () => editGCodeFolder(db, { userId, id: 1 }, { name: "b", parentFolderId: 1 }, 0),
    () => moveGCodeFolders(db, userId, [1, 2], 3, 0),
    () => deleteGCodeFolders(db, userId, [1, 2], 0),
  ];
  for (const run of calls) {
    await run();
    expect(metered.take().roundTrips).toBe(1);
  }
  const scanned = await scannedTables(env.DB, metered.statements);
  // The ids and names that a statement is given, or has just found.
  expect(scanned.filter((step) => !/json_each|^SCAN (wanted|tree|above)$/.test(step))).toEqual([]);
});
