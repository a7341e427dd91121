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
const KEPT_MS = 7 * DAY_MS;

export class Principals {
  readonly #sql: SqlStorage;
  readonly #state: () => PrinterState | null;

  /** `state`: the printer that is here; null while there is none, and no table either. */
  constructor(sql: SqlStorage, state: () => PrinterState | null) {
    this.#sql = sql;
    this.#state = state;
  }

  /** The caller with that hash, if it passed within a week before `now` (epoch milliseconds) and has not expired. */
  vouch(hash: string, now: number): Result<Vouched> {
    const state = this.#state();
    const principal = state === null ? null : this.#find(hash, now);
    if (state === null || principal === null) return err(UNAVAILABLE);
    return ok({ principal, uid: state.uid, archivedAt: state.archivedAt });
  }

  /** Caches a caller that D1 let pass: an LRU of 8, refreshed at most daily. Entries used within a day are not evicted. */
  note(principal: Principal, now: number): void {
    if (principal.userId !== this.#state()?.userId) return;
    const notedAt = this.#notedAt(principal.hash);
    if (notedAt !== null && now - notedAt < DAY_MS) return;
    if (notedAt === null && !this.#makeRoom(now)) return;
    this.#write(principal.hash, JSON.stringify(principal), now);
  }

  /** Leaves a tombstone, so that a call under way cannot cache the revoked token again. */
  forget(hash: string, now: number): void {
    if (this.#state() === null) return;
    if (this.#notedAt(hash) === null && !this.#makeRoom(now)) return;
    this.#write(hash, null, now);
  }

  #find(hash: string, now: number): Principal | null {
    const query = "SELECT image FROM principal WHERE hash = ? AND noted_at > ?";
    const [row] = this.#sql.exec<{ image: string | null }>(query, hash, now - KEPT_MS).toArray();
    if (row === undefined || row.image === null) return null;
    const principal = readPrincipal(row.image);
    return principal.expiresAt === null || principal.expiresAt > now ? principal : null;
  }

  #write(hash: string, image: string | null, now: number): void {
    this.#sql.exec("INSERT OR REPLACE INTO principal (hash, noted_at, image) VALUES (?, ?, ?)", hash, now, image);
  }

  #notedAt(hash: string): number | null {
    const [row] = this.#sql.exec<{ noted_at: number }>("SELECT noted_at FROM principal WHERE hash = ?", hash).toArray();
    return row?.noted_at ?? null;
  }

  /** False when every entry was used within a day. */
  #makeRoom(now: number): boolean {
    const rows = this.#sql
      .exec<{ hash: string; noted_at: number; image: string | null }>("SELECT hash, noted_at, image FROM principal")
      .toArray();
    if (rows.length < MOST) return true;
    const evictable = rows.filter(({ image, noted_at }) => image === null || now - noted_at >= DAY_MS);
    const [oldest] = evictable.sort((a, b) => a.noted_at - b.noted_at);
    if (oldest !== undefined) this.#sql.exec("DELETE FROM principal WHERE hash = ?", oldest.hash);
    return oldest !== undefined;
  }
}
