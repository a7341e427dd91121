/** What tests and scripts lean on, read from the sources themselves. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = path.join(import.meta.dirname, "..");

interface Source {
  readonly file: string;
  readonly text: string;
}

function sourcesOf(folder: string): Source[] {
  const files = readdirSync(path.join(ROOT, folder), { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => file.endsWith(".ts"))
    .map((file) => path.join(folder, file))
    .map((file) => ({ file, text: readFileSync(path.join(ROOT, file), "utf8") }));
}

/** Files of `test/` that it imports, from the root of the project. */
function testsImportedBy({ file, text }: Source): string[] {
  const found = text.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g);
  return [...found].map(([, from = ""]) => path.join(path.dirname(file), from)).filter((to) => to.startsWith("test/"));
}

/** A random source of its own is none that the seed of the run could repeat. */
function drawsByItself({ text }: Source): boolean {
  return /Math\.random|getRandom\w+|from ["]fast-check["]/.test(text);
}

/** Files and packages that are loaded before `file` itself runs: by imports of values, and by theirs. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  const text = readFileSync(path.join(ROOT, file), "utf8");
  for (const [, from = ""] of text.matchAll(/^(?:import|export)\s(?!type\s)(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm)) {
    const target = from.startsWith(".") ? path.join(path.dirname(file), from) : from;
    if (seen.has(target)) continue;
    seen.add(target);
    if (from.startsWith(".")) loadedBy(target, seen);
  }
  return seen;
}

describe("what stands where", () => {
  test("[R22] scripts ship without tests: none imports one", () => {
    const scripts = sourcesOf("scripts");
    expect(scripts.length).toBeGreaterThan(50);
    expect(scripts.filter((script) => testsImportedBy(script).length > 0).map(({ file }) => file)).toEqual([]);
  });

  test("[R23] whatever a test draws comes from the seed of the run", () => {
    const draws = sourcesOf("test").filter(drawsByItself);
    expect(draws.map(({ file }) => file).sort()).toEqual(["test/support/draw-seed.ts", "test/support/random.ts"]);
  });

  test("[R22] an import that breaks the rule is seen", () => {
    const file = "scripts/chaos/world.ts";
    for (const from of ["../../test/support/api.ts", "../../test/scripts/raw-agent.ts"]) {
      expect(testsImportedBy({ file, text: `import { x } from "${from}";` })).toHaveLength(1);
      expect(testsImportedBy({ file, text: `const x = await import("${from}");` })).toHaveLength(1);
    }
    expect(testsImportedBy({ file, text: 'import { Tally } from "./tally.ts";' })).toEqual([]);
  });

  test.each(["bench", "chaos", "link", "simulate", "start", "token"])(
    "[R25] %s reads its flags before anything heavy is loaded",
    (name) => {
      const loaded = [...loadedBy(`scripts/${name}.ts`)].filter((target) => !target.startsWith("node:"));
      expect(loaded).toContain("scripts/arguments.ts");
      expect(loaded.length).toBeLessThan(8);
      expect(loaded.filter((target) => !target.startsWith("scripts/"))).toEqual([]);
    },
  );
});
