/** Rows of the object's tables (`tables.ts`). `printer` is the state; the others are history and documents, read when needed. */
import type { PrinterState } from "../domain/change.ts";
import type { CommandRecord } from "../domain/command.ts";
import { DAY_MS } from "../domain/local-day.ts";
import type { Print } from "../domain/print.ts";
import { readCommandRecord, readPrint } from "./stored-json.ts";
import { readState } from "./stored-state.ts";
import { hasTables } from "./tables.ts";

/** Texts that change rarely, each a row of its own so that the state's row stays small; `code`: the code that linked last. */
type DocumentName = "settings" | "job" | "file_metadata" | "status" | "code";

const PRINTS = 200;
const COMMANDS = 1_000;
const IDEMPOTENCY_KEYS = 1_000;

/** A use of an Idempotency-Key: hashes of the key with its user, and of action and body. */
interface IdempotencyRecord {
  readonly key: string;
  readonly request: string;
  readonly commandId: string;
}

export class Store {
  readonly #sql: SqlStorage;
  #isCreated = false;
  /** An agent may name a print that is over in every frame. */
  #lastFound: { readonly extId: number; readonly print: Print | null } | null = null;
  /** The command that ended last: whoever made or waits for it asks several times. */
  #lastEnded: CommandRecord | null = null;
  /** Rows of a table, or somewhat more: counted exactly once this says that a bound is passed. */
  readonly #counts = new Map<string, number>();

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The tables may hold something else: they were cleared, or a transaction was rolled back. */
  forget(): void {
    this.#lastFound = null;
    this.#lastEnded = null;
    this.#counts.clear();
  }

  /** False for an object that never held a printer. */
  isCreated(): boolean {
    this.#isCreated ||= hasTables(this.#sql);
    return this.#isCreated;
  }

  loadState(): PrinterState | null {
    if (!this.isCreated()) return null;
    const [row] = this.#sql.exec<{ state: string }>("SELECT state FROM printer").toArray();
    return row === undefined ? null : readState(row.state);
  }

  saveState(state: PrinterState): void {
    this.#sql.exec("INSERT OR REPLACE INTO printer (one, state) VALUES (1, ?)", JSON.stringify(state));
  }

  /** Leaves a tombstone: the printer with that uid is never loaded again. */
  bury(uid: string): void {
    this.#sql.exec("INSERT OR REPLACE INTO tombstone (uid) VALUES (?)", uid);
  }

  isBuried(uid: string): boolean {
    return this.isCreated() && this.#sql.exec("SELECT 1 FROM tombstone WHERE uid = ?", uid).toArray().length > 0;
  }

  loadDocument(name: DocumentName): string | null {
    const [row] = this.#sql.exec<{ text: string }>("SELECT text FROM document WHERE name = ?", name).toArray();
    return row?.text ?? null;
  }

  saveDocument(name: DocumentName, text: string | null): void {
    if (text === null) this.#sql.exec("DELETE FROM document WHERE name = ?", name);
    else this.#sql.exec("INSERT OR REPLACE INTO document (name, text) VALUES (?, ?)", name, text);
  }

  findPrint(extId: number): Print | null {
    if (this.#lastFound?.extId !== extId) this.#lastFound = { extId, print: this.#readPrint(extId) };
    return this.#lastFound.print;
  }

  #readPrint(extId: number): Print | null {
    const [row] = this.#sql.exec<{ image: string }>("SELECT image FROM print WHERE ext_id = ?", extId).toArray();
    return row === undefined ? null : readPrint(row.image);
  }

  /** Time stamps of remembered prints from `extId` on. */
  listExtIdsFrom(extId: number): number[] {
    return this.#sql
      .exec<{ ext_id: number }>("SELECT ext_id FROM print WHERE ext_id >= ?", extId)
      .toArray()
      .map((row) => row.ext_id);
  }

  /** Keeps the newest 200 by id, each under its last time stamp only. */
  rememberPrint(print: Print): void {
    const image = JSON.stringify(print);
    this.#lastFound = null;
    this.#sql.exec("DELETE FROM print WHERE id = ? AND ext_id <> ?", print.id, print.extId);
    this.#sql.exec("INSERT OR REPLACE INTO print (ext_id, id, image) VALUES (?, ?, ?)", print.extId, print.id, image);
    if (this.#isFull("print", PRINTS)) this.#sql.exec("DELETE FROM print WHERE id = (SELECT min(id) FROM print)");
  }

  findCommand(id: string): CommandRecord | null {
    if (this.#lastEnded?.id === id) return this.#lastEnded;
    const [row] = this.#sql.exec<{ image: string }>("SELECT image FROM command WHERE id = ?", id).toArray();
    return row === undefined ? null : readCommandRecord(row.image);
  }

  /** Newest first. */
  listCommands(): CommandRecord[] {
    const rows = this.#sql.exec<{ image: string }>("SELECT image FROM command ORDER BY created_at DESC, id DESC");
    return rows.toArray().map((row) => readCommandRecord(row.image));
  }

  /** Keeps the newest 1,000, and those that an idempotency key names: a known key never sends anything again. */
  rememberCommand(command: CommandRecord): void {
    const { id, createdAt } = command;
    const image = JSON.stringify(command);
    this.#lastEnded = command;
    this.#sql.exec("INSERT OR REPLACE INTO command (id, created_at, image) VALUES (?, ?, ?)", id, createdAt, image);
    this.#dropOldest(COMMANDS, "command", "id", "created_at", "WHERE id NOT IN (SELECT command_id FROM idempotency)");
  }

  /** A use of that key within a day before `now`. */
  findIdempotency(key: string, now: number): IdempotencyRecord | null {
    const query = "SELECT key, request, command_id FROM idempotency WHERE key = ? AND at > ?";
    const [row] = this.#sql.exec<Record<"key" | "request" | "command_id", string>>(query, key, now - DAY_MS).toArray();
    return row === undefined ? null : { key: row.key, request: row.request, commandId: row.command_id };
  }

  rememberIdempotency(record: IdempotencyRecord, now: number): void {
    const { key, request, commandId } = record;
    this.#sql.exec(
      "INSERT OR REPLACE INTO idempotency (key, request, command_id, at) VALUES (?, ?, ?, ?)",
      key,
      request,
      commandId,
      now,
    );
    this.#dropOldest(IDEMPOTENCY_KEYS, "idempotency", "key", "at");
  }

  #dropOldest(kept: number, table: string, key: string, at: string, where = ""): void {
    if (!this.#isFull(table, kept, where)) return;
    const oldest = `SELECT ${key} FROM ${table} ${where} ORDER BY ${at}, ${key} LIMIT 1`;
    this.#sql.exec(`DELETE FROM ${table} WHERE ${key} = (${oldest})`);
    this.#counts.delete(table);
  }

  /** Called after each row that is put: whether the table holds more than `most` of those rows. */
  #isFull(table: string, most: number, where = ""): boolean {
    const atMost = (this.#counts.get(table) ?? most) + 1;
    if (atMost <= most) {
      this.#counts.set(table, atMost);
      return false;
    }
    const count = this.#sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table} ${where}`).one().n;
    this.#counts.set(table, count);
    return count > most;
  }
}
