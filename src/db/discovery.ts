/**
 * Agents without a token: their polls, passcodes and messages. A poll is one round trip, and writes a row only the first
 * time and once in 30 s.
 */
import { and, eq, gt, type SQL, sql } from "drizzle-orm";
import type { Source } from "../domain/linking.ts";
import {
  AGENT_REFRESH_MS,
  AGENT_SHOWN_MS,
  CLAIM_LIFE_MS,
  guessAgainAt,
  MAX_AGENTS_SHOWN,
  MESSAGE_LIFE_MS,
  PASSCODE_LIFE_MS,
  STRANGERS,
} from "../domain/linking.ts";
import { type Db, ONE_ROW } from "./client.ts";
import { valuesIf } from "./insert-if.ts";
import { guessHistory, insertFailureIf, isRefused } from "./link-failures.ts";
import { isLiveCode } from "./linking.ts";
import {
  oneTimeVerificationCodes as codes,
  discoveryMessages,
  oneTimePasscodes,
  unlinkedAgents,
} from "./schema/linking.ts";

export interface Poll {
  readonly source: Source;
  readonly deviceId: string;
  /** JSON text to show to people at the same address; null: not to be shown. */
  readonly info: string | null;
  /** What the agent holds (empty: nothing yet); null: it knows no passcodes. */
  readonly passcode: string | null;
  /** Its next passcode, should it need one. */
  readonly freshPasscode: string;
}

export interface PollAnswer {
  /** One at a time: with two at once Moonraker's agent ignores both. */
  readonly message: { readonly code: string; readonly secret: string } | null;
  /** `code` is empty until somebody claimed the passcode; null: none is given now, poll again. */
  readonly passcode: { readonly passcode: string; readonly code: string } | null;
}

export async function pollUnlinked(db: Db, poll: Poll, now: number): Promise<PollAnswer> {
  const [held, messages, , fresh] = await db.batch([
    selectPasscode(db, poll, now),
    takeMessage(db, poll, now),
    refreshAgent(db, poll, now),
    insertPasscode(db, poll, now),
  ]);
  const message = messages[0];
  return {
    message: message?.code ? { code: message.code, secret: message.secret } : null,
    passcode: held[0] ?? fresh[0] ?? null,
  };
}

/** A passcode counts only for the device it was made for: a poll with a guessed one gets a fresh passcode instead. */
function selectPasscode(db: Db, { deviceId, passcode }: Poll, now: number) {
  return db
    .select({ passcode: oneTimePasscodes.passcode, code: sql<string>`coalesce(${codes.code}, '')` })
    .from(oneTimePasscodes)
    .leftJoin(codes, and(eq(codes.id, oneTimePasscodes.codeId), isLiveCode(now)))
    .where(
      and(
        eq(oneTimePasscodes.passcode, passcode ?? ""),
        eq(oneTimePasscodes.deviceId, deviceId),
        gt(oneTimePasscodes.expiresAt, now),
      ),
    );
}

/** A message whose code is not live any more is dropped unread: a code that fails ends an agent's discovery for good. */
function takeMessage(db: Db, { source, deviceId }: Poll, now: number) {
  const liveCode = sql`select ${codes.code} from ${codes} where ${codes.id} = ${discoveryMessages.codeId}`;
  const next = db
    .select({ id: discoveryMessages.id })
    .from(discoveryMessages)
    .where(
      and(
        eq(discoveryMessages.address, source.address),
        eq(discoveryMessages.deviceId, deviceId),
        gt(discoveryMessages.expiresAt, now),
      ),
    )
    .orderBy(discoveryMessages.id)
    .limit(1);
  return db
    .delete(discoveryMessages)
    .where(eq(discoveryMessages.id, next))
    .returning({
      code: sql<string | null>`(${liveCode} and ${isLiveCode(now)})`,
      secret: discoveryMessages.secret,
    });
}

/** Shows the agent to people at its address; a row is written when it is new, and again after `AGENT_REFRESH_MS`. */
function refreshAgent(db: Db, { source, deviceId, info }: Poll, now: number) {
  const ofAddress = sql`select count(*) from ${unlinkedAgents} where ${unlinkedAgents.address} = ${source.address}`;
  const isKnown = sql`(${ofAddress} and ${unlinkedAgents.deviceId} = ${deviceId}) > 0`;
  const isRoom = sql`(${ofAddress} and ${unlinkedAgents.seenAt} > ${now - AGENT_SHOWN_MS}) < ${STRANGERS.agentsPerAddress}
    and ${hasRoom(unlinkedAgents, source, now)}`;
  const row = { ...source, deviceId, info: info ?? "", createdAt: now, seenAt: now };
  return db
    .insert(unlinkedAgents)
    .select(valuesIf(unlinkedAgents, row, sql`${info} is not null and (${isKnown} or (${isRoom}))`))
    .onConflictDoUpdate({
      target: [unlinkedAgents.address, unlinkedAgents.deviceId],
      set: { info: sql`excluded.info`, seenAt: now },
      setWhere: sql`${unlinkedAgents.seenAt} <= ${now - AGENT_REFRESH_MS}`,
    });
}

/** A fresh passcode for an agent that holds no valid one, unless those characters are in use or there is no room. */
function insertPasscode(db: Db, { source, deviceId, passcode, freshPasscode }: Poll, now: number) {
  const alive = sql`select 1 from ${oneTimePasscodes} where ${oneTimePasscodes.expiresAt} > ${now}`;
  const isHeld = sql`exists (${alive} and ${oneTimePasscodes.passcode} = ${passcode} and ${oneTimePasscodes.deviceId} = ${deviceId})`;
  const isTaken = sql`exists (${alive} and ${oneTimePasscodes.passcode} = ${freshPasscode})`;
  const { network } = source;
  const row = { network, passcode: freshPasscode, deviceId, createdAt: now, expiresAt: now + PASSCODE_LIFE_MS };
  const isWanted = sql`${passcode} is not null and not ${isHeld} and not ${isTaken} and ${hasRoom(oneTimePasscodes, source, now)}`;
  return db
    .insert(oneTimePasscodes)
    .select(valuesIf(oneTimePasscodes, row, isWanted))
    .returning({ passcode: oneTimePasscodes.passcode, code: sql<string>`''` });
}

/**
 * Whether a stranger may add a row to that table, within `STRANGERS`. Only old rows are deleted, so recent ids have no gaps:
 * the row 599 ids before the newest tells without a count whether the bound on all is reached.
 */
function hasRoom({ id, network, createdAt }: StrangersTable, source: Source, now: number): SQL {
  const { table } = id;
  const recent = sql`${createdAt} > ${now - STRANGERS.windowMs}`;
  const flooded = sql`exists (select 1 from ${table}
    where ${id} = (select max(${id}) from ${table}) - ${STRANGERS.inAll - 1} and ${recent})`;
  return sql`(select count(*) from ${table} where ${network} = ${source.network} and ${recent})
    < case when ${flooded} then 1 else ${STRANGERS.perNetwork} end`;
}

type StrangersTable = typeof oneTimePasscodes | typeof unlinkedAgents;

/** JSON texts of the agents at that address; none when there are so many that some must be somebody else's. */
export async function listUnlinkedAgents(db: Db, address: string, now: number): Promise<string[]> {
  const rows = await db
    .select({ info: unlinkedAgents.info })
    .from(unlinkedAgents)
    .where(and(eq(unlinkedAgents.address, address), gt(unlinkedAgents.seenAt, now - AGENT_SHOWN_MS)))
    .limit(MAX_AGENTS_SHOWN + 1);
  return rows.length > MAX_AGENTS_SHOWN ? [] : rows.map((row) => row.info);
}

/** For that device's next poll from that address; the newest of each user counts. */
export async function insertMessage(
  db: Db,
  message: {
    readonly address: string;
    readonly deviceId: string;
    readonly userId: number;
    readonly codeId: number;
    readonly secret: string;
  },
  now: number,
): Promise<void> {
  const expiresAt = now + MESSAGE_LIFE_MS;
  await db
    .insert(discoveryMessages)
    .values({ ...message, expiresAt })
    .onConflictDoUpdate({
      target: [discoveryMessages.address, discoveryMessages.deviceId, discoveryMessages.userId],
      set: { codeId: message.codeId, secret: message.secret, expiresAt },
    });
}

export type PasscodeClaim =
  | { readonly kind: "claimed" | "unknown_code" | "unknown_passcode" }
  | { readonly kind: "refused"; readonly againAt: number };

/** Hands the account's live code of those digits to the agent that shows that passcode; counts a wrong passcode. */
export async function claimPasscode(
  db: Db,
  claim: { readonly userId: number; readonly digits: string; readonly passcode: string },
  now: number,
): Promise<PasscodeClaim> {
  const source: Source = { address: `user:${claim.userId}`, network: `user:${claim.userId}` };
  const history = guessHistory(source, now);
  const refused = isRefused(history);
  const own = sql`${codes.code} = ${claim.digits} and ${codes.userId} = ${claim.userId} and ${isLiveCode(now)}`;
  const ownId = sql`(select ${codes.id} from ${codes} where ${own})`;
  // One that this code claimed already is claimed again: the first answer may have been lost ([S43]).
  const free = sql`${oneTimePasscodes.passcode} = ${claim.passcode} and ${oneTimePasscodes.expiresAt} > ${now}
    and (${oneTimePasscodes.codeId} is null or ${oneTimePasscodes.codeId} = ${ownId})`;
  const [before, , claimed] = await db.batch([
    db
      .select({ ...history, codeId: codes.id })
      .from(ONE_ROW)
      .leftJoin(codes, own),
    insertFailureIf(
      db,
      source,
      now,
      sql`exists (select 1 from ${codes} where ${own}) and not ${refused}
        and not exists (select 1 from ${oneTimePasscodes} where ${free})`,
    ),
    db
      .update(oneTimePasscodes)
      .set({ codeId: ownId, expiresAt: now + CLAIM_LIFE_MS })
      .where(sql`${free} and exists (select 1 from ${codes} where ${own}) and not ${refused}`)
      .returning({ id: oneTimePasscodes.id }),
  ]);
  const found = before[0];
  const againAt = found === undefined ? null : guessAgainAt(found);
  if (againAt !== null) return { kind: "refused", againAt };
  if (!found?.codeId) return { kind: "unknown_code" };
  return { kind: claimed.length === 0 ? "unknown_passcode" : "claimed" };
}
