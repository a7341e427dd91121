/** Searching files and folders by the names that people gave them. */
import { env } from "cloudflare:workers";
import { eq } from "drizzle-orm";
import { describe, expect, test } from "vitest";
import { connect } from "../../../src/db/client.ts";
import { listGCodeFolders } from "../../../src/db/g-code-folders.ts";
import { type FileSelection, listGCodeFiles } from "../../../src/db/g-code-list.ts";
import { gCodeFiles, gCodeFolders } from "../../../src/db/schema/g-code.ts";
import { searchName } from "../../../src/domain/g-code.ts";
import { runRetention } from "../../../src/jobs/retention.ts";
import { type Account, agentCall, call, makeAccount, makePrinterOf } from "../../support/api.ts";
import { meter, scannedTables } from "../../support/metered.ts";
import { makeFolder, upload, uploaded } from "../../support/upload.ts";

const db = connect(env.DB);

async function found({ token }: Account, q: string, noun = "files", more = ""): Promise<string[]> {
  const { status, body } = await call("GET", `/api/v1/g_code_${noun}/?q=${encodeURIComponent(q)}${more}`, { token });
  expect(status).toBe(200);
  expect(body.count).toBe(body.results.length);
  return body.results.map(({ filename, name }: Record<string, string>) => filename ?? name).sort();
}

const NAMES = [
  "two color.gcode",
  "two_color.gcode",
  "ÄRGER.gcode",
  "Straße 100%.gcode",
  "双色 钩子.gcode",
  "Крюк.gcode",
];

const ASKED: [q: string, names: string[]][] = [
  ["two color", ["two color.gcode"]],
  ["two_color", ["two_color.gcode"]],
  ["TWO", ["two color.gcode", "two_color.gcode"]],
  ["_", ["two_color.gcode"]],
  ["%", ["Straße 100%.gcode"]],
  ["*", []],
  ["ärger", ["ÄRGER.gcode"]],
  ["a\u0308rger", ["ÄRGER.gcode"]],
  ["arger", []],
  ["STRASSE", ["Straße 100%.gcode"]],
  ["色", ["双色 钩子.gcode"]],
  ["钩子.g", ["双色 钩子.gcode"]],
  ["КРЮ", ["Крюк.gcode"]],
  ["GCODE", [...NAMES].sort()],
  ["'; drop table users; --", []],
];

describe("a search", () => {
  test("[G35] finds a file by part of its name, in any script and case, composed or not", async () => {
    const account = await makeAccount();
    for (const filename of NAMES) await upload(account, { filename, content: null });
    const seen = [];
    for (const [q] of ASKED) seen.push([q, await found(account, q)]);
    expect(seen).toEqual(ASKED);
  });

  test("[G35] finds a folder so, too, and a decomposed name by a composed part", async () => {
    const account = await makeAccount();
    for (const name of NAMES.slice(1)) await makeFolder(account, name.normalize("NFD"));
    expect(await found(account, "ärger", "folders")).toEqual(["ÄRGER.gcode".normalize("NFD")]);
    expect(await found(account, "钩", "folders")).toEqual(["双色 钩子.gcode"]);
    expect(await found(account, "o_c", "folders")).toEqual(["two_color.gcode"]);
  });

  test("[G35] goes by the newest name, within folder, printer and page", async () => {
    const account = await makeAccount();
    const { token } = account;
    const folder = await makeFolder(account, "Öfen");
    const { id } = await uploaded(account, { filename: "alt.gcode", parent: String(folder) });
    for (let n = 0; n < 3; n += 1) await upload(account, { filename: `ÖL ${n}.gcode`, content: null });
    await call("PATCH", `/api/v1/g_code_files/${id}/`, { token, body: { filename: "Öl neu.gcode" } });
    await call("PATCH", `/api/v1/g_code_folders/${folder}/`, { token, body: { name: "ÖLE" } });
    expect(await found(account, "alt")).toEqual([]);
    expect(await found(account, "öl", "files", `&parent_folder=${folder}`)).toEqual(["Öl neu.gcode"]);
    expect(await found(account, "öl", "folders")).toEqual(["ÖLE"]);
    const { body } = await call("GET", "/api/v1/g_code_files/?q=%C3%B6l&page=last&page_size=3", { token });
    expect(body).toMatchObject({ count: 4, next: null, results: [{ filename: "Öl neu.gcode" }] });
    const printer = await makePrinterOf(account);
    await agentCall("POST", "/api/v1/octo/g_code_files/", printer.auth_token, { body: { filename: "Öl usb.gcode" } });
    expect(await found(account, "ÖL U", "files", `&resident_printer=${printer.id}`)).toEqual(["Öl usb.gcode"]);
  });

  test("[G37] no safe name of old is a path once the migration ran", async () => {
    const account = await makeAccount();
    const { id } = await uploaded(account);
    const updates = env.TEST_MIGRATIONS.flatMap(({ name, queries }) =>
      name.endsWith("_search_names.sql") ? queries : [],
    );
    for (const safeFilename of ["../config/printer.cfg", "..\\a", "..", ".a"]) {
      await db.update(gCodeFiles).set({ safeFilename }).where(eq(gCodeFiles.id, id));
      for (const query of updates.filter((one) => /UPDATE/.test(one))) await env.DB.prepare(query).run();
      const { body } = await call("GET", `/api/v1/g_code_files/${id}/`, { token: account.token });
      expect(body.safe_filename).toBe(safeFilename.replaceAll(/[/\\]/g, "_").replace(/^\./, "_"));
    }
  });

  test("[G37] finds rows of old by ASCII's cases, and by any once the hourly job has read their names", async () => {
    const account = await makeAccount();
    const { id } = await uploaded(account, { filename: "ölkanne Two.gcode" });
    const folder = await makeFolder(account, "Ölkanne");
    await db
      .update(gCodeFiles)
      .set({ searchName: null, safeFilename: "ö".repeat(250) })
      .where(eq(gCodeFiles.id, id));
    await db.update(gCodeFolders).set({ searchName: null }).where(eq(gCodeFolders.id, folder));
    expect([await found(account, "tWO"), await found(account, "ÖLK")]).toEqual([["ölkanne Two.gcode"], []]);
    await runRetention(env, Date.now());
    expect([await found(account, "ÖLK"), await found(account, "ölk", "folders")]).toEqual([
      ["ölkanne Two.gcode"],
      ["Ölkanne"],
    ]);
    const { body } = await call("GET", `/api/v1/g_code_files/${id}/`, { token: account.token });
    expect(body.safe_filename).toBe("ölkanne_Two.gcode");
  });
});

describe("what a search costs", () => {
  const COUNT = 12_000;
  const BOUND = 10_000;

  /** Files or folders by the thousand, the first ones the oldest. */
  async function insertMany(userId: number, table: "g_code_files" | "g_code_folders", name: string, safe: string) {
    await env.DB.prepare(
      `insert into ${table} (user_id, ${name}, ${safe}, search_name, created_at, updated_at)
       with recursive counted(n) as (select 1 union all select n + 1 from counted where n < ?1)
       select ?2, 'Nr ' || n || '.', 'Nr_' || n, ?3 || n || '.', n, n from counted`,
    )
      .bind(COUNT, userId, searchName("Nr "))
      .run();
  }

  const filesOf = (userId: number): FileSelection => ({
    ...{ userId, residentPrinterId: null, parentFolderId: undefined, contains: "nr" },
    ...{ safeFilename: null, agentSignature: null, sorting: "filename_asc" },
  });

  test("[G36] is bounded: the newest 10,000 files are looked at, in one query", async () => {
    const { userId } = await makeAccount();
    await insertMany(userId, "g_code_files", "filename", "safe_filename");
    const metered = meter(env.DB);
    const search = async (contains: string) => {
      const page = { number: "last", size: 6 } as const;
      return (await listGCodeFiles(connect(metered.database), { ...filesOf(userId), contains }, page, 0)).count;
    };
    expect(await search("nr 12000.")).toBe(1);
    expect(metered.take().roundTrips).toBe(1);
    expect(await metered.rowsRead()).toBeLessThan(2.1 * BOUND);
    expect(await search(`nr ${COUNT - BOUND + 1}.`)).toBe(1);
    expect(await search(`nr ${COUNT - BOUND}.`)).toBe(0);
    expect(await scannedTables(env.DB, metered.statements)).toEqual([]);
  });

  const SEARCHES = {
    g_code_files: (database: D1Database, userId: number) =>
      listGCodeFiles(connect(database), filesOf(userId), { number: "last", size: 6 }, 0),
    g_code_folders: (database: D1Database, userId: number) => {
      const selection = { userId, parentFolderId: undefined, contains: "nr", sorting: "name_asc" } as const;
      return listGCodeFolders(connect(database), selection, { number: "last", size: 6 });
    },
  };

  test.each([
    ["g_code_files", "filename", "safe_filename"],
    ["g_code_folders", "name", "safe_name"],
  ] as const)("[G36] is bounded also where all of %s are found", async (table, name, safe) => {
    const { userId } = await makeAccount();
    await insertMany(userId, table, name, safe);
    const metered = meter(env.DB);
    expect((await SEARCHES[table](metered.database, userId)).count).toBe(BOUND);
    // Most of it are the rows of what was found, counted and sorted for each part of the query.
    expect(await metered.rowsRead()).toBeLessThan(10 * BOUND);
    expect(await scannedTables(env.DB, metered.statements)).toEqual([]);
  });
});
