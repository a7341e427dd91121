/** API tokens over REST: a caller may hand on what it may do itself, and no more ([S6], [S7]). */
import { Hono } from "hono";
import * as z from "zod";
import { drawApiToken } from "../../credentials/api-token.ts";
import { digest } from "../../credentials/digest.ts";
import { connect } from "../../db/client.ts";
import { type ApiToken, insertToken, listTokens, revokeToken } from "../../db/tokens.ts";
import { type Failure, invalid, UNAVAILABLE } from "../../domain/failure.ts";
import { TimeJson, timeJson } from "../json/time.ts";
import type { Caller, HttpContext, HttpEnv } from "../kit/context.ts";
import { FailureError, orNotFound } from "../kit/errors.ts";
import { choiceField, listField, textField, timeField } from "../kit/fields.ts";
import { route } from "../kit/route.ts";
import { pathId } from "../kit/validate.ts";
import { tellRevoked } from "./revocation.ts";

const SCOPES = ["read", "write"] as const;
type Scope = (typeof SCOPES)[number];

const ApiTokenJson = z
  .object({
    id: z.int(),
    name: z.string(),
    scopes: z.array(z.enum(SCOPES)),
    created_at: TimeJson,
    expires_at: TimeJson.nullable(),
    last_used_on: z.iso.date().nullable().describe("UTC."),
  })
  .meta({ id: "ApiToken" });

function apiTokenJson(token: ApiToken): z.input<typeof ApiTokenJson> {
  return {
    id: token.id,
    name: token.name,
    scopes: scopesOf(token),
    created_at: timeJson(token.createdAt),
    expires_at: timeJson(token.expiresAt),
    last_used_on: token.lastUsedOn,
  };
}

function scopesOf({ canRead, canWrite }: Pick<Caller, "canRead" | "canWrite">): Scope[] {
  return SCOPES.filter((scope) => (scope === "read" ? canRead : canWrite));
}

const list = route(
  {
    method: "GET",
    path: "/api/v1/api_tokens",
    summary: "List the account's API tokens",
    description: "Those that are neither revoked nor expired. The tokens themselves are stored nowhere.",
    access: "read",
    answers: { 200: z.array(ApiTokenJson) },
  },
  async (c) => {
    const tokens = await listTokens(connect(c.env.DB), c.get("caller").userId, Date.now());
    return c.json(tokens.map(apiTokenJson), 200);
  },
);

const create = route(
  {
    method: "POST",
    path: "/api/v1/api_tokens",
    summary: "Make an API token",
    description: "Never wider than the calling token, and never valid for longer.",
    access: "write",
    body: z.object({
      name: textField(100),
      scopes: listField(choiceField(SCOPES))
        .min(1, "This list may not be empty.")
        .optional()
        .describe("Absent: the caller's."),
      expires_at: timeField().nullish().describe("Null: never. Absent: as the calling token."),
    }),
    answers: { 201: ApiTokenJson.extend({ token: z.string().describe("Shown once.") }) },
  },
  async (c) => {
    const caller = c.get("caller");
    const { name, scopes = scopesOf(caller), expires_at } = c.req.valid("json");
    const wish = { canRead: scopes.includes("read"), canWrite: scopes.includes("write") };
    if ((wish.canRead && !caller.canRead) || (wish.canWrite && !caller.canWrite)) throw new FailureError(WIDER);
    const token = drawApiToken();
    const made = await insert(c, caller, { ...wish, name, token, end: expires_at });
    return c.json({ ...apiTokenJson(made), token }, 201);
  },
);

const WIDER = { code: "insufficient_scope" } as const satisfies Failure;

/** Valid ones of an account. */
const TOKENS_MAX = 100;
const FULL = {
  code: "throttled",
  retryAfterSeconds: 3600,
  sentence: `An account may hold ${TOKENS_MAX} API tokens.`,
} as const satisfies Failure;

interface TokenWish {
  readonly name: string;
  readonly canRead: boolean;
  readonly canWrite: boolean;
  readonly token: string;
  readonly end: number | null | undefined;
}

async function insert(c: HttpContext, caller: Caller, { token, end, ...wish }: TokenWish): Promise<ApiToken> {
  const { userId, tokenId, principal } = caller;
  if (principal === null) throw new FailureError(UNAVAILABLE);
  const now = Date.now();
  const expiresAt = judgeEnd(end, tokenId === null ? null : principal.expiresAt, now);
  const row = { ...wish, userId, hash: await digest(token), expiresAt };
  const made = await insertToken(connect(c.env.DB), row, { makerId: tokenId, maxTokens: TOKENS_MAX }, now);
  if (made === undefined) throw new FailureError(FULL);
  return made;
}

/** Epoch milliseconds; null: never. `latest` is the end of the token that asks; a sign-in sets none: it is a person. */
function judgeEnd(end: number | null | undefined, latest: number | null, now: number): number | null {
  if (end === undefined) return latest;
  if (end !== null && end <= now) throw new FailureError(invalid("expires_at", "Ensure this value is in the future."));
  if (latest !== null && (end === null || end > latest)) {
    throw new FailureError(invalid("expires_at", `Ensure this value is not later than ${timeJson(latest)}.`));
  }
  return end;
}

const revoke = route(
  {
    method: "DELETE",
    path: "/api/v1/api_tokens/:tokenId",
    summary: "Revoke an API token, at once",
    access: "write",
    answers: { 204: null },
  },
  async (c) => {
    const id = pathId(c, "tokenId", "ApiToken");
    const { userId } = c.get("caller");
    const hash = orNotFound(await revokeToken(connect(c.env.DB), userId, id, Date.now()), "ApiToken");
    await tellRevoked(c, userId, hash);
    return c.body(null, 204);
  },
);

export const apiTokens = new Hono<HttpEnv>()
  .on(...list)
  .on(...create)
  .on(...revoke);
