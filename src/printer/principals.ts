/**
 * Cache of the callers that D1 let pass to this printer, so that they can stop it while D1 is down ([O29]). While D1 answers
 * it lets nobody in.
 */
import type { PrinterState } from "../domain/change.ts";
import { UNAVAILABLE } from "../domain/failure.ts";
import { DAY_MS } from "../domain/local-day.ts";
import { err, ok, type Result } from "../domain/result.ts";
import type { Principal, Vouched } from "./rpc.ts";
import { readPrincipal } from "./stored-json.ts";

const MOST = 8;
const KEPT_MS = DAY_MS;

/** When a caller was written, epoch milliseconds; a tombstone, when it was revoked. */
interface Entry {
  readonly notedAt: number;
  readonly isTombstone: boolean;
}

export class Principals {
  readonly #sql: SqlStorage;
  readonly #state: () => PrinterState | null;
  /** The table without its images, of the printer with that uid: most calls find that they wrote their caller today. */
  #cached: { readonly uid: string; readonly entries: Map<string, Entry> } | null = null;

  /** `state`: the printer that is here; null while there is none, and no table either. */
  constructor(sql: SqlStorage, state: () => PrinterState | null) {
    this.#sql = sql;
    this.#state = state;
  }

  /** The caller with that hash, if it was written within a day before `now` (epoch milliseconds) and has not expired. */
  vouch(hash: string, now: number): Result<Vouched> {
    const state = this.#state();
    const principal = state === null ? null : this.#find(hash, now);
    if (state === null || principal === null) return err(UNAVAILABLE);
    return ok({ principal, uid: state.uid, archivedAt: state.archivedAt });
  }

  /** Caches a caller that D1 let pass: an LRU of 8, refreshed at most daily. Entries used within a day are not evicted. */
  note(principal: Principal, now: number): void {
    const state = this.#state();
    if (state === null || principal.userId !== state.userId) return;
    const entries = this.#entries(state.uid);
    const noted = entries.get(principal.hash);
    if (noted !== undefined && now - noted.notedAt < DAY_MS) return;
    if (noted === undefined && !this.#makeRoom(entries, now)) return;
    this.#write(entries, principal.hash, JSON.stringify(principal), now);
  }

  /** Leaves a tombstone, so that a call under way cannot cache the revoked token again. */
  forget(hash: string, now: number): void {
    const state = this.#state();
    if (state === null) return;
    const entries = this.#entries(state.uid);
    if (!entries.has(hash) && !this.#makeRoom(entries, now)) return;
    this.#write(entries, hash, null, now);
  }

  #find(hash: string, now: number): Principal | null {
    const query = "SELECT image FROM principal WHERE hash = ? AND noted_at > ?";
    const [row] = this.#sql.exec<{ image: string | null }>(query, hash, now - KEPT_MS).toArray();
    if (row === undefined || row.image === null) return null;
    const principal = readPrincipal(row.image);
    return principal.expiresAt === null || principal.expiresAt > now ? principal : null;
  }

  #entries(uid: string): Map<string, Entry> {
    if (this.#cached?.uid !== uid) this.#cached = { uid, entries: this.#read() };
    return this.#cached.entries;
  }

  #read(): Map<string, Entry> {
    const query = "SELECT hash, noted_at, image IS NULL AS is_tombstone FROM principal";
    const rows = this.#sql.exec<{ hash: string; noted_at: number; is_tombstone: number }>(query).toArray();
    return new Map(rows.map((row) => [row.hash, { notedAt: row.noted_at, isTombstone: row.is_tombstone === 1 }]));
  }

  #write(entries: Map<string, Entry>, hash: string, image: string | null, now: number): void {
    this.#sql.exec("INSERT OR REPLACE INTO principal (hash, noted_at, image) VALUES (?, ?, ?)", hash, now, image);
    entries.set(hash, { notedAt: now, isTombstone: image === null });
  }

  /** False when every entry was used within a day. */
  #makeRoom(entries: Map<string, Entry>, now: number): boolean {
    if (entries.size < MOST) return true;
    const evictable = [...entries].filter(([, { isTombstone, notedAt }]) => isTombstone || now - notedAt >= DAY_MS);
    const [oldest] = evictable.sort(([, a], [, b]) => a.notedAt - b.notedAt);
    if (oldest === undefined) return false;
    this.#sql.exec("DELETE FROM principal WHERE hash = ?", oldest[0]);
    entries.delete(oldest[0]);
    return true;
  }
}
