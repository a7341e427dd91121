/** The README says what is true of the program. */
import { describe, expect, test } from "vitest";
import manifest from "../package.json";
import readme from "../README.md?raw";
import { VERSION } from "../src/http/service/docs.ts";

describe("README", () => {
  test("[R14] its two commands stand right after the three lines that say what Platen is", () => {
    const blocks = readme.split("\n\n");
    expect(blocks[0]).toBe("# Platen");
    expect(blocks[1]?.split("\n")).toHaveLength(3);
    expect(blocks[2]).toBe("    npm ci && npm start\n    npm ci && npm test");
  });

  test("[R15] [R18] every script is one of the manifest's, every package has its reason, and the version is one", () => {
    const named = [...readme.matchAll(/`npm run (?:-s )?([\w:]+)/g)].map(([, name = ""]) => name);
    expect(named.filter((name) => !(name in manifest.scripts))).toEqual([]);
    const packages = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(packages.filter((name) => !name.startsWith("@types/") && !readme.includes(`\`${name}\``))).toEqual([]);
    expect(VERSION).toBe(manifest.version);
  });

  test("[R15] every file it names is there", () => {
    const whole = [...readme.matchAll(/`((?:src|test|scripts|migrations)\/[\w./-]*)`/g)].map(([, name = ""]) => name);
    const ofSrc = [...readme.matchAll(/`((?:domain|protocol|credentials|db|printer|http|jobs)\/[\w/-]+\.ts)`/g)];
    const named = [...whole, ...ofSrc.map(([, name = ""]) => `src/${name}`)];
    const files = Object.keys(import.meta.glob(["/src/**", "/test/**", "/scripts/**", "/migrations/**"]));
    expect(named.length).toBeGreaterThan(10);
    expect(named.filter((name) => !files.some((file) => file.startsWith(`/${name}`)))).toEqual([]);
  });
});
