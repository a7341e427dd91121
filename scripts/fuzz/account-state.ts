/** What an account has, as far as it changes by calls alone: printers' settings and tokens, files, folders, API tokens, the user. */
import { createHash } from "node:crypto";
import type { Account } from "./stock.ts";

const PATHS = [
  "printers/?with_archived=1&fields=id,name,archived_at,auth_token,retract_on_pause,watching_enabled,action_on_failure",
  "g_code_files/?page_size=500",
  "g_code_folders/?page_size=500",
  "users/me/",
  "api_tokens/",
] as const;

/** By path, a digest. */
export type AccountState = Readonly<Record<string, string>>;

export async function readState(account: Account): Promise<AccountState> {
  const digests = await Promise.all(
    PATHS.map(async (path) => {
      const text = JSON.stringify(await account.ask("GET", path), (key, value) => (MOVES.has(key) ? null : value));
      return [path, createHash("sha256").update(text).digest("hex")];
    }),
  );
  return Object.fromEntries(digests);
}

/** By the clock, or by what an agent says. */
const MOVES = new Set(["last_used_on", "unseen_printer_events", "url", "print_set"]);

/** The first path that differs; null: none. */
export function differenceOf(before: AccountState, after: AccountState): string | null {
  return PATHS.find((path) => before[path] !== after[path])?.split("?")[0] ?? null;
}
