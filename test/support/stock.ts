/** One account with one of everything, each of it carrying the account's own mark, and a fingerprint of all of that. */
import { getTableColumns, is, sql } from "drizzle-orm";
import { type SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import { users } from "../../src/db/schema/accounts.ts";
import { gCodeFiles, gCodeFolders } from "../../src/db/schema/g-code.ts";
import { type Account, call, makeAccount, makePrinterOf } from "./api.ts";
import { db, projected } from "./printer.ts";

export interface Stock extends Account {
  /** Text that stands in every name of the account's, and nowhere else. */
  readonly mark: string;
  readonly authToken: string;
  /** By the name that routes' paths give them. */
  readonly ids: Readonly<Record<string, number | string>>;
}

export async function makeStock(): Promise<Stock> {
  const account = await makeAccount();
  const mark = `mark-${crypto.randomUUID()}`;
  const post = async (path: string, body: object) => {
    const answer = await call("POST", path, { token: account.token, body });
    if (answer.status >= 300) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  const { id: printerId, auth_token: authToken } = await makePrinterOf(account, { name: mark });
  const actions = `/api/v1/printers/${printerId}`;
  await post(`${actions}/start_print/`, { filename: `${mark} ended` });
  const { printer } = await post(`${actions}/start_print/`, { filename: mark });
  const { command } = await post(`${actions}/pause_print/`, {});
  const { id: tokenId } = await post("/api/v1/api_tokens/", { name: mark });
  await projected(printerId);
  const code = await call("GET", `/api/v1/onetimeverificationcodes/?printer_id=${printerId}`, account);
  const eventId = (await call("GET", "/api/v1/printer_events/?limit=1", account)).body[0].id;
  const ids = { printerId, printId: printer.current_print.id, commandId: command.id, tokenId, codeId: code.body.id };
  return { ...account, mark, authToken, ids: { ...ids, eventId, ...(await insertGCode(account.userId, mark)) } };
}

async function insertGCode(userId: number, mark: string) {
  const times = { createdAt: 1_780_000_000_000, updatedAt: 1_780_000_000_000 };
  const folder = { ...times, userId, name: mark, safeName: mark };
  const [made] = await db.insert(gCodeFolders).values(folder).returning();
  const file = { ...times, userId, filename: mark, safeFilename: mark, agentSignature: `md5:${mark}` };
  const [cloud] = await db.insert(gCodeFiles).values(file).returning();
  if (made === undefined || cloud === undefined) throw new Error("no G-code");
  return { folderId: made.id, fileId: cloud.id };
}

/** Every table, of whichever file of the schema. */
const TABLES = Object.values(import.meta.glob("../../src/db/schema/*.ts", { eager: true }))
  .flatMap((module): unknown[] => Object.values(module))
  .filter((value) => is(value, SQLiteTable));

/** Columns that a call changes by reading. */
const BY_LOOKING = new Set(["lastUsedOn"]);

/** All rows of the account and of its printers, and its printers as their objects know them. */
export async function fingerprintOf({ userId, token, ids }: Stock): Promise<string> {
  const own = sql`select id from printers where user_id = ${userId}`;
  const [first, ...others] = TABLES.flatMap((table) => {
    const columns: Readonly<Record<string, SQLiteColumn>> = getTableColumns(table);
    const { printerId: printer, userId: owner = table === users ? users.id : undefined } = columns;
    const isOwn = owner !== undefined ? sql`${owner} = ${userId}` : printer && sql`${printer} in (${own})`;
    return isOwn === undefined ? [] : [db.select().from(table).where(isOwn)];
  });
  if (first === undefined) throw new Error("no table");
  const found = await db.batch([first, ...others]);
  const rows = found.flat().map((row) => Object.entries(row).filter(([key]) => !BY_LOOKING.has(key)));
  const { body } = await call("GET", `/api/v1/printers/${ids.printerId}/?with_archived=true`, { token });
  return JSON.stringify([rows, body], null, 1);
}
