/**
 * Who is calling. A bearer that begins with `plt_` is an API token of ours: one round trip to D1 finds it and, with it, the
 * printer that the path names. While D1 is down the printer's object may vouch for the caller ([O29]).
 */
import { type AgentToken, readAgentToken } from "../../credentials/agent-token.ts";
import { isApiToken } from "../../credentials/api-token.ts";
import { digest } from "../../credentials/digest.ts";
import { connect } from "../../db/client.ts";
import { isDatabaseOutage, within } from "../../db/outage.ts";
import { type ListedPrinter, listPrinters, type PrinterSelection } from "../../db/printer-list.ts";
import type { OwnedPrinter } from "../../db/printers.ts";
import { findOrInsertSignIn } from "../../db/sign-ins.ts";
import { findTokenHolder, findTokenHolderWithPrinters, moveLastUsedOn, type TokenHolder } from "../../db/tokens.ts";
import type { Failure } from "../../domain/failure.ts";
import { log } from "../../log.ts";
import { readSource } from "./address.ts";
import type { Caller, HttpContext } from "./context.ts";
import { FailureError } from "./errors.ts";
import { callPrinter } from "./printer-call.ts";
import { readSignIn } from "./sign-in.ts";
import { Strangers } from "./strangers.ts";

export interface Admission {
  readonly caller: Caller;
  /** Null when the account has no such printer, or none was asked for. */
  readonly printer: OwnedPrinter | null;
  /** The account's printers that were asked for; none where none were. */
  readonly listed: readonly ListedPrinter[];
}

/** A call's bearer, before D1 was asked about it. */
interface Bearer {
  /** SHA-256 (hex) of the token, or of who signed in with which scopes: its key in the printer's object's cache. */
  readonly hash: string;
  /** Asks D1; 401 when the bearer does not count. */
  readonly find: (asked: Asked) => Promise<Admission>;
}

/** What a call is about, to be found with its caller. */
export interface Asked {
  /** Null: the path names no printer that could exist. */
  readonly printerId: number | null;
  /** Printers of the account; null: none. */
  readonly list: PrinterSelection | null;
}

/** How long D1 may take before the printer's object is asked instead. */
const DATABASE_MS = 5_000;
/** How much longer whoever the object does not know waits for D1 ([O80]): in all less than most clients wait. */
const PATIENCE_MS = 15_000;

/**
 * 401 unless the call carries a valid bearer. With `worksWithoutD1` a call about a printer goes on while D1 is down, if the
 * printer's object has the bearer in its cache.
 */
export async function authenticate(c: HttpContext, asked: Asked, worksWithoutD1 = false): Promise<Admission> {
  const bearer = await readBearer(c);
  const { printerId } = asked;
  if (!worksWithoutD1 || printerId === null) return bearer.find(asked);
  const found = bearer.find(asked);
  try {
    return await within(DATABASE_MS, found);
  } catch (error) {
    if (!isDatabaseOutage(error)) throw error;
    log({ event: "database.down", requestId: c.var.requestId, error });
    return askObject(c, printerId, bearer.hash).catch((refusal: unknown) => orLater(found, refusal));
  }
}

/** What D1 says of the caller after all; `refusal` when that is nothing. */
async function orLater(found: Promise<Admission>, refusal: unknown): Promise<Admission> {
  try {
    return await within(PATIENCE_MS, found);
  } catch (error) {
    throw isDatabaseOutage(error) ? refusal : error;
  }
}

function readBearer(c: HttpContext): Promise<Bearer> {
  const token = readCredential(c);
  return isApiToken(token) ? readTokenBearer(c, token) : readSignInBearer(c, token);
}

/** `unavailable` unless D1 let that bearer pass to that printer within the last day ([O29]). */
async function askObject(c: HttpContext, printerId: number, hash: string): Promise<Admission> {
  const { principal, uid, archivedAt } = await callPrinter(c, printerId, (printer) => printer.vouch(hash));
  const { userId, tokenName, canRead, canWrite } = principal;
  return {
    caller: { userId, tokenId: null, tokenName, canRead, canWrite, seesTokens: false, principal: null },
    printer: { id: printerId, uid, archivedAt, file: null },
    listed: [],
  };
}

/** One for the isolate's life. */
const strangers = new Strangers();

async function readTokenBearer(c: HttpContext, token: string): Promise<Bearer> {
  const hash = await digest(token);
  await throttle(c.env.TOKEN_CALLS, hash);
  const { address } = readSource(c);
  const find = async ({ printerId, list }: Asked): Promise<Admission> => {
    const now = Date.now();
    const judgement = strangers.judge(address, hash, now);
    if (judgement.kind === "refused") throw unauthenticated("invalid", "api");
    if (judgement.kind === "over") throw throttled(Math.ceil((judgement.againAt - now) / 1000));
    const db = connect(c.env.DB);
    const found =
      list === null ? findTokenHolder(db, hash, printerId, now) : findTokenHolderWithPrinters(db, hash, list, now);
    const holder = await found.catch((error: unknown) => {
      strangers.unanswered(address, hash);
      throw error;
    });
    if (holder === undefined) {
      const { success } = await c.env.UNKNOWN_TOKENS.limit({ key: address });
      strangers.refused(address, hash, now, !success);
      throw unauthenticated("invalid", "api");
    }
    strangers.passed(address, hash, now);
    noteUse(c, holder, now);
    const { userId, tokenId, tokenName, canRead, canWrite, expiresAt, printer, listed } = holder;
    const principal = { hash, userId, tokenName, canRead, canWrite, expiresAt };
    const caller = { userId, tokenId, tokenName, canRead, canWrite, seesTokens: canWrite, principal };
    return { caller, printer, listed };
  };
  return { hash, find };
}

/** A JWT of the operator's identity provider: its subject's account. Scopes and expiry are the JWT's own. */
async function readSignInBearer(c: HttpContext, token: string): Promise<Bearer> {
  const settings = c.var.settings.signIn;
  const signedIn = settings === null ? null : await readSignIn(token, settings, Date.now());
  if (signedIn === null) throw unauthenticated("invalid", "api");
  const { issuer, subject, canRead, canWrite } = signedIn;
  await throttle(c.env.TOKEN_CALLS, await digest(`${issuer}\n${subject}`));
  const hash = await digest(`${issuer}\n${subject}\n${canRead} ${canWrite}`);
  const find = async ({ printerId, list }: Asked): Promise<Admission> => {
    const now = Date.now();
    const db = connect(c.env.DB);
    const { userId, printer } = await findOrInsertSignIn(db, signedIn, printerId, now);
    const principal = { hash, userId, tokenName: null, canRead, canWrite, expiresAt: null };
    const listed = list === null ? [] : await listPrinters(db, userId, list, now);
    const caller = { userId, tokenId: null, tokenName: null, canRead, canWrite, seesTokens: canWrite, principal };
    return { caller, printer, listed };
  };
  return { hash, find };
}

/** `Authorization` decides alone if it is there, else `X-API-Key`. */
function readCredential(c: HttpContext): string {
  const authorization = c.req.header("Authorization");
  if (authorization !== undefined) return readScheme(authorization, "bearer", "api");
  const key = c.req.header("X-API-Key");
  if (key === undefined) throw unauthenticated("missing", "api");
  return key;
}

/** What stands after the scheme's word, whose case does not matter. */
function readScheme(authorization: string, scheme: "bearer" | "token", realm: "api" | "agent"): string {
  const [word = "", ...rest] = authorization.trim().split(/\s+/);
  if (word.toLowerCase() !== scheme) throw unauthenticated("missing", realm);
  return rest.join(" ");
}

export function unauthenticated(reason: "missing" | "invalid", realm: "api" | "agent"): FailureError {
  return new FailureError({ code: "unauthenticated", reason, realm });
}

/** At most once a day for each token, and after the answer. */
function noteUse(c: HttpContext, holder: TokenHolder, now: number): void {
  const today = new Date(now).toISOString().slice(0, 10);
  if (holder.lastUsedOn !== null && holder.lastUsedOn >= today) return;
  c.executionCtx.waitUntil(moveLastUsedOn(connect(c.env.DB), holder.tokenId, today).catch(() => undefined));
}

/** The agent behind `Authorization: Token …`. Its printer's object decides whether the token still counts. */
export async function authenticateAgent(c: HttpContext, isFrequent = false): Promise<AgentToken> {
  const agent = await readAgent(c, "token", "agent");
  // A uid is no digest: it has a count of its own among the tokens'.
  await throttle(isFrequent ? c.env.TOKEN_CALLS : c.env.AGENT_CALLS, agent.uid);
  return agent;
}

/** The agent that dials in with `authorization: bearer …`; 401, or 429 ([A76]), without waking any object. */
export async function authenticateAgentSocket(c: HttpContext): Promise<AgentToken> {
  const agent = await readAgent(c, "bearer", "api");
  await throttle(c.env.AGENT_DIALS, agent.uid);
  return agent;
}

async function readAgent(c: HttpContext, scheme: "bearer" | "token", realm: "api" | "agent"): Promise<AgentToken> {
  const authorization = c.req.header("Authorization");
  if (authorization === undefined) throw unauthenticated("missing", realm);
  const token = readScheme(authorization, scheme, realm);
  const agent = await readAgentToken(token, c.var.settings.agentKeys);
  if (agent === null) throw unauthenticated("invalid", realm);
  return agent;
}

/** The rate limits of `wrangler.toml` count by the minute. */
const PERIOD_SECONDS = 60;

async function throttle(limit: RateLimit, key: string): Promise<void> {
  const { success } = await limit.limit({ key });
  if (!success) throw throttled(PERIOD_SECONDS);
}

function throttled(retryAfterSeconds: number): FailureError {
  return new FailureError({ code: "throttled", retryAfterSeconds } satisfies Failure);
}
