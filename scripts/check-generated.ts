/** Part of `npm run check`: the generated files are what their generators make of this tree. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Refusal, runScript } from "./refusal.ts";
import { PROJECT, runWrangler, wranglerEnvironment } from "./wrangler.ts";

const TYPES = "worker-configuration.d.ts";
const SOURCES = ["src", "migrations", "wrangler.toml", "drizzle.config.ts", "tsconfig.json", "package.json"];

/** A copy without `.dev.vars`: local secrets must not show in what is committed. */
async function checkIn(copy: string): Promise<void> {
  for (const source of SOURCES) cpSync(path.join(PROJECT, source), path.join(copy, source), { recursive: true });
  symlinkSync(path.join(PROJECT, "node_modules"), path.join(copy, "node_modules"));
  const types = await runWrangler(["types", TYPES], wranglerEnvironment(copy), copy);
  if (!types.ok) throw new Refusal(`wrangler types failed: ${types.stderr.trim()}`);
  if (!isSame(path.join(PROJECT, TYPES), path.join(copy, TYPES))) {
    throw new Refusal(`${TYPES} is out of date: run npm run generate.`);
  }
  checkMigrations(copy);
}

function checkMigrations(copy: string): void {
  const run = (command: string) =>
    spawnSync(process.execPath, [path.join("node_modules", "drizzle-kit", "bin.cjs"), command], {
      cwd: copy,
      encoding: "utf8",
    });
  const consistency = run("check");
  if (consistency.status !== 0) throw new Refusal(`drizzle-kit check failed: ${consistency.stderr.trim()}`);
  // Its exit code is 0 even if it would have to ask what was renamed.
  if (run("generate").stdout.includes("No schema changes")) return;
  throw new Refusal("migrations/ lacks what src/db/schema/ says: run npm run db:generate -- --name what_changed.");
}

function isSame(one: string, other: string): boolean {
  return readFileSync(one).equals(readFileSync(other));
}

await runScript(async () => {
  const copy = mkdtempSync(path.join(tmpdir(), "platen-check-"));
  try {
    await checkIn(copy);
  } finally {
    rmSync(copy, { recursive: true });
  }
});
