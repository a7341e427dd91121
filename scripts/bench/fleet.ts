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

export interface Fleet {
  readonly platen: Team;
  readonly baseline: Team;
}

let accounts = 0;

export async function openAccount(runtime: Runtime): Promise<{ userId: number; platen: Caller; baseline: Caller }> {
  accounts += 1;
  const userId = accounts;
  const token = drawApiToken();
  const hash = await digest(token);
  const now = Date.now();
  const { platen, baseline } = runtime;
  await platen.database
    .prepare("INSERT INTO users (id, email, unsub_token, created_at) VALUES (?, ?, ?, ?)")
    .bind(userId, `bench${userId}@example.com`, randomUUID(), now)
    .run();
  await platen.database
    .prepare(
      "INSERT INTO api_tokens (user_id, name, hash, can_read, can_write, created_at) VALUES (?, 'bench', ?, 1, 1, ?)",
    )
    .bind(userId, hash, now)
    .run();
  await baseline.database.prepare("INSERT INTO tokens (hash, user_id) VALUES (?, ?)").bind(hash, userId).run();
  return { userId, platen: new Caller(platen.url, token), baseline: new Caller(baseline.url, token) };
}

/** Printers of a new account whose agents are connected and have said what they are and how they do, on both sides. */
export async function startFleet(runtime: Runtime, size: number, isPrinting: boolean): Promise<Fleet> {
  const account = await openAccount(runtime);
  const start = async (side: "platen" | "baseline") => ({
    caller: account[side],
    members: await connectAgents(runtime, side, account.userId, size, isPrinting),
  });
  return { platen: await start("platen"), baseline: await start("baseline") };
}

/** Agents of printers that are made for them in that account. */
export async function connectAgents(
  runtime: Runtime,
  side: "platen" | "baseline",
  userId: number,
  size: number,
  isPrinting: boolean,
): Promise<Member[]> {
  const { url, database } = runtime[side];
  const printers = Array.from({ length: size }, (_, index) => ({
    id: userId * IDS + index,
    uid: drawUid(),
    generation: 1,
  }));
  const row = (id: number) => ({ id, name: `Printer ${id}`, user_id: userId });
  await insertAll(
    database,
    printers.map(({ id, uid }) =>
      insert("printers", side === "platen" ? { ...DEFAULTS, ...row(id), uid } : { ...row(id) }),
    ),
  );
  const members: Member[] = [];
  await forEach(size, async (index) => {
    const printer = printers[index];
    if (printer === undefined) return;
    const { id } = printer;
    const token = await makeAgentToken(printer, runtime.agentKey);
    const agent = new BenchAgent(index, isPrinting);
    await agent.connect(url + (side === "platen" ? "/ws/dev/" : `/socket/${id}`), token);
    agent.sendSettings();
    agent.send("status");
    members[index] = { id, agent };
  });
  return members;
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

/** An account whose list holds so many copies of a printer that prints, on both sides with the same texts. */
export async function copyPrinter(runtime: Runtime, from: number, count: number) {
  const account = await openAccount(runtime);
  const { platen, baseline } = runtime;
  const read = (table: string, key: string) =>
    platen.database.prepare(`SELECT * FROM ${table} WHERE ${key} = ?`).bind(from).first<Record<string, unknown>>();
  const [printer, live] = await Promise.all([read("printers", "id"), read("printer_live", "printer_id")]);
  const print = await platen.database
    .prepare("SELECT * FROM prints WHERE id = ?")
    .bind(printer?.current_print_id)
    .first<Record<string, unknown>>();
  const shown = JSON.stringify(print);
  const ids = Array.from({ length: count }, (_, index) => account.userId * IDS + index);
  const own = { user_id: account.userId };
  await insertAll(
    platen.database,
    ids.flatMap((id) => {
      const printId = id * 100_000;
      const name = `Copy ${id}`;
      return [
        insert("printers", { ...printer, ...own, id, uid: `copy${id}`, name, current_print_id: print && printId }),
        ...(live === null ? [] : [insert("printer_live", { ...live, printer_id: id })]),
        ...(print === null ? [] : [insert("prints", { ...print, ...own, id: printId, printer_id: id })]),
      ];
    }),
  );
  const row = { ...own, settings: printer?.settings, status: live?.status, print: shown };
  await insertAll(
    baseline.database,
    ids.map((id) => insert("printers", { ...row, id, name: `Copy ${id}` })),
  );
  return account;
}

const BATCH = 100;

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
