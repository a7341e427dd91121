/**
 * Who is calling (design 6). A bearer that begins with `plt_` is an API token of ours: one round trip to D1 finds it and,
 * with it, the printer that the path names.
 */
import { connect } from "../db/client.ts";
import type { OwnedPrinter } from "../db/printers.ts";
import { findOrInsertSignIn } from "../db/sign-ins.ts";
import { findTokenHolder, moveLastUsedOn, type TokenHolder } from "../db/tokens.ts";
import type { Failure } from "../domain/failure.ts";
import { type AgentToken, readAgentToken } from "../protocol/agent-token.ts";
import { digest, isApiToken } from "../protocol/api-token.ts";
import type { Caller, HttpContext } from "./context.ts";
import { FailureError } from "./errors.ts";
import { readSignIn } from "./sign-in.ts";

export interface Admission {
  readonly caller: Caller;
  /** Null when the account has no such printer, or none was asked for. */
  readonly printer: OwnedPrinter | null;
}

/** 401 unless the call carries a valid bearer. `printerId` null: the path names no printer that could exist. */
export async function authenticate(c: HttpContext, printerId: number | null): Promise<Admission> {
  const token = readCredential(c);
  if (!isApiToken(token)) return admitSignIn(c, token, printerId);
  const hash = await digest(token);
  await throttle(c.env.TOKEN_CALLS, hash);
  const now = Date.now();
  const holder = await findTokenHolder(connect(c.env.DB), hash, printerId, now);
  if (holder === undefined) throw unauthenticated("invalid", "api");
  noteUse(c, holder, now);
  const { userId, tokenId, tokenName, canRead, canWrite, printer } = holder;
  return { caller: { userId, tokenId, tokenName, canRead, canWrite }, printer };
}

/** A JWT of the operator's identity provider: its subject's account. */
async function admitSignIn(c: HttpContext, token: string, printerId: number | null): Promise<Admission> {
  const settings = c.var.settings.signIn;
  const now = Date.now();
  const signedIn = settings === null ? null : await readSignIn(token, settings, now);
  if (signedIn === null) throw unauthenticated("invalid", "api");
  await throttle(c.env.TOKEN_CALLS, await digest(`${signedIn.issuer}\n${signedIn.subject}`));
  const { userId, printer } = await findOrInsertSignIn(connect(c.env.DB), signedIn, printerId, now);
  const { canRead, canWrite } = signedIn;
  return { caller: { userId, tokenId: null, tokenName: null, canRead, canWrite }, printer };
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

function unauthenticated(reason: "missing" | "invalid", realm: "api" | "agent"): FailureError {
  return new FailureError({ code: "unauthenticated", reason, realm });
}

/** Once a day for each token, and never in the way of the answer. */
function noteUse(c: HttpContext, holder: TokenHolder, now: number): void {
  const today = new Date(now).toISOString().slice(0, 10);
  if (holder.lastUsedOn !== null && holder.lastUsedOn >= today) return;
  c.executionCtx.waitUntil(moveLastUsedOn(connect(c.env.DB), holder.tokenId, today).catch(() => undefined));
}

/** The agent behind `Authorization: Token …`. Its printer's object decides whether the token still counts. */
export async function authenticateAgent(c: HttpContext): Promise<AgentToken> {
  const agent = await readAgent(c, "token", "agent");
  await throttle(c.env.AGENT_CALLS, agent.uid);
  return agent;
}

/** The agent that dials in with `authorization: bearer …`; 401 without waking any object. */
export function authenticateAgentSocket(c: HttpContext): Promise<AgentToken> {
  return readAgent(c, "bearer", "api");
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
  if (!success) {
    throw new FailureError({ code: "throttled", retryAfterSeconds: PERIOD_SECONDS } satisfies Failure);
  }
}
