/** One runtime with two Workers: Platen as it is deployed, and the baseline. Each has a socket, a D1 and objects of its own. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import path from "node:path";
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4WorkerOptions } from "miniflare";
import type { AgentKey } from "../../src/domain/agent-key.ts";
import { base64UrlOf } from "../../src/domain/encoding.ts";
import { Refusal } from "../refusal.ts";
import { buildWorker } from "../worker.ts";
import { PROJECT } from "../wrangler.ts";
import { childrenNamed } from "./process.ts";

type Database = Awaited<ReturnType<Miniflare["getD1Database"]>>;

export interface Side {
  /** Without a slash at its end. */
  readonly url: string;
  readonly database: Database;
}

export interface Runtime {
  readonly platen: Side;
  readonly baseline: Side;
  /** Signs agents' tokens. */
  readonly agentKey: AgentKey;
  readonly processId: number;
  /** Ends the runtime and deletes what it stored. */
  stop(): Promise<void>;
}

/** Where Linux keeps files in memory: no disk is measured. */
const MEMORY = "/dev/shm";

/** Nobody is throttled: one token makes all calls. */
const UNLIMITED = 1_000_000_000;
const AGENT_KEY: AgentKey = { id: "b1", secret: new Uint8Array(32).fill(7) };

export async function startRuntime(): Promise<Runtime> {
  const folder = mkdtempSync(path.join(MEMORY, "platen-bench-"));
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      cf: false,
      log: new Log(LogLevel.ERROR),
      resourcePersistencePath: folder,
      workers: [await platenOptions(), baselineOptions()],
    }),
  );
  await miniflare.ready;
  const [processId] = childrenNamed("workerd");
  if (processId === undefined) throw new Refusal("The runtime's process was not found under /proc.");
  const platen = await sideOf(miniflare, "platen");
  const baseline = await sideOf(miniflare, "baseline");
  await migrate(platen.database);
  for (const statement of BASELINE_TABLES) await baseline.database.prepare(statement).run();
  return {
    platen,
    baseline,
    agentKey: AGENT_KEY,
    processId,
    async stop() {
      await miniflare.dispose();
      rmSync(folder, { recursive: true });
    },
  };
}

async function sideOf(miniflare: Miniflare, name: string): Promise<Side> {
  const url = await miniflare.unsafeGetDirectURL(name);
  return { url: url.origin, database: await miniflare.getD1Database("DB", name) };
}

/** The baseline's: what a token's account has, and of a printer what a list shows. */
const BASELINE_TABLES = [
  "CREATE TABLE tokens (hash TEXT PRIMARY KEY, user_id INTEGER NOT NULL)",
  "CREATE TABLE printers (id INTEGER PRIMARY KEY, user_id INTEGER, name TEXT, settings TEXT, status TEXT, print TEXT)",
  "CREATE INDEX printers_user ON printers (user_id)",
];

const DIRECT = [{ host: "127.0.0.1", port: 0 }];

async function platenOptions(): Promise<V4WorkerOptions> {
  const { options } = await buildWorker();
  const { ratelimits = {}, bindings } = options;
  const unlimited = Object.entries(ratelimits).map(([name, limit]) => [
    name,
    { ...limit, simple: { ...limit.simple, limit: UNLIMITED } },
  ]);
  return {
    ...options,
    name: "platen",
    bindings: { ...bindings, AGENT_KEYS: `${AGENT_KEY.id}:${base64UrlOf(AGENT_KEY.secret)}` },
    ratelimits: Object.fromEntries(unlimited),
    unsafeDirectSockets: DIRECT,
  };
}

function baselineOptions(): V4WorkerOptions {
  const source = readFileSync(path.join(import.meta.dirname, "baseline.ts"), "utf8");
  return {
    name: "baseline",
    compatibilityDate: "2026-10-06",
    modules: [{ type: "ESModule", path: "baseline.js", contents: stripTypeScriptTypes(source) }],
    d1Databases: { DB: { id: "baseline" } },
    durableObjects: { OBJECTS: { className: "BaselineObject", useSQLite: true } },
    unsafeDirectSockets: DIRECT,
  };
}

async function migrate(database: Database): Promise<void> {
  const folder = path.join(PROJECT, "migrations");
  const files = readdirSync(folder).filter((name) => name.endsWith(".sql"));
  for (const name of files.sort()) {
    const statements = readFileSync(path.join(folder, name), "utf8").split("--> statement-breakpoint");
    await database.batch(statements.map((statement) => database.prepare(statement)));
  }
}
