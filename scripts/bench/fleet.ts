/** The accounts, printers and agents of a run, the same number on both sides. */
import { randomUUID } from "node:crypto";
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
    .prepare("INSERT INTO api_tokens (user_id, name, hash, can_read, can_write, created_at) VALUES (?, 'bench', ?, 1, 1, ?)")
    .bind(userId, hash, now)
    .run();
  await baseline.database.prepare("INSERT INTO tokens (hash, user_id) VALUES (?, ?)").bind(hash, userId).run();
  return { userId, platen: new Caller(platen.url, token), baseline: new Caller(baseline.url, token) };
}

/** Printers of a new account whose agents are connected and have said what they are and how they do. */
export async function startFleet(runtime: Runtime, size: number, isPrinting: boolean): Promise<Fleet> {
  const account = await openAccount(runtime);
  const platen: Member[] = [];
  const baseline: Member[] = [];
  await forEach(size, async (index) => {
    const made = JSON.parse(await account.platen.call("POST", "/api/v1/printers/", { name: `Printer ${index}` }));
    platen.push(await join(runtime.platen, "/ws/dev/", made.id, made.auth_token, index, isPrinting));
    await insertCounterpart(runtime.baseline, made.id, account.userId, `Printer ${index}`);
    baseline.push(await join(runtime.baseline, `/socket/${made.id}`, made.id, "", index, isPrinting));
    await account.baseline.call("PATCH", `/printers/${made.id}`, made);
  });
  return {
    platen: { caller: account.platen, members: platen },
    baseline: { caller: account.baseline, members: baseline },
  };
}

export function stopFleet({ platen, baseline }: Fleet): void {
  for (const team of [platen, baseline]) {
    team.caller.close();
    for (const { agent } of team.members) agent.close();
  }
}

async function join(side: Side, path: string, id: number, token: string, seed: number, isPrinting: boolean) {
  const agent = new BenchAgent(seed, isPrinting);
  await agent.connect(side.url + path, token);
  agent.sendSettings();
  agent.send("status");
  return { id, agent };
}

async function insertCounterpart(side: Side, id: number, userId: number, name: string): Promise<void> {
  await side.database
    .prepare("INSERT INTO printers (id, user_id, name) VALUES (?, ?, ?)")
    .bind(id, userId, name)
    .run();
}

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
  for (let index = 0; index < count; index += 1) {
    const id = account.userId * 1_000_000 + index;
    const printId = id * 100_000;
    const name = `Copy ${index}`;
    const own = { user_id: account.userId };
    const copies = [
      insert("printers", { ...printer, ...own, id, uid: `copy${id}`, name, current_print_id: print && printId }),
      ...(live === null ? [] : [insert("printer_live", { ...live, printer_id: id })]),
      ...(print === null ? [] : [insert("prints", { ...print, ...own, id: printId, printer_id: id })]),
    ];
    await platen.database.batch(copies.map(({ sql, values }) => platen.database.prepare(sql).bind(...values)));
    const row = { id, ...own, name, settings: printer?.settings, status: live?.status, print: shown };
    const { sql, values } = insert("printers", row);
    await baseline.database.prepare(sql).bind(...values).run();
  }
  return account;
}

function insert(table: string, row: Record<string, unknown>) {
  const columns = Object.keys(row);
  const sql = `INSERT INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;
  return { sql, values: Object.values(row) };
}
