/** An object's tables are made and changed by numbered migrations, each of which it runs once. */
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { clearTables, hasTables, migrateTables } from "../../src/printer/tables.ts";
import { makePrinter } from "../support/printer.ts";

const FIRST = ["CREATE TABLE printer (a TEXT)", "CREATE TABLE old (a TEXT)"];
const SECOND = ["INSERT INTO printer VALUES ('second')", "ALTER TABLE old RENAME TO new"];
const BROKEN = ["INSERT INTO printer VALUES ('broken')", "DROP TABLE nowhere"];

/** In an object that never held a printer. */
async function withSql(act: (sql: SqlStorage, storage: DurableObjectStorage) => void): Promise<void> {
  const { stub } = await makePrinter();
  await runInDurableObject(stub, (_instance, { storage }) => act(storage.sql, storage));
}

function rowsOf(sql: SqlStorage, query: string): unknown[] {
  return [...sql.exec(query).raw()].flat();
}

test("[O59] each migration runs once, in order, whichever were there when the object was made", () =>
  withSql((sql) => {
    expect(hasTables(sql)).toBe(false);
    migrateTables(sql, [FIRST]);
    migrateTables(sql, [FIRST]);
    migrateTables(sql, [FIRST, SECOND]);
    migrateTables(sql, [FIRST, SECOND]);
    expect(hasTables(sql)).toBe(true);
    expect(rowsOf(sql, "SELECT a FROM printer")).toEqual(["second"]);
    expect(rowsOf(sql, "SELECT applied FROM migration")).toEqual([2]);
    // A program that knows fewer of them leaves the tables alone.
    migrateTables(sql, [FIRST]);
    expect(rowsOf(sql, "SELECT applied FROM migration")).toEqual([2]);
  }));

test("[O59] where one fails, none of them has run", () =>
  withSql((sql, storage) => {
    migrateTables(sql, [FIRST]);
    expect(() => storage.transactionSync(() => migrateTables(sql, [FIRST, SECOND, BROKEN]))).toThrow();
    expect(rowsOf(sql, "SELECT a FROM printer")).toEqual([]);
    expect(rowsOf(sql, "SELECT applied FROM migration")).toEqual([1]);
    expect(rowsOf(sql, "SELECT count(*) FROM old")).toEqual([0]);
  }));

test("[O26] another printer's object keeps of the old one only that it was deleted", () =>
  withSql((sql) => {
    migrateTables(sql);
    // The platform's own tables begin with an underscore.
    const tables = rowsOf(sql, "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT GLOB '_*'");
    for (const table of tables) {
      const columns = rowsOf(sql, `SELECT count(*) FROM pragma_table_info('${table}')`);
      const values = Array.from({ length: Number(columns[0]) }, () => 1);
      sql.exec(`INSERT OR REPLACE INTO ${table} VALUES (${values.join(", ")})`);
    }
    clearTables(sql);
    const kept = tables.filter((table) => rowsOf(sql, `SELECT 1 FROM ${table}`).length > 0);
    expect(kept.sort()).toEqual(["migration", "tombstone"]);
  }));
