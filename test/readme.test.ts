/** The README says what is true of the program. */
import { describe, expect, test } from "vitest";
import manifest from "../package.json";
import readme from "../README.md?raw";
import { app } from "../src/app.ts";
import { isDeclared } from "../src/http/kit/route.ts";
import { VERSION } from "../src/http/service/docs.ts";

describe("README", () => {
  test("[R14] its two commands stand right after the three lines that say what Platen is", () => {
    const blocks = readme.split("\n\n");
    expect(blocks[0]).toBe("# Platen");
    expect(blocks[1]?.split("\n")).toHaveLength(3);
    expect(blocks[2]).toBe("    npm ci && npm start\n    npm ci && npm test");
  });

  test("[R15] its table names every route", () => {
    const missing = app.routes
      .filter(({ handler }) => isDeclared(handler))
      .map(({ method, path: route }) => `${method} ${route.replace(/:(\w+)/g, "{$1}")}`)
      .filter((route) => !readme.includes(`| \`${route.split(" ")[0]}\` | \`${shown(route)}\` |`));
    expect(missing).toEqual([]);
  });

  test("[R15] [R18] every script is one of the manifest's, every package has its reason, and the version is one", () => {
    const named = [...readme.matchAll(/`npm run (?:-s )?([\w:]+)/g)].map(([, name = ""]) => name);
    expect(named.filter((name) => !(name in manifest.scripts))).toEqual([]);
    const packages = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(packages.filter((name) => !name.startsWith("@types/") && !readme.includes(`\`${name}\``))).toEqual([]);
    expect(VERSION).toBe(manifest.version);
  });

  test("[R15] every file it names is there", () => {
    const named = [...readme.matchAll(/`((?:src|test|scripts|migrations)\/[\w./-]*)`/g)].map(([, name = ""]) => name);
    const files = Object.keys(import.meta.glob(["/src/**", "/test/**", "/scripts/**", "/migrations/**"]));
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !files.some((file) => file.startsWith(`/${name}`)))).toEqual([]);
  });
});

function shown(route: string): string {
  const [, where = ""] = route.split(" ");
  return where.startsWith("/api/") || where.startsWith("/ent/") ? `${where}/` : where;
}
