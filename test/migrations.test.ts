/** Migrations that lose nothing on D1, which ignores `PRAGMA foreign_keys=OFF` and would fire cascades. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const FOLDER = path.join(import.meta.dirname, "../migrations");
const files = readdirSync(FOLDER).filter((file) => file.endsWith(".sql"));
const text = (file: string) => readFileSync(path.join(FOLDER, file), "utf8");

/** SHA-256 of each file. One that has landed ran somewhere and does not run again: a change of it is a new file. */
const LANDED = {
  "0000_initial.sql": "994da24df7f130163030dba283635ad5c75ece00e9a5df08674451175fb9d1fb",
  "0001_status_flag.sql": "1107af75b2b8e38b8186030b79816d81980fb24f2d9d7967868416e4c4129684",
  "0002_live_writes.sql": "22123ed0e6a0b346d6be16bc2f7022b24291781050c6325a7f8ff881b1d7632a",
  "0003_idempotency_keys.sql": "4a5642f1ea81866aa505caffa3d6ae42f0e48d5c4d309cebabf020984d13b4ae",
  "0004_revocations_and_repeats.sql": "646e6ec730a73181ea5a5e410edb10ae51bd82129111d5e3f30cf962a6462bed",
  "0005_search_names.sql": "3d28d057b0eb0c9eb486655ec5a2b0798ed13b092fdc513ac150202eaf07a67c",
  "0006_agent_words.sql": "c131e57ba1d3056fe3bac9e15facc644d2e39b03ec758cb228adb0780893b546",
};

const parents = new Set(files.flatMap((file) => tablesOf(text(file), /REFERENCES `(\w+)`/gi)));

function tablesOf(sql: string, pattern: RegExp): string[] {
  return [...sql.matchAll(pattern)].map(([, table = ""]) => table);
}

/** A rebuilt table is a new one that takes a dropped one's name. */
function droppedParents(sql: string): string[] {
  return tablesOf(sql, /DROP TABLE (?:IF EXISTS )?`(\w+)`/gi).filter((table) => parents.has(table));
}

describe("migrations", () => {
  test("[O61] are never edited once they have landed; a new one is written down here", () => {
    const hashes = files.map((file) => [file, createHash("sha256").update(text(file)).digest("hex")]);
    expect(Object.fromEntries(hashes)).toEqual(LANDED);
  });

  test.each(files)("[O48] %s drops and rebuilds no table that another one refers to, and cascades nowhere", (file) => {
    expect(droppedParents(text(file))).toEqual([]);
    expect(text(file)).not.toMatch(/ON DELETE (?:cascade|set)/i);
  });

  test("[O48] a table that another one refers to is seen where it is rebuilt", () => {
    expect(droppedParents("DROP TABLE `printers`;")).toEqual(["printers"]);
    expect(droppedParents("DROP TABLE `commands`;\nALTER TABLE `__new_commands` RENAME TO `commands`;")).toEqual([]);
  });

  test.each(files)("[O48] every column that %s adds for rows that exist has a value for them", (file) => {
    const added = [...text(file).matchAll(/^ALTER TABLE \S+ ADD (.*);/gm)].map(([, column = ""]) => column);
    expect(added.filter((column) => /NOT NULL/i.test(column) && !/DEFAULT/i.test(column))).toEqual([]);
  });

  test("[O49] ids that clients keep are never given twice", () => {
    const initial = text(files[0] ?? "");
    for (const table of ["users", "api_tokens", "printers", "g_code_files", "one_time_verification_codes"]) {
      expect(initial).toMatch(new RegExp(`CREATE TABLE \`${table}\` \\(\\s+\`id\` integer PRIMARY KEY AUTOINCREMENT`));
    }
  });

  test("[O50] every enum column is checked, every projected row has its revision", () => {
    const initial = text(files[0] ?? "");
    const checked = [...initial.matchAll(/CONSTRAINT "(\w+)" CHECK/g)].map(([, name]) => name);
    expect(checked.sort()).toEqual([
      ...["commands_initiator", "commands_kind", "commands_state", "printer_events_class", "printer_events_type"],
      ...["printers_action_on_failure", "prints_alert_overwrite", "prints_outcome"],
    ]);
    for (const table of ["printers", "prints", "commands"]) {
      expect(initial).toMatch(new RegExp(`CREATE TABLE \`${table}\` \\([^;]*\`revision\` integer`));
    }
  });
});
