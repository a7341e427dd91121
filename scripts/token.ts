/** `npm run -s token`: makes, lists and revokes API tokens, while the server runs or not. */
import { existsSync } from "node:fs";
import type { TokenWish } from "./account.ts";
import { Api } from "./api.ts";
import { readCount, readDuration, readEmail, readFlags, readUrl } from "./arguments.ts";
import type { Row } from "./database.ts";
import { Refusal, runScript } from "./refusal.ts";
import { quote } from "./shell.ts";
import { stateFolder } from "./wrangler.ts";

const HELP = `Prints a new API token and nothing else; makes the account if it is missing.

  npm run -s token -- --email you@example.com [options]
  npm run -s token -- --list [--email you@example.com]
  npm run -s token -- --revoke ID

  --email ADDRESS   whose token
  --name NAME       what the token is for (default: cli)
  --scopes LIST     read, write, or both (default: read,write)
  --expires TIME    for instance 90d, 12h, 30m (default: never)
  --list            lists tokens; the tokens themselves are stored nowhere
  --revoke ID       ends a token at once, and tells the service; may be repeated
  --url URL         with --revoke: the service (default: the server that runs on the local state)
  --state DIR       the local server's state (default: .wrangler/state)
  --remote          the deployed database instead of the local one
  --help            this text`;

type Act =
  | { readonly kind: "list"; readonly email: string | null }
  /** `url`: the service, where it is named. */
  | { readonly kind: "revoke"; readonly id: number; readonly url: string | null }
  | { readonly kind: "make"; readonly wish: TokenWish };

interface Options {
  readonly act: Act;
  readonly state: string;
  readonly isRemote: boolean;
}

function readOptions(): Options {
  const text = { type: "string" } as const;
  const yes = { type: "boolean" } as const;
  const flags = readFlags(HELP, {
    email: text,
    name: text,
    scopes: text,
    expires: text,
    revoke: text,
    url: text,
    state: text,
    list: yes,
    remote: yes,
  });
  return { act: readAct(flags), state: stateFolder(flags.state), isRemote: flags.remote === true };
}

interface Flags {
  readonly email?: string;
  readonly name?: string;
  readonly scopes?: string;
  readonly expires?: string;
  readonly revoke?: string;
  readonly url?: string;
  readonly list?: boolean;
}

function readAct(flags: Flags): Act {
  const email = flags.email === undefined ? null : readEmail(flags.email);
  if (flags.list === true) return { kind: "list", email };
  if (flags.revoke !== undefined) {
    const id = readCount("revoke", flags.revoke, 1, 2 ** 31);
    return { kind: "revoke", id, url: flags.url === undefined ? null : readUrl(flags.url) };
  }
  if (email !== null) return { kind: "make", wish: { email, ...readWish(flags) } };
  throw new Refusal("--email says whose token it is to be. --help shows what there is.", 2);
}

function readWish({ name = "cli", scopes = "read,write", expires }: Flags): Omit<TokenWish, "email"> {
  const wanted = scopes.split(",").map((scope) => scope.trim());
  if (wanted.some((scope) => scope !== "read" && scope !== "write")) {
    throw new Refusal(`--scopes ${scopes}: read, write, or both with a comma are expected.`, 2);
  }
  const isName = name.trim().length > 0 && name.length <= 100 && !/\p{Cc}/u.test(name);
  if (!isName) throw new Refusal("--name: 1 to 100 characters are expected.", 2);
  return {
    name: name.trim(),
    canRead: wanted.includes("read"),
    canWrite: wanted.includes("write"),
    expiresAt: expires === undefined ? null : Date.now() + readDuration("expires", expires),
  };
}

function describe(row: Row): string {
  const scopes = [row.can_read ? "read" : "", row.can_write ? "write" : ""].filter((scope) => scope !== "").join(",");
  const end =
    row.revoked_at !== null
      ? `revoked ${day(row.revoked_at)}`
      : row.expires_at !== null
        ? `until ${day(row.expires_at)}`
        : "valid";
  const used = row.last_used_on === null ? "never used" : `used ${row.last_used_on}`;
  return [row.id, row.email ?? "-", row.name, scopes, `made ${day(row.created_at)}`, end, used].join("  ");
}

function day(time: string | number | null | undefined): string {
  return new Date(Number(time)).toISOString().slice(0, 10);
}

/** What is to be printed. */
async function carryOut({ act, state, isRemote }: Options): Promise<string[]> {
  if (!isRemote && state !== stateFolder(undefined) && !existsSync(state)) {
    throw new Refusal(`There is no folder ${state}. npm start -- --state ${quote(state)} makes it.`);
  }
  const { listTokens, makeToken, revokeToken } = await import("./account.ts");
  const { openDatabase } = await import("./database.ts");
  const { findServer } = await import("./state-claim.ts");
  const database = openDatabase(state, isRemote);
  switch (act.kind) {
    case "list": {
      const rows = await listTokens(database, act.email);
      return rows.length === 0 ? ["No tokens."] : rows.map(describe);
    }
    case "revoke": {
      const operator = await revokeToken(database, act.id, Date.now());
      if (operator === null) throw new Refusal(`There is no token ${act.id}. --list shows all.`);
      const server = isRemote ? null : await findServer(state);
      return [await tellService(act.id, act.url ?? server?.url ?? null, { operator, isRemote })];
    }
    case "make":
      return [await makeToken(database, act.wish, Date.now())];
  }
}

/** Tells the printers' objects through the service; what the token's end is worth by then. A refusal when they may not know. */
async function tellService(
  id: number,
  url: string | null,
  { operator, isRemote }: { readonly operator: string; readonly isRemote: boolean },
): Promise<string> {
  const dead = `Token ${id} is revoked`;
  if (url !== null) {
    try {
      await new Api(url, operator).revokeToken(id);
      return `${dead}.`;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      throw new Refusal(`${dead} in the database, but its printers may not know yet: run this again. ${error.message}`);
    }
  }
  if (!isRemote) return `${dead}. No server runs on this state; the next one tells its printers when it starts.`;
  throw new Refusal(
    `${dead} in the database; printers that know it hear of it within the hour. Name the service with --url to tell them now.`,
  );
}

await runScript(async () => {
  for (const line of await carryOut(readOptions())) console.log(line);
});
