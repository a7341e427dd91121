/** The Worker as it is deployed: how much every isolate of it has to load, and of what it is made. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { runWrangler, wranglerEnvironment } from "../scripts/wrangler.ts";

/** Gzipped, as Cloudflare counts it. */
const LIMIT_KIB = 145;
const PACKAGES = ["@hono/zod-validator", "drizzle-orm", "hono", "zod"];

interface Metafile {
  readonly outputs: Readonly<Record<string, { readonly inputs: Readonly<Record<string, { bytesInOutput: number }>> }>>;
}

const folder = mkdtempSync(path.join(tmpdir(), "platen-bundle-"));
let gzippedKib = 0;
/** Bytes of each file's code in the Worker. */
let inputs: readonly (readonly [file: string, bytes: number])[] = [];

beforeAll(async () => {
  const metafile = path.join(folder, "meta.json");
  const flags = ["deploy", "--dry-run", "--outdir", folder, "--metafile", metafile];
  const run = await runWrangler(flags, { ...wranglerEnvironment(folder), NODE_ENV: "production" });
  expect(run.ok, run.stderr).toBe(true);
  gzippedKib = gzipSync(readFileSync(path.join(folder, "index.js"))).byteLength / 1024;
  const { outputs }: Metafile = JSON.parse(readFileSync(metafile, "utf8"));
  inputs = Object.values(outputs).flatMap((output) =>
    Object.entries(output.inputs).map(([file, { bytesInOutput }]) => [file, bytesInOutput] as const),
  );
});

afterAll(() => rmSync(folder, { recursive: true }));

/** The package that a file belongs to, or the folder of ours. */
function partOf(file: string): string {
  const [, name] = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file) ?? [];
  return name ?? path.dirname(file).split("/").slice(0, 3).join("/");
}

/** Largest first: KiB of minified code, and whose it is. */
function shares(): string {
  const parts = Map.groupBy(inputs, ([file]) => partOf(file));
  const sums = [...parts].map(([part, files]) => ({ part, bytes: files.reduce((sum, [, bytes]) => sum + bytes, 0) }));
  const rows = sums.sort((a, b) => b.bytes - a.bytes);
  return rows.map(({ part, bytes }) => `${(bytes / 1024).toFixed(1).padStart(7)} KiB  ${part}`).join("\n");
}

test("[R24] the Worker is small, and a failure names the shares of what is in it", () => {
  expect(gzippedKib).toBeGreaterThan(0);
  expect(gzippedKib, `gzipped, of this minified code:\n${shares()}\n`).toBeLessThanOrEqual(LIMIT_KIB);
});

test("[R24] it holds four packages and the sources", () => {
  const parts = new Set(inputs.filter(([, bytes]) => bytes > 0).map(([file]) => partOf(file)));
  expect([...parts].filter((part) => part !== "src" && !part.startsWith("src/")).sort()).toEqual(PACKAGES);
});

test("[R24] of zod's languages it holds English", () => {
  const locales = inputs.filter(([file, bytes]) => bytes > 0 && file.includes("/zod/v4/locales/"));
  expect(locales.map(([file]) => path.basename(file))).toEqual(["en.js"]);
});
