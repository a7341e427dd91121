/** The accounts, printers and agents of a run, the same number on both sides. */
import { randomUUID } from "node:crypto";
import { drawUid, makeAgentToken } from "../../src/credentials/agent-token.ts";
import { drawApiToken } from "../../src/credentials/api-token.ts";
import { digest } from "../../src/credentials/digest.ts";
import { BenchAgent } from "./agent.ts";
import { Caller, forEach } from "./caller.ts";
import type { Runtime, Side } from "./runtime.ts";

/** A printer of one side with its agent. */
export interface Member {
  readonly id: number;
  readonly agent: BenchAgent;
}

/** The account of one side with its printers. */
export interface Team {
  readonly caller: Caller;
  readonly members: readonly Member[];
}

/** Where a team's agents dial. */
export type Door = "platen" | "counting" | "writing";

/** The same account on both sides. */
interface Account {
  readonly userId: number;
  readonly platen: Caller;
  readonly baseline: Caller;
}

let accounts = 0;

async function openAccount(runtime: Runtime): Promise<Account> {
  accounts += 1;
  const userId = accounts;
  const token = drawApiToken();
  const hash = await digest(token);
  const now = Date.now();
  const { platen, baseline } = runtime;
  const user = { id: userId, email: `bench${userId}@example.com`, unsub_token: randomUUID(), created_at: now };
  const apiToken = { user_id: userId, name: "bench", hash, can_read: 1, can_write: 1, created_at: now };
  await insertAll(platen.database, "users", [user]);
  await insertAll(platen.database, "api_tokens", [apiToken]);
  await insertAll(baseline.database, "tokens", [{ hash, user_id: userId }]);
  return { userId, platen: new Caller(platen.url, token), baseline: new Caller(baseline.url, token) };
}

/** Printers of a new account whose agents are connected and have said what they are and how they do. */
export async function startTeam(runtime: Runtime, door: Door, size: number, isPrinting: boolean): Promise<Team> {
  const account = await openAccount(runtime);
  const side = door === "platen" ? "platen" : "baseline";
  const { url, database } = runtime[side];
  const printers = Array.from({ length: size }, (_, index) => ({
    id: account.userId * IDS + index,
    uid: drawUid(),
    generation: 1,
  }));
  const rows = printers.map(({ id, uid }) => {
    const row = { id, name: `Printer ${id}`, user_id: account.userId };
    return door === "platen" ? { ...DEFAULTS, ...row, uid } : row;
  });
  await insertAll(database, "printers", rows);
  const members: Member[] = [];
  await forEach(size, async (index) => {
    const printer = printers[index];
    if (printer === undefined) return;
    const { id } = printer;
    const token = await makeAgentToken(printer, runtime.agentKey);
    const agent = new BenchAgent(index, isPrinting);
    await agent.connect(url + (door === "platen" ? "/ws/dev/" : `/${door}/${id}`), token);
    agent.sendSettings();
    agent.send("status");
    members[index] = { id, agent };
  });
  return { caller: account[side], members };
}

/** What a printer is made with; the rest has defaults in the schema. */
const DEFAULTS = {
  created_at: 0,
  action_on_failure: "PAUSE",
  watching_enabled: 1,
  tools_off_on_pause: 1,
  bed_off_on_pause: 0,
  retract_on_pause: 6.5,
  lift_z_on_pause: 2.5,
  detective_sensitivity: 1,
  min_timelapse_secs_on_finish: 600,
  min_timelapse_secs_on_cancel: 300,
} as const;

/** Ids of an account's printers begin at its own times this. */
const IDS = 10_000;

/** Callers of an account whose list holds so many copies of a printer that prints, on both sides with the same values. */
export async function copyPrinter(runtime: Runtime, from: number, count: number): Promise<Account> {
  const account = await openAccount(runtime);
  const { platen, baseline } = runtime;
  const read = async (table: string, key: string, value: unknown) => {
    const query = platen.database.prepare(`SELECT * FROM ${table} WHERE ${key} = ?`).bind(value);
    const row = await query.first<Record<string, unknown>>();
    if (row === null) throw new Error(`the printer to copy has no row in ${table}`);
    return row;
  };
  const printer = await read("printers", "id", from);
  const live = await read("printer_live", "printer_id", from);
  const print = await read("prints", "id", printer.current_print_id);
  const { connected_at, disconnected_at, printer_lost_at, settings } = printer;
  const { at, last_seen_at, status } = live;
  const { id: _id, printer_id: _printer, user_id: _user, revision: _revision, deleted_at: _deleted, ...shown } = print;
  const copies = Array.from({ length: count }, (_, index) => {
    const id = account.userId * IDS + index;
    return { id, user_id: account.userId, name: `Copy ${id}`, current_print_id: id * 100_000 };
  });
  const copy = (make: (copy: (typeof copies)[number]) => Record<string, unknown>) => copies.map(make);
  const rows = {
    platen: {
      printers: copy((own) => ({ ...printer, ...own, uid: `copy${own.id}` })),
      printer_live: copy(({ id }) => ({ ...live, printer_id: id })),
      prints: copy((own) => ({ ...print, id: own.current_print_id, printer_id: own.id, user_id: own.user_id })),
    },
    baseline: {
      printers: copy((own) => ({ ...own, connected_at, disconnected_at, printer_lost_at, settings })),
      statuses: copy(({ id }) => ({ printer_id: id, at, last_seen_at, status })),
      prints: copy((own) => ({ ...shown, print_id: own.current_print_id })),
    },
  };
  for (const [table, all] of Object.entries(rows.platen)) await insertAll(platen.database, table, all);
  for (const [table, all] of Object.entries(rows.baseline)) await insertAll(baseline.database, table, all);
  return account;
}

/** Of rows, so that the text of a statement's parameter stays below D1's bound. */
const BATCH = 100;

/** Rows that have the columns of the first one. */
async function insertAll(
  database: Side["database"],
  table: string,
  rows: readonly Record<string, unknown>[],
): Promise<void> {
  const columns = Object.keys(rows[0] ?? {});
  const values = columns.map((column) => `value ->> '${column}'`);
  const query = `INSERT INTO ${table} (${columns.join(", ")}) SELECT ${values.join(", ")} FROM json_each(?)`;
  for (let at = 0; at < rows.length; at += BATCH) {
    await database
      .prepare(query)
      .bind(JSON.stringify(rows.slice(at, at + BATCH)))
      .run();
  }
}
