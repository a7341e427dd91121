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
  await insertAll(platen.database, [
    insert("users", { id: userId, email: `bench${userId}@example.com`, unsub_token: randomUUID(), created_at: now }),
    insert("api_tokens", { user_id: userId, name: "bench", hash, can_read: 1, can_write: 1, created_at: now }),
  ]);
  await insertAll(baseline.database, [insert("tokens", { hash, user_id: userId })]);
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
    return insert("printers", door === "platen" ? { ...DEFAULTS, ...row, uid } : row);
  });
  await insertAll(database, rows);
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
  const id = `(${account.userId * IDS} + i)`;
  const own = { user_id: account.userId };
  const copied = { id, name: `'Copy ' || ${id}`, current_print_id: `${id} * 100000` };
  await insertCopies(platen.database, count, [
    { table: "printers", values: { ...printer, ...own }, computed: { ...copied, uid: `'copy' || ${id}` } },
    { table: "printer_live", values: live, computed: { printer_id: id } },
    { table: "prints", values: { ...print, ...own }, computed: { id: copied.current_print_id, printer_id: id } },
  ]);
  const { connected_at, disconnected_at, printer_lost_at, settings } = printer;
  const { at, last_seen_at, status } = live;
  const { id: _id, printer_id: _printer, user_id: _user, revision: _revision, deleted_at: _deleted, ...shown } = print;
  await insertCopies(baseline.database, count, [
    {
      table: "printers",
      values: { ...own, connected_at, disconnected_at, printer_lost_at, settings },
      computed: copied,
    },
    { table: "statuses", values: { at, last_seen_at, status }, computed: { printer_id: id } },
    { table: "prints", values: shown, computed: { print_id: copied.current_print_id } },
  ]);
  return account;
}

interface Copies {
  readonly table: string;
  /** The same in every row. */
  readonly values: Readonly<Record<string, unknown>>;
  /** SQL over `i`, which counts the rows from 0. */
  readonly computed: Readonly<Record<string, string>>;
}

/** A statement a table: a thousand rows of values take longer to send than all that is measured. */
async function insertCopies(database: Side["database"], count: number, tables: readonly Copies[]): Promise<void> {
  const statements = tables.map(({ table, values, computed }) => {
    const same = Object.entries(values).filter(([column]) => !(column in computed));
    const columns = [...same.map(([column]) => column), ...Object.keys(computed)];
    const cells = [...same.map(() => "?"), ...Object.values(computed)];
    const rows = `WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${count})`;
    return database
      .prepare(`INSERT INTO ${table} (${columns}) ${rows} SELECT ${cells} FROM n`)
      .bind(...same.map(([, value]) => value));
  });
  await database.batch(statements);
}

const BATCH = 500;

async function insertAll(database: Side["database"], rows: readonly ReturnType<typeof insert>[]): Promise<void> {
  for (let at = 0; at < rows.length; at += BATCH) {
    const part = rows.slice(at, at + BATCH);
    await database.batch(part.map(({ sql, values }) => database.prepare(sql).bind(...values)));
  }
}

function insert(table: string, row: Record<string, unknown>) {
  const columns = Object.keys(row);
  const sql = `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;
  return { sql, values: Object.values(row) };
}
