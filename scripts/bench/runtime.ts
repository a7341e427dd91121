/** One runtime with two Workers: Platen as it is deployed, and the baseline. Each has a socket, a D1 and objects of its own. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Miniflare, V4WorkerOptions } from "miniflare";
import type { AgentKey } from "../../src/domain/agent-key.ts";
import { base64UrlOf } from "../../src/domain/encoding.ts";
import { migrate } from "../local-database.ts";
import { followRuntimes, LOOPBACK, miniflareOptions, openMiniflare } from "../miniflare.ts";
import { isRunning } from "../running.ts";
import type { BuiltWorker } from "../worker.ts";

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
const FOLDER = "platen-bench-";
const STOP_MS = 3000;

const AGENT_KEY: AgentKey = { id: "b1", secret: new Uint8Array(32).fill(7) };

let processId = 0;
followRuntimes(({ pid = 0 }) => {
  processId = pid;
});

export async function startRuntime(worker: BuiltWorker): Promise<Runtime> {
  const folder = path.join(MEMORY, FOLDER + process.pid);
  mkdirSync(folder);
  // Miniflare's own files, too, lie where they are found again.
  process.env.TMPDIR = folder;
  const workers = [platenOptions(worker), baselineOptions(worker)];
  const miniflare = openMiniflare(miniflareOptions(folder, workers, console.error));
  const stop = async () => {
    await Promise.race([miniflare.dispose().catch(() => {}), pause(STOP_MS)]);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  await miniflare.ready;
  const platen = await sideOf(miniflare, "platen");
  const baseline = await sideOf(miniflare, "baseline");
  await migrate(platen.database, worker.migrations);
  for (const statement of BASELINE_TABLES) await baseline.database.prepare(statement).run();
  return { platen, baseline, agentKey: AGENT_KEY, processId, stop };
}

/** Deletes what was left in memory by runs that were killed. */
export function removeLeftovers(): void {
  for (const name of readdirSync(MEMORY)) {
    if (!name.startsWith(FOLDER) || isRunning(Number(name.slice(FOLDER.length)))) continue;
    rmSync(path.join(MEMORY, name), { recursive: true, force: true });
  }
}

async function sideOf(miniflare: Miniflare, name: string): Promise<Side> {
  const url = await miniflare.unsafeGetDirectURL(name);
  return { url: url.origin, database: await miniflare.getD1Database("DB", name) };
}

/** The baseline's: what a token's account has, and what a list shows. */
const BASELINE_TABLES = [
  "CREATE TABLE tokens (hash TEXT PRIMARY KEY, user_id INTEGER NOT NULL)",
  `CREATE TABLE printers (id INTEGER PRIMARY KEY, user_id INTEGER, name TEXT, connected_at INTEGER, disconnected_at INTEGER,
    printer_lost_at INTEGER, current_print_id INTEGER, settings TEXT)`,
  "CREATE INDEX printers_user ON printers (user_id)",
  "CREATE TABLE statuses (printer_id INTEGER PRIMARY KEY, at INTEGER, last_seen_at INTEGER, status TEXT)",
  `CREATE TABLE prints (print_id INTEGER PRIMARY KEY, ext_id INTEGER, filename TEXT, g_code_file_id INTEGER,
    started_at INTEGER, ended_at INTEGER, finished_at INTEGER, cancelled_at INTEGER, outcome TEXT, alerted_at INTEGER,
    alert_acknowledged_at INTEGER, alert_muted_at INTEGER, paused_at INTEGER, alert_overwrite TEXT, filament_used REAL,
    print_time REAL)`,
];

const DIRECT = [{ host: LOOPBACK, port: 0 }];

/** Nobody is throttled, and nothing counts: the simulator's counters are objects with a row a call, Cloudflare's are not. */
const entryOf = (counters: readonly string[]) => `
import worker from "./platen.js";
export * from "./platen.js";
const counter = { limit: async () => ({ success: true }) };
let bindings;
export default {
  fetch(request, env, ctx) {
    bindings ??= { ...env, ${counters.map((name) => `${name}: counter`).join()} };
    return worker.fetch(request, bindings, ctx);
  },
};
`;

function platenOptions({ options, script }: BuiltWorker): V4WorkerOptions {
  const { ratelimits = {}, bindings, ...declared } = options;
  return {
    ...declared,
    name: "platen",
    modules: [
      { type: "ESModule", path: "entry.js", contents: entryOf(Object.keys(ratelimits)) },
      { type: "ESModule", path: "platen.js", contents: script },
    ],
    bindings: { ...bindings, AGENT_KEYS: `${AGENT_KEY.id}:${base64UrlOf(AGENT_KEY.secret)}` },
    unsafeDirectSockets: DIRECT,
  };
}

function baselineOptions({ options: { compatibilityDate = "" } }: BuiltWorker): V4WorkerOptions {
  const source = readFileSync(fileURLToPath(import.meta.resolve("./baseline.ts")), "utf8");
  return {
    name: "baseline",
    compatibilityDate,
    modules: [{ type: "ESModule", path: "baseline.js", contents: stripTypeScriptTypes(source) }],
    d1Databases: { DB: { id: "baseline" } },
    durableObjects: {
      OBJECTS: { className: "BaselineObject", useSQLite: true },
      WRITERS: { className: "WritingObject", useSQLite: true },
    },
    unsafeDirectSockets: DIRECT,
  };
}
