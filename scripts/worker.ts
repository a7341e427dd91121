/** The Worker as it is deployed, built once and kept until something it is made of changes. Nothing heavy is loaded here. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { stripVTControlCharacters } from "node:util";
import { Refusal } from "./refusal.ts";
import type { Declared } from "./worker-declared.ts";
import { PROJECT, runWrangler, type WranglerRun, wranglerEnvironment } from "./wrangler.ts";

export interface BuiltWorker extends Declared {
  /** Changes with everything that the Worker is made of. */
  readonly hash: string;
  /** The bundle, one ES module. */
  readonly script: string;
}

const BUILD = path.join(PROJECT, ".wrangler", "build");
const KEPT = path.join(BUILD, "worker.json");

/** What goes into a build, its recipe too; the lock of `node_modules` says which packages are really there. */
const SOURCES = [
  ...["src/**/*", "migrations/*.sql", "wrangler.toml", "tsconfig.json", "package.json"],
  ...["node_modules/.package-lock.json", "scripts/worker.ts", "scripts/worker-declared.ts", "scripts/wrangler.ts"],
];

/** The Worker of this tree: the kept one while nothing has changed, else a new one, told to `onBuild`. A refusal when it cannot be built. */
export async function buildWorker(onBuild = () => {}): Promise<BuiltWorker> {
  const hash = hashSources();
  const kept = readKept();
  if (kept?.hash === hash) return kept;
  onBuild();
  mkdirSync(BUILD, { recursive: true });
  const folder = mkdtempSync(path.join(BUILD, "new-"));
  try {
    const [declared, script] = await Promise.all([readDeclared(folder), bundle(folder)]);
    const worker: BuiltWorker = { hash, ...declared, script };
    const file = path.join(folder, "worker.json");
    writeFileSync(file, JSON.stringify(worker));
    renameSync(file, KEPT);
    return worker;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readKept(): BuiltWorker | null {
  try {
    return JSON.parse(readFileSync(KEPT, "utf8")) as BuiltWorker; // safe: written above
  } catch {
    return null;
  }
}

function hashSources(): string {
  const hash = createHash("sha256");
  const files = globSync(SOURCES, { cwd: PROJECT, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const file of files.map((entry) => path.join(entry.parentPath, entry.name)).sort()) {
    const contents = readFileSync(file);
    hash.update(`${path.relative(PROJECT, file)}\n${contents.byteLength}\n`).update(contents);
  }
  return hash.digest("hex");
}

/** By `wrangler deploy` itself: what runs here is what runs at Cloudflare. */
async function bundle(folder: string): Promise<string> {
  const output = path.join(folder, "bundle");
  const run = await runWrangler(["deploy", "--dry-run", "--outdir", output], environment(folder));
  if (!run.ok) throw new Refusal(`The Worker could not be built:\n${errorsOf(run)}`);
  return readFileSync(path.join(output, "index.js"), "utf8");
}

/** In a process of its own: wrangler is large, and is needed for this moment only. */
async function readDeclared(folder: string): Promise<Declared> {
  const file = path.join(folder, "declared.json");
  const child = spawn(process.execPath, [path.join(import.meta.dirname, "worker-declared.ts"), file], {
    cwd: PROJECT,
    env: { ...environment(folder), WRANGLER_LOG: "none" },
    stdio: "ignore",
  });
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.once("error", reject);
  child.once("close", resolve);
  if ((await promise) !== 0) throw new Refusal("wrangler.toml could not be read: npx wrangler types says why.");
  return JSON.parse(readFileSync(file, "utf8")) as Declared; // safe: written by worker-declared.ts
}

/** A build is the same whoever asks for it. */
function environment(folder: string): NodeJS.ProcessEnv {
  return { ...wranglerEnvironment(folder), NODE_ENV: "production" };
}

const ERRORS = 3;

/** The first few errors, a line each with its place. */
function errorsOf({ stdout, stderr }: WranglerRun): string {
  const text = stripVTControlCharacters(stderr.trim() || stdout.trim());
  const parts = text.split(/^.*\[ERROR\] */m).filter((part) => part !== "" && !part.startsWith("Build failed"));
  const lines = parts.map((part) => {
    const [sentence = ""] = part.split("\n");
    const [, place] = /^\s+(\S+:\d+:\d+):$/m.exec(part) ?? [];
    return place === undefined ? `  ${sentence}` : `  ${sentence} (${place})`;
  });
  return lines.slice(0, ERRORS).join("\n");
}
