/**
 * What nobody imports, as `npm run check` sees it. Knip's Vite plugin is off: through it the README test's glob over all
 * files would count as an import of each.
 */
import { spawnSync } from "node:child_process";
import { appendFileSync, cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";

const ROOT = path.join(import.meta.dirname, "..");
const NEEDED = [
  "src",
  "scripts",
  "test",
  "package.json",
  "tsconfig.json",
  "wrangler.toml",
  "worker-configuration.d.ts",
];
const CONFIGS = ["vitest.config.ts", "drizzle.config.ts", "biome.json", ".gitignore"];

test("[R21] an export that is added without an importer is named, in src, scripts and test", () => {
  const copy = mkdtempSync(path.join(tmpdir(), "platen-unused-"));
  try {
    for (const name of [...NEEDED, ...CONFIGS])
      cpSync(path.join(ROOT, name), path.join(copy, name), { recursive: true });
    symlinkSync(path.join(ROOT, "node_modules"), path.join(copy, "node_modules"));
    const files = ["src/log.ts", "scripts/refusal.ts", "test/support/stock.ts"];
    for (const file of files) appendFileSync(path.join(copy, file), "\nexport const forNobody = 1;\n");
    const knip = path.join(ROOT, "node_modules", "knip", "bin", "knip.js");
    const { status, stdout } = spawnSync(process.execPath, [knip], { cwd: copy, encoding: "utf8" });
    const named = [...stdout.matchAll(/^forNobody\s+([\w/.]+):/gm)].map(([, file]) => file);
    expect({ status, named: named.sort() }).toEqual({ status: 1, named: files.sort() });
  } finally {
    rmSync(copy, { recursive: true });
  }
});
