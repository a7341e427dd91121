/** Migrations that lose nothing on D1, which ignores `PRAGMA foreign_keys=OFF` and would fire cascades. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const FOLDER = path.join(import.meta.dirname, "../migrations");
const files = readdirSync(FOLDER).filter((file) => file.endsWith(".sql"));
const text = (file: string) => readFileSync(path.join(FOLDER, file), "utf8");

describe("migrations", () => {
  test.each(files)("[O48] %s rebuilds no table, drops none, and cascades nowhere", (file) => {
    expect(text(file)).not.toMatch(/DROP TABLE|__new_|PRAGMA foreign_keys|ON DELETE (?:cascade|set)/i);
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
